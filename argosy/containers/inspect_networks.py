"""All that is known about a network and the containers on it, in podman's form and in docker's."""

from __future__ import annotations

from argosy.containers import networks, state
from argosy.containers.inspect_docker import DEFAULT_NETWORK
from argosy.errors import ArgosyError, NotFound
from argosy.network import attach, inspect
from argosy.network.model import BRIDGE, MACVLAN, Network, network_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from argosy.containers.site import Site
    from argosy.containers.state import ContainerView
    from argosy.network.model import Subnet
    from argosy.network.request import Attachment

PREDEFINED = ("host", "none")  # what docker lists beside; no network of ours, but modes of --network
_MTU = "com.docker.network.driver.mtu"
_BRIDGE_NAME = "com.docker.network.bridge.name"


def members(site: Site, wanted_id: str) -> Iterator[tuple[ContainerView, Attachment]]:
    """The containers that run and are on the network with this id, each with its place there."""
    for view in state.views(site, under_way=True).views:
        if not view.run.pid:
            continue
        record = attach.read(site.run_directory(view.id))
        for attachment in record.attachments if record is not None else ():
            if attachment.network_id == wanted_id:
                yield view, attachment


def podman_form(site: Site, network: Network) -> dict[str, Any]:
    """The document of podman's `network inspect`, with `containers` as podman 5 has it."""
    found = {}
    for view, attachment in members(site, network.id):
        pairs = zip(attachment.addresses, attachment.gateways, strict=True)
        subnets = [{"ipnet": address, **({"gateway": gateway} if gateway else {})} for address, gateway in pairs]
        interface = {"subnets": subnets, "mac_address": attachment.mac}
        found[view.id] = {"name": view.name, "interfaces": {attachment.interface: interface}}
    return {**inspect.inspect(network), "containers": found}


def named_by_docker(site: Site, text: str) -> str:
    """The name of a network as docker's user gives it, by our own name."""
    return networks.of(site).default.name if text == DEFAULT_NETWORK else text


def find(site: Site, text: str) -> Network:
    """A network by the name that docker has for it, with those that are always there.  Raises NotFound."""
    try:
        return networks.of(site).get(named_by_docker(site, text))
    except NotFound:
        for name in PREDEFINED:
            if text == name or (len(text) > 2 and network_id(name).startswith(text)):
                return predefined(name)
        raise


def predefined(name: str) -> Network:
    """What docker shows for one of `PREDEFINED`."""
    return Network(name=name, id=network_id(name), created_ns=0, driver="null" if name == "none" else name, ipam="none")


def check_removable(text: str) -> None:
    """Raise ArgosyError, in docker's words, for the networks that it has always."""
    if text in (DEFAULT_NETWORK, *PREDEFINED):
        raise ArgosyError(f"{text} is a pre-defined network and cannot be removed", exit_code=1)


def listed_by_docker(site: Site, listed: Iterable[Network]) -> tuple[Network, ...]:
    """These networks, and those that are always there, by the names that docker has for them."""
    named = (network.replace(name=docker_name(site, network)) for network in listed)
    return tuple(sorted((*named, *map(predefined, PREDEFINED)), key=lambda network: network.name))


def docker_name(site: Site, network: Network) -> str:
    """What docker calls the network."""
    return DEFAULT_NETWORK if network.id == networks.of(site).default.id else network.name


def docker_form(site: Site, network: Network) -> dict[str, Any]:
    """The document of docker's `network inspect`."""
    configuration = [_subnet(subnet) for subnet in network.subnets]
    return {
        "Name": docker_name(site, network),
        "Id": network.id,
        "Created": inspect.inspect(network)["created"],
        "Scope": "local",
        "Driver": network.driver,
        "EnableIPv4": has_ipv4(network),
        "EnableIPv6": network.ipv6,
        "IPAM": {
            "Driver": "default" if network.ipam == "host-local" else "null",
            "Options": None,
            "Config": configuration,
        },
        "Internal": network.internal,
        "Attachable": network.attachable,
        "Ingress": False,
        "ConfigFrom": {"Network": ""},
        "ConfigOnly": False,
        "Containers": {view.id: _endpoint(view, place) for view, place in members(site, network.id)},
        "Options": _options(network),
        "Labels": dict(network.labels),
    }


def has_ipv4(network: Network) -> bool:
    """Whether containers get addresses of 32 bits there; on the networks that are always there docker says so."""
    return network.name in PREDEFINED or any(not subnet.is_ipv6 for subnet in network.subnets)


def _subnet(subnet: Subnet) -> dict[str, Any]:
    found: dict[str, Any] = {"Subnet": subnet.subnet}
    if subnet.first:
        found["IPRange"] = f"{subnet.first}-{subnet.last}"
    if subnet.gateway:
        found["Gateway"] = subnet.gateway
    if subnet.reserved:
        found["AuxiliaryAddresses"] = dict(subnet.reserved)
    return found


def _endpoint(view: ContainerView, place: Attachment) -> dict[str, str]:
    return {
        "Name": view.name,
        "EndpointID": "",
        "MacAddress": place.mac,
        "IPv4Address": next((address for address in place.addresses if ":" not in address), ""),
        "IPv6Address": next((address for address in place.addresses if ":" in address), ""),
    }


def _options(network: Network) -> dict[str, str]:
    """The driver's options by docker's names where it has one."""
    names = {"mtu": _MTU}
    if network.driver != BRIDGE:
        names["mode"] = "macvlan_mode" if network.driver == MACVLAN else "ipvlan_mode"
    found = {names.get(key, key): value for key, value in network.options.items()}
    if network.interface:
        found[_BRIDGE_NAME if network.driver == BRIDGE else "parent"] = network.interface
    return found

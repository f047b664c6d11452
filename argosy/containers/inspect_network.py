"""NetworkSettings of `inspect`: addresses, networks and ports, in podman's form."""

from __future__ import annotations

from argosy.containers import networks, publish

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site
    from argosy.network.request import Attachment, NetworkRecord


def settings(site: Site, record: ContainerRecord, found: NetworkRecord | None) -> dict[str, Any]:
    """What the container got, or nothing but its networks' names while it is not connected.

    The fields for a single network have the first address of each family, and stay empty where there are several.
    """
    attached = found.attachments if found is not None else ()
    single = found if found is not None and len(attached) < 2 else None
    known = {attachment.network: attachment for attachment in attached}
    uses = networks.named(site, record)
    own = record.id[:12]
    return {
        "EndpointID": "",
        **_addresses(single.addresses if single is not None else (), single.gateway if single is not None else ""),
        "MacAddress": attached[0].mac if len(attached) == 1 else "",
        "Bridge": "",
        "SandboxID": "",
        "HairpinMode": False,
        "LinkLocalIPv6Address": "",
        "LinkLocalIPv6PrefixLen": 0,
        "Ports": _ports(record),
        "SandboxKey": found.netns if found is not None else "",
        **({"Networks": {use.name: _network(use.name, known, (*use.aliases, own)) for use in uses}} if uses else {}),
    }


def _network(name: str, known: dict[str, Attachment], aliases: tuple[str, ...]) -> dict[str, Any]:
    attachment = known.get(name)
    gateways = attachment.gateways if attachment is not None else ()
    found = _addresses(attachment.addresses if attachment is not None else (), "")
    found["Gateway"] = next((gateway for gateway in gateways if gateway and ":" not in gateway), "")
    found["IPv6Gateway"] = next((gateway for gateway in gateways if ":" in gateway), "")
    return {
        "EndpointID": "",
        **found,
        "MacAddress": attachment.mac if attachment is not None else "",
        "NetworkID": name,
        "DriverOpts": None,
        "IPAMConfig": None,
        "Links": None,
        "Aliases": list(aliases),
    }


def _addresses(addresses: tuple[str, ...], gateway: str) -> dict[str, Any]:
    four = next((address for address in addresses if ":" not in address), "")
    six = next((address for address in addresses if ":" in address), "")
    return {
        "Gateway": gateway if ":" not in gateway else "",
        "IPAddress": four.partition("/")[0],
        "IPPrefixLen": int(four.partition("/")[2] or 0),
        "IPv6Gateway": gateway if ":" in gateway else "",
        "GlobalIPv6Address": six.partition("/")[0],
        "GlobalIPv6PrefixLen": int(six.partition("/")[2] or 0),
    }


def port_bindings(record: ContainerRecord) -> dict[str, list[dict[str, str]]]:
    """The published ports, as PORT/PROTOCOL of the container, with the places on the host that lead to each."""
    found: dict[str, list[dict[str, str]]] = {}
    for port in publish.expanded(record.options.ports):
        place = {"HostIp": port.host_ip, "HostPort": str(port.host_port)}
        found.setdefault(f"{port.container_port}/{port.protocol}", []).append(place)
    return dict(sorted(found.items()))


def _ports(record: ContainerRecord) -> dict[str, Any]:
    """The published ports, and those that are exposed and not published."""
    found: dict[str, Any] = dict.fromkeys(record.options.expose)
    found.update(port_bindings(record))
    return dict(sorted(found.items()))

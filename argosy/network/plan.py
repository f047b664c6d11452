"""What a new network is to be like: the words of `network create`, checked and completed.

Pure: what the host and the other networks use is an argument.  Raises Invalid or ArgosyError in podman's words.
"""

from __future__ import annotations

import ipaddress
import os
import re

from argosy.config.containers import DEFAULT_SUBNET_POOLS
from argosy.errors import ArgosyError, Exists, Invalid, Unsupported
from argosy.network import driver_options
from argosy.network.model import (
    BRIDGE,
    DEFAULT_INTERFACE,
    IPVLAN,
    MACVLAN,
    Network,
    Route,
    Subnet,
    network_id,
)
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    Range = ipaddress.IPv4Network | ipaddress.IPv6Network
    Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Names of modes of --network: a network of this name could not be chosen.
_MODES = ("none", "host", "bridge", "private", "slirp4netns", "pasta", "container", "ns", "default")
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*\Z")
_INTERFACE = re.compile(r"[^\s/:\"*\\]{1,15}\Z")  # no mark of nft, whose sets it goes into
_NAME_LIMIT = 200


class CreateRequest(Value):
    """What was asked for, as text: `subnets`, and `gateways` and `ranges` that belong to them in their order.

    A route is "DESTINATION,GATEWAY[,METRIC]".  `reserved` are names with the addresses that no container is to get.
    """

    name: str = ""
    driver: str = BRIDGE
    subnets: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    ranges: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    reserved: Mapping[str, str] = {}
    ipv4: bool = True
    ipv6: bool = False
    internal: bool = False
    attachable: bool = False
    dns: bool = True
    dns_servers: tuple[str, ...] = ()
    ipam: str = ""
    interface: str = ""
    labels: Mapping[str, str] = {}
    options: Mapping[str, str] = {}


class Surroundings(Value):
    """What is there already: all networks, the subnets that the host routes, and the names of its devices."""

    networks: tuple[Network, ...] = ()
    routed: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    bridges: tuple[str, ...] = ()
    pools: tuple[tuple[str, int], ...] = DEFAULT_SUBNET_POOLS


def planned(request: CreateRequest, around: Surroundings, now_ns: int) -> Network:
    """The network that `request` describes, with name, device and subnets chosen where it leaves them open."""
    if request.driver not in (BRIDGE, MACVLAN, IPVLAN):
        raise Invalid("driver", request.driver, "unsupported driver", hint="choose bridge, macvlan or ipvlan")
    options, interface = driver_options.checked(request.driver, request.options, request.interface)
    bridge = _interface(interface, request, around)
    name = _name(request.name, bridge, around)
    ipam = _ipam(request)
    subnets = _subnets(request, around) if ipam != "none" else ()
    return Network(
        name=name,
        id=network_id(name),
        created_ns=now_ns,
        driver=request.driver,
        interface=bridge,
        subnets=subnets,
        routes=tuple(_route(text, subnets) for text in request.routes),
        ipv6=any(subnet.is_ipv6 for subnet in subnets),
        internal=request.internal,
        dns=request.dns and bool(subnets),
        dns_servers=addresses("--dns", request.dns_servers),
        ipam=ipam,
        labels=request.labels,
        options=options,
        attachable=request.attachable,
    )


def _name(name: str, bridge: str, around: Surroundings) -> str:
    taken = {network.name for network in around.networks} | {network.id for network in around.networks}
    if not name:
        if bridge and bridge not in taken:
            return bridge
        return next(name for number in range(1, 1 << 20) if (name := f"podman{number}") not in taken)
    if not _NAME.match(name):
        raise Invalid("network name", name, "names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument")
    if len(name) > _NAME_LIMIT:
        raise Invalid("network name", name, f"it has more than {_NAME_LIMIT} characters")
    if name in _MODES:
        raise ArgosyError(f'cannot create network with name "{name}" because it conflicts with a valid network mode')
    if name in taken:
        error = Exists("network", name)
        error.brief = f"network name {name} already used: network already exists"
        raise error
    return name


def _interface(interface: str, request: CreateRequest, around: Surroundings) -> str:
    """The bridge, chosen where none is named; for macvlan and ipvlan the parent, which must be there."""
    if request.driver != BRIDGE:
        if interface and interface not in around.devices:
            raise ArgosyError(f"parent interface {interface} does not exist", hint="`ip link` lists the devices")
        return interface
    taken = {network.interface for network in around.networks} | {DEFAULT_INTERFACE}
    if not interface:
        names = (f"podman{number}" for number in range(1, 1 << 20))
        return next(name for name in names if name not in taken and name not in around.devices)
    if not _INTERFACE.match(interface) or interface in (".", ".."):
        raise Invalid("bridge name", interface, '1 to 15 characters without blanks or any of / : " * \\ are possible')
    if interface in taken:
        raise ArgosyError(f"bridge name {interface} already in use", hint="another network has it")
    if interface in around.devices and interface not in around.bridges:
        raise ArgosyError(f"bridge name {interface} already in use", hint="a device of this name is no bridge")
    return interface


def _ipam(request: CreateRequest) -> str:
    if request.ipam == "dhcp":
        raise Unsupported(
            "the dhcp ipam driver needs a client that goes on running, and argosy has no daemon",
            hint="give --subnet, or --ipam-driver none and a DHCP client in the container",
        )
    if request.ipam not in ("", "host-local", "none"):
        raise ArgosyError(f'unsupported ipam driver "{request.ipam}"', hint="choose host-local or none")
    if request.ipam == "none" and request.subnets:
        raise ArgosyError("none ipam driver is set but subnets are given")
    if not request.ipam and not request.subnets and request.driver != BRIDGE:
        raise ArgosyError(
            f"{request.driver} driver needs at least one subnet specified, DHCP is not yet supported",
            hint="give --subnet, or --ipam-driver none",
        )
    return request.ipam or "host-local"


def _subnets(request: CreateRequest, around: Surroundings) -> tuple[Subnet, ...]:
    if len(request.gateways) > len(request.subnets) or len(request.ranges) > len(request.subnets):
        raise ArgosyError("cannot set gateway or range without subnet")
    used = [*_used(around)]
    reserved = {name: _address("--aux-address", text) for name, text in request.reserved.items()}
    found: list[Subnet] = []
    for number, text in enumerate(request.subnets):
        gateway = request.gateways[number] if number < len(request.gateways) else ""
        lease = request.ranges[number] if number < len(request.ranges) else ""
        subnet = _network(text)
        _check_free(subnet, used)
        used.append(subnet)
        inside = {name: str(address) for name, address in reserved.items() if address in subnet}
        found.append(_subnet(subnet, gateway, lease, request).replace(reserved=inside))
    for name, address in reserved.items():
        if not any(name in subnet.reserved for subnet in found):
            raise ArgosyError(f"no matching subnet for aux-address {address}", hint="it must be in a --subnet")
    if request.driver != BRIDGE:
        return tuple(found)
    has_ipv4 = any(not subnet.is_ipv6 for subnet in found)
    if not request.ipv4 and (has_ipv4 or not (request.ipv6 or found)):
        raise ArgosyError("without IPv4 a network needs IPv6 subnets alone", hint="give --ipv6, and no IPv4 --subnet")
    if request.ipv4 and not has_ipv4 and (not found or request.ipv6):
        found.append(_subnet(_free(around.pools, used), "", "", request))
    if request.ipv6 and not any(subnet.is_ipv6 for subnet in found):
        found.append(_subnet(_free_ipv6(used), "", "", request))
    return tuple(found)


def _subnet(subnet: Range, gateway: str, lease: str, request: CreateRequest) -> Subnet:
    first, last = _lease(lease, subnet) if lease else ("", "")
    if gateway:
        address = _address("--gateway", gateway)
        if address not in subnet:
            raise ArgosyError(f"gateway {gateway} not in subnet {subnet}")
    elif request.internal and not request.dns:
        return Subnet(str(subnet), "", first, last)
    else:
        if subnet.num_addresses == 1:
            raise ArgosyError(f"subnet {subnet} has no room for a gateway", hint="a prefix of one bit less has")
        address = subnet.network_address + 1
    return Subnet(str(subnet), str(address), first, last)


def _lease(text: str, subnet: Range) -> tuple[str, str]:
    """The first and last address of --ip-range, "CIDR" or "FIRST-LAST"."""
    if "-" in text:
        first, last = (_address("--ip-range", word) for word in text.split("-", 1))
    else:
        given = _network(text)
        first, last = given.network_address, given.broadcast_address
        first = first + 1 if given.num_addresses > 1 else first
    for word, address in (("start", first), ("end", last)):
        if address not in subnet:
            raise ArgosyError(f"lease range {word} ip {address} not in subnet {subnet}")
    if int(first) > int(last):
        raise ArgosyError(f"lease range start ip {first} is behind its end {last}")
    return str(first), str(last)


def _network(text: str) -> Range:
    address, slash, prefix = text.partition("/")
    try:
        if not slash or not prefix.isdecimal():
            raise ValueError
        return ipaddress.ip_network(f"{address}/{prefix}", strict=False)
    except ValueError:
        raise ArgosyError(f"invalid CIDR address: {text}", hint="a subnet is written like 10.89.0.0/24") from None


def _address(flag: str, text: str) -> Address:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        raise ArgosyError(
            f'invalid argument "{text}" for "{flag}" flag: invalid string being converted to IP address: {text}'
        ) from None


def addresses(flag: str, texts: Iterable[str]) -> tuple[str, ...]:
    """The addresses given to a flag, each in its shortest form.  Raises ArgosyError for what is none."""
    return tuple(str(_address(flag, text)) for text in texts)


def _route(text: str, subnets: Iterable[Subnet]) -> Route:
    destination, _, rest = text.partition(",")
    gateway, _, metric = rest.partition(",")
    if not gateway or (metric and not metric.isdecimal()):
        raise Invalid("route", text, "it is not DESTINATION,GATEWAY[,METRIC]")
    through = _address("--route", gateway)
    if not any(through in ipaddress.ip_network(subnet.subnet) for subnet in subnets):
        raise Invalid("route", text, f"the gateway {gateway} is in no subnet of the network")
    target = _network(destination)
    if target.version != through.version:
        raise Invalid("route", text, "destination and gateway are of different families")
    return Route(str(target), str(through), int(metric or 0))


def _used(around: Surroundings) -> Iterator[Range]:
    for network in around.networks:
        for subnet in network.subnets:
            yield ipaddress.ip_network(subnet.subnet)
    for text in around.routed:
        yield ipaddress.ip_network(text, strict=False)
    yield ipaddress.ip_network("0.0.0.0/8")
    yield ipaddress.ip_network("127.0.0.0/8")
    yield ipaddress.ip_network("::1/128")
    yield ipaddress.ip_network("::ffff:0:0/96")  # IPv4 in the clothes of IPv6
    yield ipaddress.ip_network("fe80::/10")


def _overlap(one: Range, other: Range) -> bool:
    return one.version == other.version and one.overlaps(other)


def _check_free(subnet: Range, used: Iterable[Range]) -> None:
    if any(_overlap(subnet, other) for other in used):
        raise ArgosyError(f"subnet {subnet} is already used on the host or by another config")
    if subnet.is_multicast:
        raise ArgosyError(f"subnet {subnet} is for multicast: containers cannot have addresses of it")


def _free(pools: Iterable[tuple[str, int]], used: Sequence[Range]) -> Range:
    for base, prefix in pools:
        for candidate in ipaddress.ip_network(base).subnets(new_prefix=prefix):
            if not any(_overlap(candidate, other) for other in used):
                return candidate
    raise ArgosyError("could not find free subnet from subnet pools", hint="name one with --subnet")


def _free_ipv6(used: Sequence[Range]) -> Range:
    """A random unique local subnet (RFC 4193)."""
    while True:
        candidate = ipaddress.IPv6Network((b"\xfd" + os.urandom(7) + bytes(8), 64))
        if not any(_overlap(candidate, other) for other in used):
            return candidate

"""Networks as values: what `network create` fixed, and what the kernel is told of it."""

from __future__ import annotations

from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import ClassVar

NO_PAIRS: Mapping[str, str] = {}

DEFAULT_NAME, DEFAULT_SUBNET, DEFAULT_INTERFACE = "podman", "10.88.0.0/16", "podman0"
_DEFAULT_ID = "2f259bab93aaaaa2542ba43ef33eb990d0999ee1b9924b557b7be53c0b7a1bb9"
TRUE = ("1", "t", "T", "true", "TRUE", "True")  # as Go's strconv.ParseBool has it
BRIDGE, MACVLAN, IPVLAN = "bridge", "macvlan", "ipvlan"


class Subnet(Value):
    """A range of addresses of a network, in CIDR form.

    `gateway` is "" where nothing leads out; containers get addresses from `first` to `last`, or from the whole subnet
    where these are "", but none of `reserved`, which others on the wire have, by name.
    """

    subnet: str
    gateway: str = ""
    first: str = ""
    last: str = ""
    reserved: Mapping[str, str] = NO_PAIRS

    @property
    def is_ipv6(self) -> bool:
        """Whether these are addresses of 128 bits."""
        return ":" in self.subnet

    @property
    def prefix(self) -> int:
        """How many bits name the network."""
        return int(self.subnet.rpartition("/")[2])


class Route(Value):
    """A route that every container of the network gets; `metric` 0 leaves it to the kernel."""

    destination: str
    gateway: str
    metric: int = 0


class Network(Value):
    """network.json: frozen at create, but for `dns_servers`, which `network update` changes.

    `interface` is the bridge, or for macvlan and ipvlan the device whose wire is shared ("" for that of the default
    route).  `created_ns` is in nanoseconds since the epoch.  `ipam` is "host-local" (we give addresses), or "none".
    `attachable` is docker's word for what is so without a swarm in any case.
    """

    name: str
    id: str
    created_ns: int
    driver: str = BRIDGE
    interface: str = ""
    subnets: tuple[Subnet, ...] = ()
    routes: tuple[Route, ...] = ()
    ipv6: bool = False
    internal: bool = False
    dns: bool = False
    dns_servers: tuple[str, ...] = ()
    ipam: str = "host-local"
    labels: Mapping[str, str] = NO_PAIRS
    options: Mapping[str, str] = NO_PAIRS
    attachable: bool = False

    _nested: ClassVar[dict[str, type[Value]]] = {"subnets": Subnet, "routes": Route}

    def is_set(self, option: str) -> bool:
        """Whether an option that is true or false, which was checked at create, is true; False when it is not set."""
        return self.options.get(option, "") in TRUE

    def number(self, option: str) -> int:
        """The value of an option that is a number, which was checked at create; 0 when it is not set."""
        return int(self.options.get(option) or 0)


def network_id(name: str) -> str:
    """The id of the network of this name: its SHA-256, as netavark has it, so that a name cannot be given twice."""
    if name == DEFAULT_NAME:
        return _DEFAULT_ID  # hashlib takes 5 ms to load, on the way of every `run`
    from hashlib import sha256

    return sha256(name.encode("utf-8", "surrogateescape")).hexdigest()


def default_network(name: str = "", subnet: str = "") -> Network:
    """The network that is always there, by the name and subnet that containers.conf gives it."""
    name, subnet = name or DEFAULT_NAME, subnet or DEFAULT_SUBNET
    return Network(
        name=name,
        id=network_id(name),
        created_ns=0,
        interface=DEFAULT_INTERFACE,
        subnets=(Subnet(subnet, first_address(subnet)),),
        ipv6=":" in subnet,
    )


def first_address(subnet: str) -> str:
    """The first address of a subnet after that which names it."""
    from _socket import AF_INET, AF_INET6, inet_ntop, inet_pton

    address = subnet.partition("/")[0]
    family, length = (AF_INET6, 16) if ":" in address else (AF_INET, 4)
    return inet_ntop(family, (int.from_bytes(inet_pton(family, address), "big") + 1).to_bytes(length, "big"))

"""`network create`: a network that containers are connected to by its name."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.errors import Exists
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class NetworkCreateOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    disable_dns: bool
    dns: tuple[str, ...]
    driver: str
    gateway: tuple[str, ...]
    ignore: bool
    interface_name: str | None
    internal: bool
    ip_range: tuple[str, ...]
    ipam_driver: str | None
    ipv6: bool
    label: tuple[str, ...]
    opt: tuple[str, ...]
    route: tuple[str, ...]
    subnet: tuple[str, ...]


def run(options: NetworkCreateOptions, engine: Engine, out: Output) -> int:
    """Make the network and print its name, or its id when called as docker."""
    from argosy.containers import networks
    from argosy.network.plan import CreateRequest
    from argosy.spec import parse

    request = CreateRequest(
        name=options.operands[0] if options.operands else "",
        driver=options.driver,
        subnets=options.subnet,
        gateways=options.gateway,
        ranges=options.ip_range,
        routes=options.route,
        ipv6=options.ipv6,
        internal=options.internal,
        dns=not options.disable_dns,
        dns_servers=options.dns,
        ipam=options.ipam_driver or "",
        interface=options.interface_name or "",
        labels=parse.parse_labels(options.label),
        options={text.partition("=")[0]: text.partition("=")[2] for text in options.opt},
    )
    store = networks.of(engine.site)
    try:
        network = store.create(request)
    except Exists:
        if not options.ignore:
            raise
        network = store.get(options.operands[0])
    out.line(network.id if out.program == "docker" else network.name)
    return 0


COMMAND = Command(
    path="network create",
    summary="Create networks for containers",
    description=(
        "Makes a network. Containers on it reach each other, and through the host the world, unless it is internal. "
        "Its bridge and its rules are made when the first container joins it."
    ),
    usage="[NAME]",
    options=NetworkCreateOptions,
    run=run,
    max_operands=1,
    flags=(
        Flag("disable-dns", help="Do not let containers find each other by name"),
        Flag("dns", kind="csv", help="Server that names outside of the network are looked up at"),
        Flag("driver", short="d", kind="string", default="bridge", help="How it is made: bridge, macvlan or ipvlan"),
        Flag("gateway", kind="csv", help="Gateway of the subnet"),
        Flag("ignore", help="Do nothing when there is a network of this name"),
        Flag("interface-name", kind="string", help="Name of the bridge, or of the parent of macvlan and ipvlan"),
        Flag("internal", help="Let nothing in or out"),
        Flag("ip-range", kind="list", help="Give addresses of this part of the subnet (CIDR or FIRST-LAST)"),
        Flag("ipam-driver", kind="string", help="Who gives addresses: host-local, or none"),
        Flag("ipv6", help="Give it an IPv6 subnet as well"),
        Flag("label", kind="list", help="Set metadata on the network"),
        Flag(
            "opt",
            short="o",
            kind="list",
            help="Option of the driver (mtu, isolate, metric, no_default_route, mode, parent)",
        ),
        Flag("route", kind="list", help="Route that every container gets (DESTINATION,GATEWAY[,METRIC])"),
        Flag("subnet", kind="list", help="Subnet in CIDR form"),
    ),
    examples=("argosy network create backend", "argosy network create --subnet 10.7.0.0/24 --internal vault"),
)

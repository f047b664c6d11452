"""`network create`: a network that containers are connected to by its name."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError, Exists, Unsupported
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class NetworkCreateOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    disable_dns: bool = False
    dns: tuple[str, ...] = ()
    driver: str = "bridge"
    gateway: tuple[str, ...] = ()
    ignore: bool = False
    interface_name: str | None = None
    internal: bool = False
    ip_range: tuple[str, ...] = ()
    ipam_driver: str | None = None
    ipv6: bool = False
    label: tuple[str, ...] = ()
    opt: tuple[str, ...] = ()
    route: tuple[str, ...] = ()
    subnet: tuple[str, ...] = ()
    # docker's alone
    attachable: bool = False
    aux_address: tuple[str, ...] = ()
    config_from: str | None = None
    config_only: bool = False
    ingress: bool = False
    ipam_opt: tuple[str, ...] = ()
    ipv4: bool = True
    scope: str | None = None


_IPAM_OF_DOCKER = {"default": "host-local", "null": "none"}


def run(options: NetworkCreateOptions, engine: Engine, out: Output) -> int:
    """Make the network and print its name, or its id when called as docker."""
    from argosy.containers import networks
    from argosy.network.plan import CreateRequest
    from argosy.spec import parse

    if out.program == "docker":
        _check_docker(options)
    ipam = options.ipam_driver or ""
    request = CreateRequest(
        name=options.operands[0] if options.operands else "",
        driver=options.driver,
        subnets=options.subnet,
        gateways=options.gateway,
        ranges=options.ip_range,
        routes=options.route,
        reserved=_pairs(options.aux_address),
        ipv4=options.ipv4,
        ipv6=options.ipv6,
        internal=options.internal,
        attachable=options.attachable,
        dns=not options.disable_dns,
        dns_servers=options.dns,
        ipam=_IPAM_OF_DOCKER.get(ipam, ipam) if out.program == "docker" else ipam,
        interface=options.interface_name or "",
        labels=parse.parse_labels(options.label),
        options=_pairs(options.opt),
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


def _pairs(texts: tuple[str, ...]) -> dict[str, str]:
    return {text.partition("=")[0]: text.partition("=")[2] for text in texts}


def _check_docker(options: NetworkCreateOptions) -> None:
    """Raise for what docker has and we do not: a swarm, and networks that are the pattern of others."""
    if not options.operands:
        raise ArgosyError("docker network create requires exactly 1 argument", exit_code=1)
    for given, flag, why in (
        (options.ingress, "--ingress", "the routing mesh is a swarm's"),
        (options.scope not in (None, "", "local"), f"--scope {options.scope}", "all networks are of this host"),
        (options.config_only, "--config-only", "every network is one that containers can be on"),
        (options.config_from, "--config-from", "give the flags themselves"),
        (options.ipam_opt, "--ipam-opt", "the default IPAM driver has no options"),
    ):
        if given:
            raise Unsupported(f"{flag} is not supported", details=why)


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
            help="Option of the driver (mtu, isolate, metric, no_default_route, vlan, mode, parent)",
        ),
        Flag("route", kind="list", help="Route that every container gets (DESTINATION,GATEWAY[,METRIC])"),
        Flag("subnet", kind="list", help="Subnet in CIDR form"),
        Flag("attachable", only="docker", help="Let containers be attached by hand, which they can be in any case"),
        Flag("aux-address", kind="list", only="docker", help="Address that no container gets (NAME=ADDRESS)"),
        Flag("config-from", kind="string", only="docker", help="Network to copy the configuration of (refused)"),
        Flag("config-only", only="docker", help="Make a configuration alone (refused)"),
        Flag("ingress", only="docker", help="Make a swarm's routing mesh (refused)"),
        Flag("ipam-opt", kind="list", only="docker", help="Option of the IPAM driver (refused)"),
        Flag("ipv4", default=True, only="docker", help="Give it an IPv4 subnet"),
        Flag("scope", kind="string", only="docker", help='Where the network is ("local")'),
    ),
    examples=("argosy network create backend", "argosy network create --subnet 10.7.0.0/24 --internal vault"),
)

"""`network connect`: one more network for a container."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.errors import Unsupported
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class NetworkConnectOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    alias: tuple[str, ...]
    ip: str | None
    ip6: str | None
    mac_address: str | None = None
    driver_opt: tuple[str, ...] = ()
    gw_priority: int | None = None
    link: tuple[str, ...] = ()
    link_local_ip: tuple[str, ...] = ()


def run(options: NetworkConnectOptions, engine: Engine, out: Output) -> int:
    """Connect the container; at once where it runs, else at its next start."""
    from argosy.cli.podman import _each
    from argosy.containers import inspect_networks, network_changes
    from argosy.spec import parsenetworks
    from argosy.spec.options import NetworkMode, NetworkUse

    name = options.operands[0]
    if out.program == "docker":
        _check_docker(options)
        name = inspect_networks.named_by_docker(engine.site, name)
    mode = parsenetworks.with_flags(
        NetworkMode("bridge", networks=(NetworkUse(name),)),
        ip=options.ip,
        ip6=options.ip6,
        mac=options.mac_address,
        aliases=options.alias,
    )
    network_changes.connect(engine.site, _each.find(engine, options.operands[1]), mode.networks[0])
    return 0


def _check_docker(options: NetworkConnectOptions) -> None:
    """Raise for what docker has and we do not."""
    for given, flag, why in (
        (options.driver_opt, "--driver-opt", "the drivers take options for whole networks"),
        (options.gw_priority, "--gw-priority", "the network that the container was connected to first leads out"),
        (options.link, "--link", "containers on a network find each other by name: give --alias to the other one"),
        (options.link_local_ip, "--link-local-ip", "give addresses of the network's subnets"),
    ):
        if given:
            raise Unsupported(f"{flag} is not supported", details=why)


COMMAND = Command(
    path="network connect",
    summary="Add container to a network",
    description=(
        "Connects a container to one more network, with a device, an address and names of its own there: at once if it "
        "runs, else when it starts. It stays connected when it is started again."
    ),
    usage="NETWORK CONTAINER",
    options=NetworkConnectOptions,
    run=run,
    min_operands=2,
    max_operands=2,
    flags=(
        Flag("alias", kind="list", help="Another name for the container on the network"),
        Flag("ip", kind="string", help="Address of the container on the network"),
        Flag("ip6", kind="string", help="IPv6 address of the container on the network"),
        Flag("mac-address", kind="string", help="Hardware address of the container on the network"),
        Flag("driver-opt", kind="list", only="docker", help="Option of the driver for this container (refused)"),
        Flag(
            "gw-priority", kind="int", only="docker", help="Which network's gateway leads out (0, others are refused)"
        ),
        Flag("link", kind="list", only="docker", help="Another name for another container (refused)"),
        Flag("link-local-ip", kind="list", only="docker", help="Link-local address of the container (refused)"),
    ),
    examples=("argosy network connect backend web", "argosy network connect --alias db --ip 10.89.0.9 backend web"),
)

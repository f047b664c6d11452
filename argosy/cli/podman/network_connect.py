"""`network connect`: one more network for a container."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
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
    mac_address: str | None


def run(options: NetworkConnectOptions, engine: Engine, _out: Output) -> int:
    """Connect the container; at once where it runs, else at its next start."""
    from argosy.cli.podman import _each
    from argosy.containers import network_changes
    from argosy.spec import parsenetworks
    from argosy.spec.options import NetworkMode, NetworkUse

    mode = parsenetworks.with_flags(
        NetworkMode("bridge", networks=(NetworkUse(options.operands[0]),)),
        ip=options.ip,
        ip6=options.ip6,
        mac=options.mac_address,
        aliases=options.alias,
    )
    network_changes.connect(engine.site, _each.find(engine, options.operands[1]), mode.networks[0])
    return 0


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
    ),
    examples=("argosy network connect backend web", "argosy network connect --alias db --ip 10.89.0.9 backend web"),
)

"""`network update`: other servers for the names outside of a network."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class NetworkUpdateOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    dns_add: tuple[str, ...]
    dns_drop: tuple[str, ...]


def run(options: NetworkUpdateOptions, engine: Engine, out: Output) -> int:
    """Change the servers of the network, for containers that run as well, and print its name."""
    from argosy.containers import networks

    network = networks.update_dns(engine.site, options.operands[0], add=options.dns_add, drop=options.dns_drop)
    out.line(network.name)
    return 0


COMMAND = Command(
    path="network update",
    summary="Update an existing network",
    description="Adds and drops servers that the names outside of the network are looked up at.",
    usage="NETWORK",
    options=NetworkUpdateOptions,
    run=run,
    min_operands=1,
    max_operands=1,
    flags=(
        Flag("dns-add", kind="csv", help="Add a server of names"),
        Flag("dns-drop", kind="csv", help="Drop a server of names"),
    ),
    examples=("argosy network update --dns-add 9.9.9.9 backend",),
)

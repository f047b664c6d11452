"""`network exists`: whether there is a network, told by the exit status."""

from __future__ import annotations

from argosy.cli.flags import Command
from argosy.errors import NotFound
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class NetworkExistsOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]


def run(options: NetworkExistsOptions, engine: Engine, _out: Output) -> int:
    """0 when the network is there, 1 when it is not."""
    from argosy.containers import networks

    try:
        networks.of(engine.site).get(options.operands[0])
    except NotFound:
        return 1
    return 0


COMMAND = Command(
    path="network exists",
    summary="Check if network exists",
    description="Ends with status 0 if there is a network of this name or id, else with 1.",
    usage="NETWORK",
    options=NetworkExistsOptions,
    run=run,
    min_operands=1,
    max_operands=1,
    examples=("argosy network exists backend || argosy network create backend",),
)

"""`container exists`: a question that scripts ask."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.errors import NotFound
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class ExistsOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    external: bool


def run(options: ExistsOptions, engine: Engine, _out: Output) -> int:
    """Status 0 when there is such a container, 1 when there is none."""
    try:
        engine.containers.find(options.operands[0])
    except NotFound:
        return 1
    return 0


COMMAND = Command(
    path="container exists",
    summary="Check if a container exists in local storage",
    description="Ends with status 0 when the container exists, 1 when it does not, 125 when nobody could tell.",
    options=ExistsOptions,
    run=run,
    usage="CONTAINER",
    flags=(Flag("external", help="Look at external storage containers as well as at argosy's own"),),
    min_operands=1,
    max_operands=1,
    examples=("argosy container exists web && echo there",),
)

"""`pod exists`: a question that scripts ask."""

from __future__ import annotations

from argosy.cli.flags import Command
from argosy.errors import NotFound
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class PodExistsOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]


def run(options: PodExistsOptions, engine: Engine, _out: Output) -> int:
    """Status 0 when there is such a pod, 1 when there is none."""
    try:
        engine.store.pods.find(options.operands[0])
    except NotFound:
        return 1
    return 0


COMMAND = Command(
    path="pod exists",
    summary="Check if a pod exists in local storage",
    description="Ends with status 0 when the pod exists, 1 when it does not, 125 when nobody could tell.",
    options=PodExistsOptions,
    run=run,
    usage="POD",
    flags=(),
    min_operands=1,
    max_operands=1,
    examples=("argosy pod exists web && echo there",),
)

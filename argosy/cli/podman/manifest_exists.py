"""`manifest exists`: whether the store has a manifest list."""

from __future__ import annotations

from argosy.cli.flags import Command
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class ManifestExistsOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]


def run(options: ManifestExistsOptions, engine: Engine, _out: Output) -> int:
    """Status 0 when there is one, 1 when there is none."""
    from argosy.images.manifestlist import Lists
    from argosy.images.resolve import ImageNotKnown

    try:
        Lists(engine.store).find(options.operands[0])
    except ImageNotKnown:
        return 1
    return 0


COMMAND = Command(
    path="manifest exists",
    summary="Check if a manifest list exists in local storage",
    description="The status is 0 when there is a list with this name or id, 1 when there is none.",
    usage="MANIFEST",
    options=ManifestExistsOptions,
    run=run,
    min_operands=1,
    max_operands=1,
    examples=("argosy manifest exists mylist:v1",),
)

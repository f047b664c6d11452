"""`volume exists`: whether there is a volume, told by the exit status."""

from __future__ import annotations

from argosy.cli.flags import Command
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class VolumeExistsOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]


def run(options: VolumeExistsOptions, engine: Engine, _out: Output) -> int:
    """0 when the volume is there, 1 when it is not."""
    return 0 if engine.store.volumes.exists(options.operands[0]) else 1


COMMAND = Command(
    path="volume exists",
    summary="Check if a volume exists",
    description="Ends with status 0 if there is a volume of this name, else with 1.",
    usage="VOLUME",
    options=VolumeExistsOptions,
    run=run,
    min_operands=1,
    max_operands=1,
    examples=("argosy volume exists data || argosy volume create data",),
)

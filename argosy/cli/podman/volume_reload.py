"""`volume reload`: the volumes of the plugins."""

from __future__ import annotations

from argosy.cli.flags import Command
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class VolumeReloadOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]


def run(_options: VolumeReloadOptions, _engine: Engine, _out: Output) -> int:
    """Nothing: there are no plugins, and no list of volumes beside the volumes themselves."""
    return 0


COMMAND = Command(
    path="volume reload",
    summary="Reload all volumes from volume plugins",
    description="Has nothing to do: argosy has no volume plugins whose volumes could have come or gone.",
    options=VolumeReloadOptions,
    run=run,
    max_operands=0,
    examples=("argosy volume reload",),
)

"""`rename`: give a container another name."""

from __future__ import annotations

from argosy.cli.flags import Command
from argosy.cli.podman import _each
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class RenameOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]


def run(options: RenameOptions, engine: Engine, _out: Output) -> int:
    """Rename the container; nothing is printed."""
    old, new = options.operands
    engine.containers.rename(_each.find(engine, old), new)
    return 0


COMMAND = Command(
    path="rename",
    summary="Rename an existing container",
    description="Gives a container another name, whether or not it runs. Its hostname and its id stay as they are.",
    options=RenameOptions,
    run=run,
    usage="CONTAINER NAME",
    min_operands=2,
    max_operands=2,
    examples=("argosy rename web old-web",),
)

"""`rename`: give a working container another name."""

from __future__ import annotations

from argosy.cli.buildah import _containers
from argosy.cli.flags import Command
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class RenameOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]


def run(options: RenameOptions, engine: Engine, _out: Output) -> int:
    """Rename it; nothing is printed."""
    containers = _containers.known(engine)
    old, new = options.operands
    found = _containers.find(containers, old)
    if found.name == new:
        raise ArgosyError("renaming a container with the same name as its current name")
    containers.rename(found.id, new)
    return 0


COMMAND = Command(
    path="rename",
    summary="Rename a working container",
    description="Gives a working container another name. Its id stays as it is.",
    usage="CONTAINER NAME",
    options=RenameOptions,
    run=run,
    min_operands=2,
    max_operands=2,
    examples=("argosy rename base stage",),
)

"""`umount`: unmount the trees of working containers."""

from __future__ import annotations

from argosy.cli.buildah import _containers
from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class UmountOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool


def run(options: UmountOptions, engine: Engine, out: Output) -> int:
    """Unmount each that is mounted, and print its id."""
    containers = _containers.known(engine)
    if options.all and options.operands:
        raise ArgosyError("when using the --all switch, you may not pass any container IDs")
    if not options.all and not options.operands:
        raise ArgosyError("at least one container ID must be specified")
    names = options.operands
    if options.all:
        names = tuple(record.id for record in containers.all() if containers.mount_point(record.id))
    return _containers.each(names, containers.unmount, out, "error unmounting container {}")


COMMAND = Command(
    path="umount",
    summary="Unmount the root filesystems of working containers",
    description="Unmounts the trees of working containers. What was changed in them stays.",
    usage="CONTAINER [CONTAINER...]",
    options=UmountOptions,
    run=run,
    flags=(Flag("all", short="a", help="Unmount all that are mounted"),),
    examples=("argosy umount working-container", "argosy umount --all"),
)

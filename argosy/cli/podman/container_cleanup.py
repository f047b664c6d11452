"""`container cleanup`: take down what ended containers have left; conmon's exit command."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _each
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine

_FULL_ID = 64


class CleanupOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    latest: bool
    rm: bool


def run(options: CleanupOptions, engine: Engine, out: Output) -> int:
    """Clean up each container and print its name.  conmon gives a full id: that one may be gone already."""
    if len(options.operands) == 1 and len(options.operands[0]) == _FULL_ID and not options.rm:
        engine.containers.cleanup(options.operands[0])
        engine.containers.prune_exits()
        out.line(options.operands[0])
        return 0
    names = _each.chosen(engine, options.operands, all_=options.all, latest=options.latest)

    def clean(container_id: str) -> None:
        engine.containers.cleanup(container_id)
        if options.rm:
            try:
                engine.containers.remove(container_id)
            except ArgosyError as error:
                raise ArgosyError(f"cannot remove container {container_id[:12]}", details=str(error)) from error

    return _each.for_each(engine, names, out, clean)


COMMAND = Command(
    path="container cleanup",
    summary="Clean up network and mountpoints of one or more containers",
    description="Takes down mounts, networks and control groups of containers that have ended. Running ones are left.",
    options=CleanupOptions,
    run=run,
    usage="CONTAINER [CONTAINER...]",
    flags=(
        Flag("all", short="a", help="Clean up all containers"),
        Flag("latest", short="l", help="Act on the latest container argosy is aware of"),
        Flag("rm", help="After cleanup, remove the container entirely"),
    ),
    examples=("argosy container cleanup --all",),
)

"""`pause`: stop the processes of containers where they are."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _each
from argosy.containers import state
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class PauseOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    cidfile: tuple[str, ...]
    filter: tuple[str, ...]
    latest: bool


def run(options: PauseOptions, engine: Engine, out: Output) -> int:
    """Pause each container.  With --all those that do not run are passed over."""
    names = _each.chosen(
        engine,
        options.operands,
        all_=options.all,
        latest=options.latest,
        cidfiles=options.cidfile,
        filters=options.filter,
    )

    def pause(container_id: str) -> bool:
        if options.all and engine.containers.view(container_id).run.status != state.RUNNING:
            return False
        engine.containers.pause(container_id)
        return True

    return _each.for_each(engine, names, out, pause)


COMMAND = Command(
    path="pause",
    summary="Pause all the processes in one or more containers",
    description="Stops all processes of containers where they are, by their control groups, until `unpause`.",
    options=PauseOptions,
    run=run,
    usage="CONTAINER [CONTAINER...]",
    flags=(
        Flag("all", short="a", help="Pause all running containers"),
        Flag("cidfile", kind="list", help="Read the container ID from the file"),
        Flag("filter", short="f", kind="list", help="Choose containers by what they are (as `ps --filter`)"),
        Flag("latest", short="l", help="Act on the latest container argosy is aware of"),
    ),
    examples=("argosy pause web", "argosy pause --all"),
)

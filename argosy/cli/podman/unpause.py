"""`unpause`: let the processes of paused containers go on."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _each
from argosy.containers import state
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class UnpauseOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    cidfile: tuple[str, ...]
    filter: tuple[str, ...]
    latest: bool


def run(options: UnpauseOptions, engine: Engine, out: Output) -> int:
    """Resume each container.  With --all those that are not paused are passed over."""
    names = _each.chosen(
        engine,
        options.operands,
        all_=options.all,
        latest=options.latest,
        cidfiles=options.cidfile,
        filters=options.filter,
    )

    def unpause(container_id: str) -> bool:
        if options.all and engine.containers.view(container_id).run.status != state.PAUSED:
            return False
        engine.containers.unpause(container_id)
        return True

    return _each.for_each(engine, names, out, unpause)


COMMAND = Command(
    path="unpause",
    summary="Unpause the processes in one or more containers",
    description="Lets the processes of containers go on that `pause` has stopped.",
    options=UnpauseOptions,
    run=run,
    usage="CONTAINER [CONTAINER...]",
    flags=(
        Flag("all", short="a", help="Unpause all paused containers"),
        Flag("cidfile", kind="list", help="Read the container ID from the file"),
        Flag("filter", short="f", kind="list", help="Choose containers by what they are (as `ps --filter`)"),
        Flag("latest", short="l", help="Act on the latest container argosy is aware of"),
    ),
    examples=("argosy unpause web", "argosy unpause --all"),
)

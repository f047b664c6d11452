"""`init`: containers made, and not started yet."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _each
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class InitOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    latest: bool


def run(options: InitOptions, engine: Engine, out: Output) -> int:
    """Make each container ready to be started, and print its name; --all passes over those that are."""
    from argosy.containers import initialize, state

    names = _each.chosen(engine, options.operands, all_=options.all, latest=options.latest)

    def work(container_id: str) -> None:
        ready = state.derive(engine.site, container_id).status in (*state.ACTIVE, state.INITIALIZED)
        if not (options.all and ready):
            initialize.initialize(engine.site, container_id)

    return _each.for_each(engine, names, out, work)


COMMAND = Command(
    path="init",
    summary="Initialize one or more containers",
    description=(
        "Makes containers up to the point where their program would run: mounts, network, control group and process "
        "are there, for others to look at or to change. `start` lets the program run, `stop` takes all of it down."
    ),
    usage="CONTAINER [CONTAINER...]",
    options=InitOptions,
    run=run,
    flags=(
        Flag("all", short="a", help="Initialize all containers"),
        Flag("latest", short="l", help="Act on the latest container argosy is aware of"),
    ),
    examples=("argosy init web", "argosy init --latest"),
)

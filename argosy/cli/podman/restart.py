"""`restart`: stop containers and start them again."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _each
from argosy.containers import state
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class RestartOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    cidfile: tuple[str, ...]
    filter: tuple[str, ...]
    latest: bool
    running: bool
    signal: str | None
    time: int | None


def run(options: RestartOptions, engine: Engine, out: Output) -> int:
    """Restart each container and print the name it was given by; one that does not run is started.

    With --running those that do not run are passed over.  A name that nobody has keeps all of them as they are.
    """
    named = bool(options.operands or options.cidfile or options.latest)
    names = _each.chosen(
        engine,
        options.operands,
        all_=options.all or (options.running and not named and not options.filter),
        latest=options.latest,
        cidfiles=options.cidfile,
        filters=options.filter,
    )
    for name in names:
        _each.find(engine, name)
    signal = _each.signal_number(options.signal)

    def restart(container_id: str) -> bool:
        if options.running and engine.containers.view(container_id).run.status != state.RUNNING:
            return False
        engine.containers.restart(container_id, options.time, signal=signal)
        return True

    return _each.for_each(engine, names, out, restart)


COMMAND = Command(
    path="restart",
    summary="Restart one or more containers",
    description="Stops each container, if it runs, and starts it again.",
    options=RestartOptions,
    run=run,
    usage="CONTAINER [CONTAINER...]",
    flags=(
        Flag("all", short="a", help="Restart all containers, whether or not they run"),
        Flag("cidfile", kind="list", help="Read the container ID from the file"),
        Flag("filter", short="f", kind="csv", help="Restart the containers that meet the conditions given"),
        Flag("latest", short="l", help="Act on the latest container argosy is aware of"),
        Flag("running", help="Restart only containers that run; all of them where none is named"),
        Flag("signal", short="s", kind="string", only="docker", help="Signal to send in place of the container's own"),
        Flag(
            "timeout",
            short="t",
            kind="int",
            field="time",
            only="docker",
            help="Seconds to wait before killing the container",
        ),
        Flag(
            "time",
            short="t",
            kind="uint",
            help="Seconds to wait for stop before killing the container",
            aliases=("timeout",),
        ),
    ),
    examples=("argosy restart web", "argosy restart --running --time 2"),
)

"""`stop`: end containers, gently first."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _each
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class StopOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    cidfile: tuple[str, ...]
    filter: tuple[str, ...]
    ignore: bool
    latest: bool
    signal: str | None
    time: int | None


def run(options: StopOptions, engine: Engine, out: Output) -> int:
    """Stop each container; one that does not run is no error."""
    names = _each.chosen(
        engine,
        options.operands,
        all_=options.all,
        latest=options.latest,
        cidfiles=options.cidfile,
        filters=options.filter,
        ignore=options.ignore,
    )

    signal = _each.signal_number(options.signal)

    def stop(container_id: str) -> bool:
        stopped = engine.containers.stop(container_id, options.time, signal=signal)
        return stopped or not options.all

    return _each.for_each(engine, names, out, stop, ignore=options.ignore)


COMMAND = Command(
    path="stop",
    summary="Stop one or more containers",
    description="Sends each container its stop signal, waits, and kills it when the time is up.",
    options=StopOptions,
    run=run,
    usage="CONTAINER [CONTAINER...]",
    flags=(
        Flag("all", short="a", help="Stop all running containers"),
        Flag("cidfile", kind="list", help="Read the container ID from the file"),
        Flag("filter", short="f", kind="csv", help="Stop the containers that meet the conditions given"),
        Flag("ignore", short="i", help="Ignore errors when a specified container is missing"),
        Flag("latest", short="l", help="Act on the latest container argosy is aware of"),
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
            kind="int",
            help="Seconds to wait for stop before killing the container",
            aliases=("timeout",),
        ),
    ),
    examples=("argosy stop web", "argosy stop --time 2 --all", "argosy stop --filter label=role=web"),
)

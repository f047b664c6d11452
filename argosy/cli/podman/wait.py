"""`wait`: until containers have ended."""

from __future__ import annotations

from argosy import durations, numbers
from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _each
from argosy.containers import filters
from argosy.containers import wait as waiting
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class WaitOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    condition: tuple[str, ...]
    ignore: bool
    interval: str
    latest: bool


def run(options: WaitOptions, engine: Engine, out: Output) -> int:
    """Wait for each container in turn and print its exit code."""
    interval_s = _interval_s(options.interval)
    statuses = filters.statuses(options.condition or ("exited",), waiting.HEALTH)
    nothing = f'"{out.program} wait" requires a name, id, or the "--latest" flag'
    names = _each.chosen(engine, options.operands, latest=options.latest, nothing=nothing)
    if not options.ignore:
        for name in names:
            _each.find(engine, name)

    def wait(container_id: str) -> None:
        out.line(str(engine.containers.wait_for(container_id, statuses, interval_s=interval_s)))
        out.flush()

    def absent(name: str) -> bool:
        try:
            engine.containers.find(name)
        except ArgosyError:
            return True
        return False

    if options.ignore:
        for name in names:
            if absent(name):
                out.line("-1")
    return _each.for_each(engine, names, out, wait, ignore=options.ignore, show=False)


def _interval_s(text: str) -> float:
    """A number of milliseconds, or a duration."""
    try:
        return max(0.001, numbers.natural(text) / 1000 if text.isdecimal() else durations.seconds(text))
    except ValueError as error:
        raise ArgosyError(str(error)) from None


COMMAND = Command(
    path="wait",
    summary="Block on one or more containers until they stop",
    description=(
        "Waits until each container has ended and prints its exit code; with --condition, until it is in that state "
        "(or healthy or unhealthy, where it has a health check), and -1 unless it has ended."
    ),
    options=WaitOptions,
    run=run,
    usage="CONTAINER [CONTAINER...]",
    flags=(
        Flag(
            "condition",
            kind="csv",
            help="Status to wait for, one of several where more than one is given (default exited)",
        ),
        Flag("ignore", help="Ignore errors when a container is missing: its exit code is -1"),
        Flag("interval", short="i", kind="string", default="250ms", help="Time to wait between looks at a container"),
        Flag("latest", short="l", help="Act on the latest container argosy is aware of"),
    ),
    examples=("argosy wait web", "argosy wait --condition running web"),
)

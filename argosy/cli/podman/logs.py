"""`logs`: what containers wrote to their standard output and error."""

from __future__ import annotations

import time

from argosy import durations, numbers
from argosy.cli.flags import Command, Flag
from argosy.cli.output import Output
from argosy.cli.podman import _each
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from argosy.containers.logs import Source
    from argosy.engine import Engine
    from argosy.runtime.logs import Entry

_SHORT_ID = 12
_STDERR = 2
_COLORS = tuple(b"\x1b[%dm" % code for code in (37, 31, 33, 34, 35, 36, 32))
_PLAIN = b"\x1b[0m"


class LogsOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    color: bool
    details: bool
    docker_tail: str
    follow: bool
    latest: bool
    names: bool
    since: str | None
    tail: int
    timestamps: bool
    until: str | None


class _Printer:
    """Puts entries where the container put them, in their order where both go to the same place.

    One of the two outputs holds text back at any time, the other has been flushed.
    """

    def __init__(self, options: LogsOptions, out: Output, *, several: bool) -> None:
        self._options = options
        self._several = several
        self._outs = {1: out, _STDERR: Output(out.program, fd=_STDERR)}
        self._last = out
        self._within: dict[int, Source] = {}  # whose line an output is in the middle of
        self._colors: dict[str, bytes] = {}  # by container, each in turn

    def show(self, source: Source, entry: Entry) -> None:
        out = self._outs[entry.stream]
        if out is not self._last:
            self._last.flush()
            self._last = out
        owner = self._within.pop(entry.stream, None)
        if owner is not None and owner is not source:
            out.write_bytes(self._reset + b"\n")
        text = self._prefix(source, entry) + entry.data if owner is not source else entry.data
        if not entry.ends:
            self._within[entry.stream] = source
        out.write_bytes(text + self._reset + b"\n" if entry.ends else text)

    @property
    def _reset(self) -> bytes:
        return _PLAIN if self._options.color else b""

    def _prefix(self, source: Source, entry: Entry) -> bytes:
        prefix = b""
        if self._options.color:
            prefix = self._colors.setdefault(source.id, _COLORS[len(self._colors) % len(_COLORS)])
        if self._several:
            prefix += (source.name if self._options.names else source.id[:_SHORT_ID]).encode() + b" "
        if self._options.timestamps:
            zone = entry.time.endswith(b"+00:00")
            prefix += (entry.time[:-6] + b"Z" if zone else entry.time) + b" "
        return prefix + source.details + b" " if self._options.details else prefix

    def flush(self) -> None:
        self._last.flush()


def run(options: LogsOptions, engine: Engine, out: Output) -> int:
    """Show the logs, and with --follow what is added to them until the containers end."""
    show(options, _containers(options, engine), engine, out)
    return 0


def show(options: LogsOptions, ids: Sequence[str], engine: Engine, out: Output) -> None:
    """Show the logs of the containers with these ids."""
    from argosy.containers.logs import LogOptions

    until_ns = _until(options)
    wanted = LogOptions(
        tail=_tail(options),
        details=options.details,
        since_ns=_moment("since", options.since),
        until_ns=until_ns,
    )
    sources = engine.containers.open_logs(ids, wanted)
    printer = _Printer(options, out, several=len(ids) > 1)
    if options.follow:
        entries = engine.containers.follow_logs(sources, until_ns=until_ns, reader=1, idle=printer.flush)
    else:
        entries = _all(sources)
    for source, entry in entries:
        printer.show(source, entry)
    printer.flush()
    for source in sources:
        if source.reader.damaged:
            out.error(f"Error: {source.reader.damaged} lines of the log of container {source.name} are damaged")


def _tail(options: LogsOptions) -> int | None:
    """How many lines; docker's word for all of them is any that is no number."""
    try:
        count = numbers.integer(options.docker_tail) if options.docker_tail else options.tail
    except ValueError:
        return None
    return count if count >= 0 else None


def _all(sources: Sequence[Source]) -> Iterator[tuple[Source, Entry]]:
    for source in sources:
        for entry in source.reader.entries():
            yield source, entry


def _containers(options: LogsOptions, engine: Engine) -> list[str]:
    """The ids of the containers that were named, or of the one made last; each once."""
    if options.latest and options.operands:
        raise ArgosyError("--latest and containers cannot be used together")
    if not options.latest and not options.operands:
        raise ArgosyError("specify at least one container name or ID to log")
    names = _each.chosen(engine, options.operands, latest=options.latest)
    return list(dict.fromkeys(_each.find(engine, name) for name in names))


def _until(options: LogsOptions) -> int | None:
    """--until; a duration means as long ago, but with --follow from now on."""
    if options.until is not None and options.follow:
        try:
            return time.time_ns() + int(durations.seconds(options.until) * 1e9)
        except ValueError:
            pass
    return _moment("until", options.until)


def _moment(flag: str, text: str | None) -> int | None:
    if text is None:
        return None
    from argosy.images import filters

    try:
        return filters.moment(text)
    except ArgosyError as error:
        raise ArgosyError(f'parsing --{flag} "{text}": unable to interpret time value', hint=error.hint) from error


COMMAND = Command(
    path="logs",
    summary="Fetch the logs of one or more containers",
    description=(
        "Shows what containers wrote, their standard error on standard error. Of several containers each line begins "
        "with the container's ID. TIMESTAMP is a time such as 2006-01-02T15:04:05Z, seconds since the epoch, or a "
        "duration: so long ago."
    ),
    options=LogsOptions,
    run=run,
    usage="CONTAINER [CONTAINER...]",
    flags=(
        Flag("color", help="Output the containers with different colors in the log"),
        Flag("details", only="docker", help="Show the labels and variables that --log-opt named before each line"),
        Flag("follow", short="f", help="Follow log output until the containers end"),
        Flag("latest", short="l", help="Act on the latest container argosy is aware of"),
        Flag("names", short="n", help="Output the container name in the log, where there are several"),
        Flag("since", kind="string", metavar="TIMESTAMP", help="Show logs since TIMESTAMP"),
        Flag(
            "tail",
            short="n",
            kind="string",
            default="",
            field="docker_tail",
            only="docker",
            help='Number of lines to show from the end of the logs, or "all"',
        ),
        Flag("tail", kind="int", default=-1, help="Output the specified number of LINES at the end of the logs"),
        Flag("timestamps", short="t", help="Output the timestamps in the log"),
        Flag(
            "until",
            kind="string",
            metavar="TIMESTAMP",
            help="Show logs until TIMESTAMP; with --follow a duration is how long to follow",
        ),
    ),
    examples=(
        "argosy logs web",
        "argosy logs --tail 2 --timestamps web",
        "argosy logs --follow --since 10m web",
    ),
)

"""`events`: what happens to containers, images, volumes and networks, as it happens and as it was."""

from __future__ import annotations

import time

from argosy import durations
from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _events
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from argosy.cli.output import Output
    from argosy.engine import Engine
    from argosy.records.happened import Reader

_SHORT_ID = 12


class EventsOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    filter: tuple[str, ...]
    format: str
    no_trunc: bool
    since: str | None
    stream: bool
    until: str | None


def run(options: EventsOptions, engine: Engine, out: Output) -> int:
    """Show the events since --since, then those that come, until --until or for ever."""
    from argosy.records.happened import Reader

    accepts = _events.accepting(options.filter)
    if out.program == "docker":
        accepts = _events.changing_health(accepts)
    since_ns, until_ns = _moment("since", options.since, -1), _moment("until", options.until, 1)
    log = engine.store.events
    if not log.path:
        raise ArgosyError("there are no events: they are not kept", hint="events_logger in containers.conf is none")
    if out.program == "docker":
        from argosy.cli.podman import _events_docker

        show = _events_docker.printer(options.format or "", engine.conf.default_network, out)
    else:
        show = _printer(options, out)

    def shown(event: Mapping[str, Any]) -> None:
        in_time = (since_ns is None or event["Time"] >= since_ns) and (until_ns is None or event["Time"] <= until_ns)
        if in_time and accepts(event):
            show(event)

    reader = Reader(log.path)
    try:
        if since_ns is None and until_ns is None and options.stream:
            reader.skip()
        else:
            for event in reader.past():
                shown(event)
        if options.stream:
            _follow(reader, shown, until_ns, out)
    finally:
        reader.close()
    return 0


def _follow(reader: Reader, shown: Callable[[Mapping[str, Any]], None], until_ns: int | None, out: Output) -> None:
    """Show what comes, as long as somebody reads it."""
    while True:
        out.flush()
        left_s = None if until_ns is None else (until_ns - time.time_ns()) / 1e9
        if (left_s is not None and left_s <= 0) or not reader.wait(left_s, 1):
            return
        for event in reader.more():
            shown(event)


def _moment(flag: str, text: str | None, sign: int) -> int | None:
    """The time that a flag names, in nanoseconds; a duration is before now for --since, after it for --until."""
    if not text:
        return None
    from argosy.images import filters

    try:
        return time.time_ns() + sign * int(durations.seconds(text) * 1e9)
    except ValueError:
        pass
    try:
        return filters.moment(text)
    except ArgosyError as error:
        raise ArgosyError(f'parsing --{flag} "{text}": unable to interpret time value', hint=error.hint) from error


def _printer(options: EventsOptions, out: Output) -> Callable[[Mapping[str, Any]], None]:
    from argosy.cli import templates

    if templates.is_json(options.format):
        from argosy.cli.documents import compact

        return lambda event: out.line(compact(_events.document(event)))
    if options.format:
        template = templates.Template(options.format.replace("\\t", "\t").replace("\\n", "\n"), "events")
        return lambda event: out.line(template.execute(_events.row(event), "*events.Event"))
    length = None if options.no_trunc else _SHORT_ID
    return lambda event: out.line(_events.line(event, length))


COMMAND = Command(
    path="events",
    summary="Show system events",
    description=(
        "Prints what happens to containers, images, volumes and networks as it happens; with --since and --until what "
        "has happened. The log is a file in the run directory (or events_logfile_path of containers.conf) that is "
        "begun anew when it is longer than events_logfile_max_size, with the one before kept."
    ),
    options=EventsOptions,
    run=run,
    max_operands=0,
    flags=(
        Flag(
            "filter",
            short="f",
            kind="list",
            help="Filter output: container, event, image, label, network, pod, type, volume",
        ),
        Flag("format", kind="string", default="", help="Format the output using a Go template, or `json`"),
        Flag("no-trunc", kind="bool", default=True, help="Do not truncate the output"),
        Flag("since", kind="string", help="Show all events created since timestamp"),
        Flag("stream", kind="bool", default=True, help="Stream events and do not exit when all are read"),
        Flag("until", kind="string", help="Show all events until timestamp"),
    ),
    examples=(
        "argosy events",
        "argosy events --since 1h --stream=false --filter event=died",
        "argosy events --format '{{.Type}} {{.Status}} {{.Name}}'",
    ),
)

"""What containers wrote: their logs, to the end or for as long as they run."""

from __future__ import annotations

import time

from argosy.containers import record as records
from argosy.containers import state
from argosy.errors import ArgosyError, Unsupported
from argosy.runtime import exits, logs
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site
    from argosy.runtime.journal import JournalReader
    from argosy.runtime.logs import Entry, LogReader

    Reader = LogReader | JournalReader
    Wanted = Callable[[bytes], bool]


class LogOptions(Value):
    """Which lines: the last `tail` (None: all), those from `since_ns` on and before `until_ns` (since the epoch).

    `details` asks for what `docker logs --details` shows before each.
    """

    tail: int | None = None
    since_ns: int | None = None
    until_ns: int | None = None
    details: bool = False


class Source(Value):
    """A container and the reader of its log."""

    id: str
    name: str
    reader: Reader
    details: bytes = b""  # for `docker logs --details`


def open_logs(site: Site, container_ids: Sequence[str], options: LogOptions) -> tuple[Source, ...]:
    """The containers' logs, positioned at the first line that is wanted; the caller closes the readers.

    Raises NotFound, or Unsupported when a container's output goes elsewhere.
    """
    wanted = _window(options)
    found = []
    for container_id in container_ids:
        record = records.read_record(site.store, container_id)
        reader = _reader(site, record, options.tail, wanted)
        details = _details(record) if options.details else b""
        found.append(Source(container_id, records.current_name(site.store, record), reader, details))
    return tuple(found)


def _details(record: ContainerRecord) -> bytes:
    from argosy.containers import logdetails

    return logdetails.details(record)


def _reader(site: Site, record: ContainerRecord, tail: int | None, wanted: Wanted | None) -> Reader:
    driver = records.log_driver(site, record)
    if driver in ("none", "passthrough"):
        raise Unsupported(
            f"this container is using the '{driver}' log driver, cannot read logs: this container is not logging output"
        )
    if driver == "journald":
        from argosy.runtime import journal

        return journal.JournalReader(record.id, tail=tail, wanted=wanted)
    return logs.LogReader(records.log_path(site, record), tail=tail, wanted=wanted)


def _window(options: LogOptions) -> Wanted | None:
    since_ns, until_ns = options.since_ns, options.until_ns
    if since_ns is None and until_ns is None:
        return None
    moment = _clock()

    def wanted(text: bytes) -> bool:
        try:
            moment_ns = moment(text)
        except ValueError:
            return True  # a time that nobody understands is no reason to hide a line
        return (since_ns is None or moment_ns >= since_ns) and (until_ns is None or moment_ns < until_ns)

    return wanted


def _clock() -> Callable[[bytes], int]:
    """A reader of a log's times that parses each second once."""
    from argosy.images import timestamps

    known: dict[bytes, int] = {}

    def moment(text: bytes) -> int:
        second, fraction, zone = text[:19], text[20:29], text[29:]
        if text[19:20] != b"." or not fraction.isdigit() or zone[:1] not in b"+-Z":
            return timestamps.parse(text.decode())
        key = second + zone
        if key not in known:
            known.clear()
            known[key] = timestamps.parse(key.decode())
        return known[key] + int(fraction)

    return moment


def follow(
    site: Site,
    sources: Sequence[Source],
    *,
    until_ns: int | None = None,
    reader: int = -1,
    idle: Callable[[], None] = lambda: None,
) -> Iterator[tuple[Source, Entry]]:
    """What the logs hold and what comes, for as long as one of the containers runs, and at most until `until_ns`.

    `idle` is called before each wait.  Ends early when whoever reads our descriptor `reader` (a pipe) has gone away.
    """
    watch = logs.Watch(tuple(source.reader.path for source in sources), (exits.directory(site.store.run),))
    waiting = list(sources)
    try:
        while True:
            late = until_ns is not None and time.time_ns() >= until_ns
            for source in tuple(waiting):
                done = late or not runs(site, source.id)  # asked first: what was written until then is read below
                for entry in source.reader.entries(final=done):
                    yield source, entry
                if done:
                    waiting.remove(source)
            if not waiting:
                return
            idle()
            limit_s = None if until_ns is None else (until_ns - time.time_ns()) / 1e9
            if not watch.wait(limit_s=limit_s, reader=reader):
                return
    finally:
        watch.close()


def runs(site: Site, container_id: str) -> bool:
    """Whether more may come: conmon writes the exit record after the last output."""
    try:
        return state.derive(site, container_id).status in state.ACTIVE
    except ArgosyError:
        return False  # its files are damaged: what the log holds is all there is to show

"""Reading the log of events: those that are there, and those that come."""

from __future__ import annotations

import os
import stat

from argosy import jsontext
from argosy.errors import Invalid
from argosy.linux import syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_CHANGES = syscalls.IN_MODIFY | syscalls.IN_CREATE | syscalls.IN_MOVED_TO
_POLL_S = 0.25  # where no inotify instance is left for this user
_CHUNK = 1 << 16
_LINE_BYTES = 1 << 20  # what is longer is no event of ours
_BEGIN = b'{"Time":'
_TEXTS = ("Type", "Status", "ID", "Image", "Name", "Network")
_MAX_TIME_NS = 1 << 63


class Reader:
    """The events in the log at `path`, the older ones of the one before first.  Close it."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._fd = -1
        self._rest = b""
        self._notify = -1

    def past(self) -> Iterator[dict[str, Any]]:
        """What is in the log by now, and in the one before it."""
        old = _open(f"{self._path}.1")
        self._fd = _open(self._path)
        if old >= 0:
            try:
                yield from self._lines(old)
            finally:
                os.close(old)
        yield from self._lines(self._fd)

    def skip(self) -> None:
        """Leave out what is there by now."""
        self._fd = _open(self._path)
        if self._fd >= 0:
            os.lseek(self._fd, 0, os.SEEK_END)

    def more(self) -> Iterator[dict[str, Any]]:
        """What came since, over a change of the file."""
        yield from self._lines(self._fd)
        while self._is_replaced():
            yield from self._lines(self._fd)
            if self._fd >= 0:
                os.close(self._fd)
            self._rest = b""
            self._fd = _open(self._path)
            yield from self._lines(self._fd)

    def wait(self, limit_s: float | None, reader: int) -> bool:
        """Wait until there may be more, at most `limit_s`; False when who reads us at the descriptor has gone away."""
        import select

        poll = select.poll()
        poll.register(reader, 0)
        self._watch()
        pause_s = limit_s
        if self._notify >= 0:
            poll.register(self._notify, select.POLLIN)
        else:
            pause_s = _POLL_S if limit_s is None else min(limit_s, _POLL_S)
        found = poll.poll(None if pause_s is None else pause_s * 1000)
        if any(fd == self._notify for fd, _ in found):
            os.read(self._notify, _CHUNK)
        return not any(fd == reader and event & (select.POLLERR | select.POLLNVAL) for fd, event in found)

    def close(self) -> None:
        for fd in (self._fd, self._notify):
            if fd >= 0:
                os.close(fd)

    def _watch(self) -> None:
        if self._notify >= 0:
            return
        directory = os.path.dirname(self._path)
        os.makedirs(directory, 0o700, exist_ok=True)
        try:
            self._notify = syscalls.inotify_init1()
            syscalls.inotify_add_watch(self._notify, directory, _CHANGES)
        except OSError:
            return

    def _is_replaced(self) -> bool:
        try:
            there = os.stat(self._path)
        except FileNotFoundError:
            return False
        return self._fd < 0 or not os.path.samestat(there, os.fstat(self._fd))

    def _lines(self, fd: int) -> Iterator[dict[str, Any]]:
        while fd >= 0 and (data := os.read(fd, _CHUNK)):
            *lines, self._rest = (self._rest + data).split(b"\n")
            self._rest = self._rest if len(self._rest) < _LINE_BYTES else b"-"  # no event, whatever follows
            for line in lines:
                event = _event(line)
                if event is not None:
                    yield event


def _open(path: str) -> int:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return -1
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return fd
    os.close(fd)
    return -1


def _event(line: bytes) -> dict[str, Any] | None:
    """The event in a line; None where the line is none: not ours, or cut by a crash.

    On a full disk an event was cut, and the next one follows on the same line, be it that there was room again.  In a
    text, quotation marks are escaped: `_BEGIN` is the beginning of an event.
    """
    try:
        found = jsontext.decode(line)
    except Invalid:
        begin = line.rfind(_BEGIN)
        return _event(line[begin:]) if begin > 0 else None
    if not isinstance(found, dict) or not all(key in found for key in ("Time", "Type", "Status")):
        return None
    return found if _is_sound(found) else None


def _is_sound(event: dict[str, Any]) -> bool:
    """Whether what is there is of the kinds that we write."""
    attributes = event.get("Attributes")
    return (
        type(event["Time"]) is int
        and 0 <= event["Time"] < _MAX_TIME_NS
        and all(isinstance(event.get(key, ""), str) for key in _TEXTS)
        and (attributes is None or (isinstance(attributes, dict) and all(map(_is_text, attributes.values()))))
    )


def _is_text(value: object) -> bool:
    return isinstance(value, str)

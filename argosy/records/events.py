"""The log of what happened: one JSON object a line, appended in one write by whoever did it.

Writers wait for nobody and nothing fails because of them: on a full disk an event is lost.  A log that has become too
long is renamed to `<path>.1`, in place of the one before, by the one writer that finds it free; who had it open still
writes there, and readers read both (`records.happened`).
"""

from __future__ import annotations

import os
import time

from argosy import jsontext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

MAX_BYTES = 1 << 20
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_LINE_BYTES = 64 << 10  # attributes beyond that are left out


class Log:
    """A log at `path`; "" is none, in which nothing is kept."""

    def __init__(self, path: str, max_bytes: int = MAX_BYTES) -> None:
        self.path = path
        self.max_bytes = max_bytes

    def write(self, kind: str, *statuses: str, attributes: Mapping[str, str] | None = None, **fields: Any) -> None:
        """Note that something of a kind ("container") went through `statuses`; `fields` are podman's.  Never raises."""
        if not self.path:
            return
        event = {"Time": time.time_ns(), "Type": kind, **fields, "Attributes": attributes}
        data = b"".join(_line({**event, "Status": status}) for status in statuses)
        try:
            self._append(data)
        except FileNotFoundError:
            try:
                self._append(self._begin(event["Time"]) + data)
            except OSError:
                return
        except OSError:
            return

    def _begin(self, moment_ns: int) -> bytes:
        """Make the log's directory, which ends with the run directory; the event that says so, from who made it."""
        try:
            os.makedirs(os.path.dirname(self.path), 0o700)
        except FileExistsError:
            return b""
        return _line({"Time": moment_ns, "Type": "system", "Status": "refresh", "Attributes": None})

    def _append(self, data: bytes) -> None:
        fd = os.open(self.path, _FLAGS, 0o600)
        try:
            os.write(fd, data)
            if os.fstat(fd).st_size > self.max_bytes > 0:
                self._rotate(fd)
        finally:
            os.close(fd)

    def _rotate(self, fd: int) -> None:
        import fcntl

        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return  # another one is at it
        if os.path.samestat(os.fstat(fd), os.stat(self.path)):
            os.rename(self.path, f"{self.path}.1")


def _line(event: dict[str, Any]) -> bytes:
    line = jsontext.encode(event).replace(b"\n", b" ") + b"\n"
    if len(line) > _LINE_BYTES and event["Attributes"]:
        return _line({**event, "Attributes": None})
    return line

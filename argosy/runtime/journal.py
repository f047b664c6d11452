"""The journal as a container's log: conmon writes each line there, journalctl reads it.

conmon's fields: CONTAINER_ID_FULL, MESSAGE, PRIORITY (6 for standard output, 3 for standard error), and
CONTAINER_PARTIAL_MESSAGE where a line goes on in the next entry.
"""

from __future__ import annotations

import os
import time

from argosy import jsontext
from argosy.errors import ArgosyError, Unsupported
from argosy.linux import process
from argosy.runtime.logs import STDERR, STDOUT, Entry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

SOCKET = "/run/systemd/journal/socket"
_HINT = "take another log driver: --log-driver k8s-file"
_ERROR_PRIORITY = "3"


def check(socket: str = SOCKET) -> None:
    """Raise Unsupported where no journal is there to write to: conmon would end at once."""
    if not os.path.exists(socket):
        raise Unsupported(f"failed to initialize journal: {socket}: no such file or directory", hint=_HINT)


class JournalReader:
    """A container's entries in the journal, with the interface of `logs.LogReader`; each one is given once."""

    def __init__(
        self, container_id: str, *, tail: int | None = None, wanted: Callable[[bytes], bool] | None = None
    ) -> None:
        if process.find_program("journalctl") is None:
            raise Unsupported(
                f"the log of container {container_id[:12]} is in the journal, and there is no journalctl to read it",
                hint="install systemd's journalctl, or create containers with --log-driver k8s-file",
            )
        self.path = SOCKET  # what a follower watches; the time-out of the watch looks after the rest
        self.damaged = 0
        self._match = f"CONTAINER_ID_FULL={container_id}"
        self._tail = tail
        self._wanted = wanted
        self._cursor = ""
        self._within = {STDOUT: False, STDERR: False}

    def close(self) -> None:
        """Nothing is held open."""

    def entries(self, *, final: bool = True) -> Iterator[Entry]:  # noqa: ARG002 -- the interface of LogReader
        """What the journal holds now and has not been given yet."""
        words = ["journalctl", "--quiet", "--no-pager", "--all", "--output=json"]
        if self._cursor:
            words.append(f"--after-cursor={self._cursor}")
        elif self._tail is not None:
            words.append(f"--lines={self._tail}")
        done = process.run([*words, self._match], check=False)
        if done.returncode != 0:
            reason = done.stderr.decode("utf-8", "replace").strip()
            raise ArgosyError("cannot read the journal", details=reason, hint=_HINT)
        for line in done.stdout.splitlines():
            entry = self._entry(line)
            if entry is not None:
                yield entry

    def _entry(self, line: bytes) -> Entry | None:
        try:
            fields = jsontext.decode(line, "entry of the journal")
            data, moment = _data(fields["MESSAGE"]), _moment(int(fields["__REALTIME_TIMESTAMP"]))
            self._cursor = str(fields["__CURSOR"])
        except (ArgosyError, LookupError, TypeError, ValueError):
            self.damaged += 1
            return None
        stream = STDERR if fields.get("PRIORITY") == _ERROR_PRIORITY else STDOUT
        begins, ends = not self._within[stream], fields.get("CONTAINER_PARTIAL_MESSAGE") != "true"
        self._within[stream] = not ends
        if self._wanted is not None and not self._wanted(moment):
            return None
        return Entry(moment, stream, data, begins=begins, ends=ends)


def _data(message: Any) -> bytes:
    """A message; one that is not text comes as an array of its bytes."""
    return bytes(message) if isinstance(message, list) else str(message or "").encode()


def _moment(microseconds: int) -> bytes:
    """A time as conmon writes it into files, in UTC."""
    seconds, rest = divmod(microseconds, 1_000_000)
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{text}.{rest:06d}000+00:00".encode()

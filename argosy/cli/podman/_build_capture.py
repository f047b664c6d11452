"""The output of a step, taken through pipes: handed on in pieces, and its last lines kept for when it fails."""

from __future__ import annotations

import collections
import os
import threading

from argosy.build.report import Outlet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

TAIL_LINES = 10
_CHUNK = 65536
_LONGEST_LINE = 400


class Captured(Outlet):
    """Calls `take(stream, data)` with what comes, 1 for output and 2 for errors, from two threads."""

    def __init__(self, take: Callable[[int, bytes], object]) -> None:
        self._take = take
        self._lines: collections.deque[str] = collections.deque(maxlen=TAIL_LINES)
        self._mutex = threading.Lock()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        writers = []
        for stream in (1, 2):
            reader, writer = os.pipe2(os.O_CLOEXEC)
            writers.append(writer)
            thread = threading.Thread(target=self._read, args=(reader, stream), daemon=True)
            thread.start()
            self._threads.append(thread)
        self.descriptors = (writers[0], writers[1])
        return self

    def __exit__(self, *_error: object) -> None:
        for writer in self.descriptors:
            os.close(writer)
        for thread in self._threads:
            thread.join()

    def _read(self, reader: int, stream: int) -> None:
        rest = b""
        try:
            while data := os.read(reader, _CHUNK):
                self._take(stream, data)
                *lines, rest = (rest + data).split(b"\n")
                self._keep(lines)
                rest = rest[-_CHUNK:]
            self._keep([rest] if rest else [])
        finally:
            os.close(reader)

    def _keep(self, lines: list[bytes]) -> None:
        with self._mutex:
            self._lines.extend(plain(line) for line in lines)

    def tail(self) -> tuple[str, ...]:
        with self._mutex:
            return tuple(self._lines)


def plain(line: bytes) -> str:
    """A line as it stood on the terminal at its end, without its control characters."""
    from argosy.errors import escaped

    return escaped(line.rstrip(b"\r").rpartition(b"\r")[2].decode("utf-8", "replace"), "\t")[:_LONGEST_LINE]

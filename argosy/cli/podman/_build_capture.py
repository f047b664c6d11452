"""The output of a step, taken through pipes: handed on in pieces, and its last lines kept for when it fails."""

from __future__ import annotations

import collections
import os
import select
import threading

from argosy.build.report import Outlet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Self

TAIL_LINES = 10
_CHUNK = 65536
_LONGEST_LINE = 400


class Captured(Outlet):
    """Calls `take(stream, data)` with what comes, 1 for output and 2 for errors, from two threads.

    At the end of the context what has come is taken; a process that the step has left behind, where nothing ends those,
    is not waited for.
    """

    def __init__(self, take: Callable[[int, bytes], object]) -> None:
        self._take = take
        self._lines: collections.deque[str] = collections.deque(maxlen=TAIL_LINES)
        self._mutex = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._over, self._end = -1, -1

    def __enter__(self) -> Self:
        self._over, self._end = os.pipe2(os.O_CLOEXEC)
        writers = []
        for stream in (1, 2):
            reader, writer = os.pipe2(os.O_CLOEXEC)
            os.set_blocking(reader, False)
            writers.append(writer)
            thread = threading.Thread(target=self._read, args=(reader, stream), daemon=True)
            thread.start()
            self._threads.append(thread)
        self.descriptors = (writers[0], writers[1])
        return self

    def __exit__(self, *_error: object) -> None:
        for writer in (*self.descriptors, self._end):
            os.close(writer)
        for thread in self._threads:
            thread.join()
        os.close(self._over)

    def _read(self, reader: int, stream: int) -> None:
        rest = b""
        for data in _chunks(reader, self._over):
            self._take(stream, data)
            *lines, rest = (rest + data).split(b"\n")
            self._keep(lines)
            rest = rest[-_CHUNK:]
        self._keep([rest] if rest else [])
        os.close(reader)

    def _keep(self, lines: list[bytes]) -> None:
        with self._mutex:
            self._lines.extend(plain(line) for line in lines)

    def tail(self) -> tuple[str, ...]:
        with self._mutex:
            return tuple(self._lines)


def _chunks(reader: int, over: int) -> Iterator[bytes]:
    """What comes through a pipe until it ends; once `over` has ended, what is in it already."""
    poll = select.poll()
    poll.register(reader, select.POLLIN)
    poll.register(over, select.POLLIN)
    while True:
        ended = any(fd == over for fd, _ in poll.poll())
        try:
            while data := os.read(reader, _CHUNK):
                yield data
        except BlockingIOError:
            if ended:
                return
        else:
            return


def plain(line: bytes) -> str:
    """A line as it stood on the terminal at its end, without its control characters."""
    from argosy.errors import escaped

    return escaped(line.rstrip(b"\r").rpartition(b"\r")[2].decode("utf-8", "replace"), "\t")[:_LONGEST_LINE]

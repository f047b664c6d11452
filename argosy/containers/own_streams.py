"""Standard streams that a runtime may give away: crun makes them the container's user's.

The host's /dev/null would be that user's for everybody from then on.  A pipe without a writer reads as it does, and one
that is emptied takes what is written to it.
"""

from __future__ import annotations

import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

_NULL = os.makedev(1, 3)
_CHUNK = 64 << 10


class OwnStreams:
    """Input, output and error output, pipes in place of /dev/null, in a `with` block; `fds` are what to hand on."""

    def __init__(self, stdin: int, stdout: int, stderr: int) -> None:
        self._given = stdin, stdout, stderr
        self._opened: list[int] = []
        self.fds = self._given

    def __enter__(self) -> Self:
        stdin, stdout, stderr = self._given
        self.fds = (
            self._empty() if _is_null(stdin) else stdin,
            self._swallowing() if _is_null(stdout) else stdout,
            self._swallowing() if _is_null(stderr) else stderr,
        )
        return self

    def __exit__(self, *_error: object) -> None:
        for fd in self._opened:
            os.close(fd)

    def _empty(self) -> int:
        read_fd, write_fd = os.pipe2(os.O_CLOEXEC)
        os.close(write_fd)
        self._opened.append(read_fd)
        return read_fd

    def _swallowing(self) -> int:
        """The end that is written to; the other one is read until nobody has this one any more."""
        from threading import Thread

        read_fd, write_fd = os.pipe2(os.O_CLOEXEC)
        self._opened.append(write_fd)
        Thread(target=_swallow, args=(read_fd,), daemon=True).start()
        return write_fd


def _is_null(fd: int) -> bool:
    found = os.fstat(fd)
    return stat.S_ISCHR(found.st_mode) and found.st_rdev == _NULL


def _swallow(fd: int) -> None:
    with open(fd, "rb", buffering=0) as file:
        while file.read(_CHUNK):
            pass

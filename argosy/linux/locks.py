"""Locks: flock(2) on a file or directory that is still the one at its path."""

from __future__ import annotations

import fcntl
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self


class Lock:
    """A lock that is held until `release`, the end of the `with` block, or the end of the process.

    A child that inherits `fd` would hold it too; the descriptor is close-on-exec.
    """

    __slots__ = ("fd", "path")

    def __init__(self, fd: int, path: str) -> None:
        self.fd = fd
        self.path = path

    def release(self) -> None:
        """Give the lock up.  Nothing happens when that was done before."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.release()


def acquire(path: str, *, shared: bool = False, wait: bool = True, create: bool = False) -> Lock | None:
    """Lock the file or directory at `path`; `create` makes an empty file first where there is none.

    The lock is on what `path` names once it is held, not on something since renamed or removed.  None when another
    holds it and `wait` is false.  FileNotFoundError when there is nothing at `path` (any more).
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | (os.O_CREAT if create else os.O_NONBLOCK)
    operation = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB)
    while True:
        fd = os.open(path, flags, 0o600)
        try:
            fcntl.flock(fd, operation)
            if os.path.samestat(os.fstat(fd), os.stat(path)):
                return Lock(fd, path)
        except BlockingIOError:
            os.close(fd)
            return None
        except FileNotFoundError:
            os.close(fd)
            if not create:
                raise
            continue
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)

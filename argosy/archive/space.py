"""The room that a layer may take: what is free on the store's file system, less a reserve."""

from __future__ import annotations

import os

from argosy.errors import ArgosyError, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.archive.entry import Entry

_ENTRY_BYTES = 4096  # what an entry costs on disk beside its data
_CREDIT_BYTES = 64 << 20  # what may be written between two looks at the file system
_RESERVE_INODES = 1024


class Space:
    """Counts what is written to the file system of `fd`, and looks now and then how much it still takes."""

    def __init__(self, fd: int, reserve_bytes: int) -> None:
        self._fd = fd
        self._reserve_bytes = reserve_bytes
        self._credit = 0

    def charge(self, size: int, entry: Entry) -> None:
        """Something with `size` bytes is going to be written for `entry`.  Raises ArgosyError when there is no room."""
        self._credit -= size + _ENTRY_BYTES
        if self._credit < 0:
            self._look(size, entry)

    def _look(self, size: int, entry: Entry) -> None:
        status = os.fstatvfs(self._fd)
        reserve = min(self._reserve_bytes, status.f_blocks * status.f_frsize // 20)
        free = status.f_bavail * status.f_frsize - reserve
        if size + _ENTRY_BYTES > free:
            raise no_space(entry, f"it needs {size} bytes, and {max(free, 0)} are free beside a reserve of {reserve}")
        self._credit = min(_CREDIT_BYTES, free - size)
        if status.f_files:  # some file systems make inodes as they are needed, and tell none
            inodes = status.f_favail - min(_RESERVE_INODES, status.f_files // 20)
            if inodes <= 0:
                raise no_space(entry, f"the file system has only {status.f_favail} inodes left")
            self._credit = min(self._credit, inodes * _ENTRY_BYTES)  # each entry is charged for that much at least


def no_space(entry: Entry, why: str) -> ArgosyError:
    """The store's file system is full, or would be."""
    return ArgosyError(
        f"no space left for the layer at its entry {shown(os.fsdecode(entry.name))}",
        details=why,
        hint="remove what is not needed (argosy system prune), or put the store on a larger file system (--root)",
    )

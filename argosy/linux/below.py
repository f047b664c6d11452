"""Everything below a directory that somebody else may be changing: nothing outside it is ever reached."""

from __future__ import annotations

import os

from argosy.linux import syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def entries(path: str) -> Iterator[tuple[int, os.DirEntry[str]]]:
    """Each entry below the directory `path`, however deep, with a descriptor of the directory that holds it.

    The descriptor is good until the next entry is asked for.  Links are entries, never followed.  Raises OSError.
    """
    root_fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        waiting = [""]
        while waiting:
            above = waiting.pop()
            resolve = syscalls.RESOLVE_BENEATH | syscalls.RESOLVE_NO_SYMLINKS
            fd = syscalls.openat2(root_fd, above.rstrip("/") or ".", os.O_RDONLY | os.O_DIRECTORY, 0, resolve)
            try:
                with os.scandir(fd) as found:
                    for entry in found:
                        yield fd, entry
                        if entry.is_dir(follow_symlinks=False):
                            waiting.append(f"{above}{entry.name}/")
            finally:
                os.close(fd)
    finally:
        os.close(root_fd)

"""What a path names: the last name of it, in the open directory that holds it, as a tree of somebody's shows it.

Links are followed inside the root, the last one too.  Between the look-up and the use the tree may change: who works
with the name opens it with O_NOFOLLOW, and is then in that directory still, wherever it was moved.
"""

from __future__ import annotations

import os
import posixpath
import stat

from argosy.linux import paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

_MAX_LINKS = 40
_PLACE = os.O_PATH | os.O_DIRECTORY


class Entry:
    """A name in an open directory.  `status` is its lstat(2), None where there is nothing.

    The root of the tree is "." in itself.  Close it, or use it as a context.
    """

    __slots__ = ("directory", "name", "status")

    def __init__(self, directory: int, name: str, status: os.stat_result | None) -> None:
        self.directory = directory
        self.name = name
        self.status = status

    @property
    def is_directory(self) -> bool:
        return self.status is not None and stat.S_ISDIR(self.status.st_mode)

    @property
    def is_file(self) -> bool:
        return self.status is not None and stat.S_ISREG(self.status.st_mode)

    def close(self) -> None:
        os.close(self.directory)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def find(root_fd: int, path: str, *, follow: bool = True) -> Entry:
    """The entry at `path`, normalized and absolute, as it is seen from the root; with `follow` False it may be a link.

    Raises FileNotFoundError where the directory that holds it is not there, and OSError for loops and non-directories.
    """
    for _ in range(_MAX_LINKS):
        above, name = posixpath.split(path.rstrip("/") or "/")
        if name in ("", ".", ".."):
            directory = paths.open_in_root(root_fd, path, _PLACE)
            return Entry(directory, ".", os.fstat(directory))
        directory = paths.open_in_root(root_fd, above, _PLACE)
        try:
            status = _status(directory, name)
            if status is None or not follow or not stat.S_ISLNK(status.st_mode):
                return Entry(directory, name, status)
            path = posixpath.join(above, os.readlink(name, dir_fd=directory))
        except BaseException:
            os.close(directory)
            raise
        os.close(directory)
    raise OSError(40, "Too many levels of symbolic links", path)


def _status(directory: int, name: str) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None

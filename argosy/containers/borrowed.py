"""Places in a tree where files of ours are put for one step: what was there comes back after it, as it was.

Where something can be mounted, it is; this is for the rest (`linux.confined`).  The tree is a build's own: whoever is
killed meanwhile leaves it to be thrown away.
"""

from __future__ import annotations

import os

from argosy.containers.chroot import DEVICES
from argosy.linux import files, paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

_KEPT = ".argosy-kept-"


class Borrowed:
    """Use it as a context; in it the places are free."""

    def __init__(self, root: str, files: Iterable[str]) -> None:
        self._root_fd = paths.open_root(root)
        self._places = [*files, *(f"/dev/{name}" for name in DEVICES)]
        self._made: list[str] = []
        self._held: dict[str, tuple[int, tuple[int, int]]] = {}

    def __enter__(self) -> Self:
        for place in self._places:
            above, name = os.path.split(place)
            self._note_missing(above)
            if above not in self._held:
                fd = paths.make_directories_in_root(self._root_fd, above)
                status = os.stat(f"/proc/self/fd/{fd}")
                self._held[above] = fd, (status.st_atime_ns, status.st_mtime_ns)
            fd = self._held[above][0]
            try:
                os.rename(name, _KEPT + name, src_dir_fd=fd, dst_dir_fd=fd)
            except FileNotFoundError:
                continue
        return self

    def __exit__(self, *_error: object) -> None:
        for place in self._places:
            above, name = os.path.split(place)
            self._give_back(self._held[above][0], name)
        for fd, times in self._held.values():
            os.utime(f"/proc/self/fd/{fd}", ns=times)
            os.close(fd)
        for path in sorted(self._made, key=len, reverse=True):
            self._remove_empty(path)
        os.close(self._root_fd)

    def _note_missing(self, directory: str) -> None:
        names = directory.strip("/").split("/")
        for count in range(1, len(names) + 1):
            path = "/" + "/".join(names[:count])
            try:
                paths.stat_in_root(self._root_fd, path)
            except FileNotFoundError:
                if path not in self._made:
                    self._made.append(path)

    @staticmethod
    def _give_back(fd: int, name: str) -> None:
        try:
            os.unlink(name, dir_fd=fd)
        except IsADirectoryError:
            files.remove_tree(f"/proc/self/fd/{fd}/{name}")
        except FileNotFoundError:
            pass
        try:
            os.rename(_KEPT + name, name, src_dir_fd=fd, dst_dir_fd=fd)
        except FileNotFoundError:
            pass

    def _remove_empty(self, path: str) -> None:
        above, name = os.path.split(path)
        try:
            fd = paths.open_in_root(self._root_fd, above, os.O_PATH | os.O_DIRECTORY)
        except OSError:
            return
        try:
            os.rmdir(name, dir_fd=fd)
        except OSError:
            return  # the program has filled it
        finally:
            os.close(fd)

"""The tree that an overlay of directories would show, as a copy."""

from __future__ import annotations

import os
import stat

from argosy.linux.copying import copy_content
from argosy.storage.drivers import merging

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def copy_merged(lowers: Sequence[str], target: str, xattrs: str) -> None:
    """Copy what overlayfs shows of `lowers`, topmost first, into the directory `target`, which is made if need be.

    Owners, modes, times, extended attributes, hard links and holes are kept.  Follows no link.
    """
    os.makedirs(target, 0o700, exist_ok=True)
    copier = _Copier(xattrs)
    pending = [(tuple(lowers), target)]
    directories: list[tuple[str, str]] = []
    while pending:
        sources, path = pending.pop()
        directories.append((sources[0], path))
        pending += copier.entries(sources, path)
    for source, path in reversed(directories):
        copier.metadata(source, path, os.lstat(source))


def copy_metadata(source: str, target: str, status: os.stat_result, xattrs: str) -> None:
    """Give `target` the attributes of `source`, and the owner, mode and times of `status`."""
    _Copier(xattrs).metadata(source, target, status)


class _Copier:
    """`entries` copies one directory's files, and names the directories in it that come next."""

    def __init__(self, xattrs: str) -> None:
        self._xattrs = xattrs
        self._links: dict[tuple[int, int], str] = {}

    def entries(self, sources: tuple[str, ...], target: str) -> list[tuple[tuple[str, ...], str]]:
        """`sources` are the directories that are merged into `target`."""
        below = []
        for name, found in merging.entries(sources, self._xattrs, marked=True).items():
            if found.is_directory:
                os.mkdir(f"{target}/{name}", 0o700)
                below.append((found.paths, f"{target}/{name}"))
            else:
                self._file(found.paths[0], f"{target}/{name}", found.status)
        return below

    def _file(self, source: str, target: str, found: os.stat_result) -> None:
        key = (found.st_dev, found.st_ino)
        if found.st_nlink > 1 and key in self._links:
            os.link(self._links[key], target, follow_symlinks=False)
            return
        self._links[key] = target
        if stat.S_ISREG(found.st_mode):
            _copy_content(source, target, found.st_size)
        elif stat.S_ISLNK(found.st_mode):
            os.symlink(os.readlink(source), target)
        elif not stat.S_ISSOCK(found.st_mode):
            os.mknod(target, found.st_mode, found.st_rdev)
        else:
            return
        self.metadata(source, target, found)

    def metadata(self, source: str, target: str, found: os.stat_result) -> None:
        """Give `target` the owner, mode, attributes and times of `source`."""
        os.chown(target, found.st_uid, found.st_gid, follow_symlinks=False)
        if not stat.S_ISLNK(found.st_mode):
            os.chmod(target, stat.S_IMODE(found.st_mode))
        for name in os.listxattr(source, follow_symlinks=False):
            if ".overlay." not in name:
                value = os.getxattr(source, name, follow_symlinks=False)
                os.setxattr(target, name, value, follow_symlinks=False)
        os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns), follow_symlinks=False)


def _copy_content(source: str, target: str, size: int) -> None:
    reader = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        writer = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            copy_content(reader, writer, size)
        finally:
            os.close(writer)
    finally:
        os.close(reader)

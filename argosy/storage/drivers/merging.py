"""What overlayfs shows of directories that lie one above the other, read without a mount."""

from __future__ import annotations

import errno
import os
import stat

from argosy.storage.drivers import markers
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class Merged(Value):
    """One name of a merged directory.

    `paths` are the directories that it is made of, topmost first, or the one file; `status` is that of the first.
    """

    paths: tuple[str, ...]
    status: os.stat_result

    @property
    def is_directory(self) -> bool:
        """Whether it is a directory."""
        return stat.S_ISDIR(self.status.st_mode)


def entries(sources: Sequence[str], xattrs: str, *, marked: bool = False) -> dict[str, Merged]:
    """The names in the directory that `sources`, topmost first, make.  Follows no link.

    `marked`: there may be fuse-overlayfs's own markers (`storage.drivers.markers`).  What a running container removes
    meanwhile is left out.
    """
    found: dict[str, Merged] = {}
    closed: set[str] = set()
    for source in sources:
        names = _names(source)
        hiding = [name for name in names if name.startswith(markers.PREFIX)] if marked else []
        for name in names:
            if name in closed or name in hiding:
                continue
            path = f"{source}/{name}"
            try:
                status = os.lstat(path)
            except FileNotFoundError:
                continue
            above = found.get(name)
            if not stat.S_ISDIR(status.st_mode):
                closed.add(name)
                if above is None and not _is_whiteout(status):
                    found[name] = Merged((path,), status)
                continue
            found[name] = Merged((path,), status) if above is None else above.replace(paths=(*above.paths, path))
            if _is_opaque(path, xattrs):
                closed.add(name)
        closed.update(map(markers.hidden, hiding))
        if markers.OPAQUE in hiding:
            break
    return found


def _names(directory: str) -> list[str]:
    try:
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return []
    try:
        return os.listdir(fd)
    finally:
        os.close(fd)


def _is_opaque(directory: str, xattrs: str) -> bool:
    """Whether the directory hides what lower ones have at its place."""
    try:
        return os.getxattr(directory, f"{xattrs}.overlay.opaque", follow_symlinks=False) == b"y"
    except OSError as error:
        if error.errno in (errno.ENODATA, errno.EOPNOTSUPP, errno.ENOENT):
            return False
        raise


def _is_whiteout(status: os.stat_result) -> bool:
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0

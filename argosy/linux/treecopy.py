"""A directory's tree into another one, with all its metadata, where somebody hostile may own or be changing the source.

It may be deeper than descriptors or recursion reach, hold sparse files larger than any disk, and links to anywhere.  It
is walked by descriptors alone, no link is followed, no file system is left, holes stay holes, a reserve of the disk
stays free, and only plain files, directories, symbolic links, FIFOs and (where we may make them) devices are copied.
What goes away meanwhile is passed over.
"""

from __future__ import annotations

import os
import stat

from argosy.linux import syscalls
from argosy.linux.copying import copy_content

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from argosy.linux.idmap import IdMap

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_RESOLVE = syscalls.RESOLVE_BENEATH | syscalls.RESOLVE_NO_SYMLINKS | syscalls.RESOLVE_NO_XDEV
_RESERVE_BYTES = 256 << 20
_GONE = (2, 20, 40)  # ENOENT, ENOTDIR, ELOOP: it went, or is something else by now
_LINKS_BYTES = 16 << 20  # what names of files with several links may take in memory; beyond that they become copies


def is_plain_attribute(name: str) -> bool:
    """Whether an extended attribute is the file's own, and not a label or a note of overlayfs's."""
    return not name.startswith(("user.overlay.", "trusted.", "security.selinux"))


class TreeCopier:
    """One walk, depth first.  Directories are opened anew each time by their path below the two roots.

    With `id_map` owners are the ids inside for those of the source.  Of the extended attributes those are copied that
    `keeps` says.  At the paths `omits` (relative to the root) empty files and directories are left out.
    """

    def __init__(
        self,
        source_root: int,
        target_root: int,
        *,
        id_map: IdMap | None = None,
        keeps: Callable[[str], bool] = is_plain_attribute,
        omits: Collection[str] = (),
    ) -> None:
        self._id_map = id_map
        self._keeps = keeps
        self._omits = omits
        self._roots = source_root, target_root
        self._links: dict[tuple[int, int], str] = {}
        self._links_bytes = 0

    def tree(self) -> None:
        """Copy everything."""
        levels = [("", self._entries(""))]  # directories on the way, each with the names in it still to be entered
        while levels:
            path, names = levels[-1]
            if names:
                below = f"{path}{names.pop()}/"
                try:
                    levels.append((below, self._entries(below)))
                except OSError as error:
                    if error.errno not in _GONE:
                        raise
            else:
                levels.pop()
                try:
                    self.metadata(path)
                except OSError as error:
                    if error.errno not in _GONE:
                        raise

    def metadata(self, path: str) -> None:
        """Give the directory at `path` its owner, mode, attributes and times."""
        source, target = self._open(path)
        try:
            self._copy_metadata(source, target)
        finally:
            os.close(source)
            os.close(target)

    def _open(self, path: str) -> tuple[int, int]:
        source = syscalls.openat2(self._roots[0], path.rstrip("/") or ".", _DIRECTORY, 0, _RESOLVE)
        try:
            return source, syscalls.openat2(self._roots[1], path.rstrip("/") or ".", _DIRECTORY, 0, _RESOLVE)
        except BaseException:
            os.close(source)
            raise

    def _entries(self, path: str) -> list[str]:
        """Copy what is in a directory; the directories in it are made, and named."""
        below = []
        source, target = self._open(path)
        try:
            with os.scandir(source) as entries:
                for entry in entries:
                    name = entry.name
                    try:
                        if path + name in self._omits and _is_empty(source, name):
                            continue
                        if entry.is_dir(follow_symlinks=False):
                            os.mkdir(name, 0o700, dir_fd=target)
                            below.append(name)
                        else:
                            self._leaf(source, target, path, name)
                    except FileNotFoundError:
                        continue
        finally:
            os.close(source)
            os.close(target)
        return below

    def _leaf(self, source: int, target: int, path: str, name: str) -> None:
        found = os.stat(name, dir_fd=source, follow_symlinks=False)
        if found.st_nlink > 1:
            first = self._links.get((found.st_dev, found.st_ino))
            if first is not None:
                os.link(first, name, src_dir_fd=self._roots[1], dst_dir_fd=target, follow_symlinks=False)
                return
            self._links_bytes += len(path) + len(name)
            if self._links_bytes < _LINKS_BYTES:
                self._links[found.st_dev, found.st_ino] = f"{path}{name}"
        if stat.S_ISREG(found.st_mode):
            self._copy_file(source, target, name)
        else:
            self._copy_special(source, target, name, found)

    def _copy_special(self, source: int, target: int, name: str, found: os.stat_result) -> None:
        if stat.S_ISLNK(found.st_mode):
            os.symlink(os.readlink(name, dir_fd=source), name, dir_fd=target)
        elif stat.S_ISFIFO(found.st_mode):
            os.mkfifo(name, 0o600, dir_fd=target)
        elif stat.S_ISCHR(found.st_mode) or stat.S_ISBLK(found.st_mode):
            try:
                os.mknod(name, found.st_mode, found.st_rdev, dir_fd=target)
            except PermissionError:
                if found.st_rdev == 0:  # a whiteout: what it hides would be there again
                    raise
                return  # no devices in a user namespace: rootless images have none to begin with
        else:
            return  # a socket means nothing without its server
        os.chown(name, *self._owner(found), dir_fd=target, follow_symlinks=False)
        if not stat.S_ISLNK(found.st_mode):
            os.chmod(name, stat.S_IMODE(found.st_mode), dir_fd=target)
        os.utime(name, ns=(found.st_atime_ns, found.st_mtime_ns), dir_fd=target, follow_symlinks=False)

    def _copy_file(self, source: int, target: int, name: str) -> None:
        read = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=source)
        try:
            write = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=target)
            try:
                found = os.fstat(read)
                if not stat.S_ISREG(found.st_mode):
                    raise FileNotFoundError(2, "it was replaced meanwhile", name)
                _check_room(write, name, found.st_blocks * 512)
                copy_content(read, write, found.st_size)
                self._copy_metadata(read, write)
            finally:
                os.close(write)
        finally:
            os.close(read)

    def _owner(self, found: os.stat_result) -> tuple[int, int]:
        owner = found.st_uid, found.st_gid
        return owner if self._id_map is None else self._id_map.seen_inside(*owner)

    def _copy_metadata(self, source: int, target: int) -> None:
        """Owner, mode, extended attributes and times.  The mode comes last: the change of owner clears set-id bits."""
        found = os.fstat(source)
        os.fchown(target, *self._owner(found))
        os.fchmod(target, stat.S_IMODE(found.st_mode))
        for name in os.listxattr(source):
            if self._keeps(name):
                os.setxattr(target, name, os.getxattr(source, name))
        os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))


def _check_room(fd: int, name: str, size: int) -> None:
    status = os.fstatvfs(fd)
    reserve = min(_RESERVE_BYTES, status.f_blocks * status.f_frsize // 20)
    if size > status.f_bavail * status.f_frsize - reserve:
        raise OSError(28, f"no space left for its {size} bytes beside a reserve of {reserve}", name)


def _is_empty(directory: int, name: str) -> bool:
    """Whether it is a file of no bytes, or a directory with nothing in it."""
    found = os.stat(name, dir_fd=directory, follow_symlinks=False)
    if not stat.S_ISDIR(found.st_mode):
        return stat.S_ISREG(found.st_mode) and not found.st_size
    fd = os.open(name, _DIRECTORY, dir_fd=directory)
    try:
        return not os.listdir(fd)
    finally:
        os.close(fd)

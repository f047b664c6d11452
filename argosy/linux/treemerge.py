"""A file or a tree copied into a tree that is there: directories are merged, all else is replaced.

Both sides may belong to somebody hostile who changes them meanwhile.  Each directory is opened by its path below one of
two directories that stay open, by openat2 without any link, files are made new (O_EXCL) after what had their name was
unlinked; what was renamed away in between is an error, and nothing outside of the two trees is touched.  Mounts within
them are entered, as those who live there see them.
"""

from __future__ import annotations

import os
import stat

from argosy.errors import ArgosyError, shown
from argosy.linux import files, syscalls
from argosy.linux.copying import copy_content
from argosy.linux.treecopy import is_plain_attribute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_RESOLVE = syscalls.RESOLVE_BENEATH | syscalls.RESOLVE_NO_SYMLINKS
_REFUSED_ATTRIBUTE = (1, 95)  # EPERM, EOPNOTSUPP: the file system or the namespace has none of this kind
_NO_SUCH_OWNER = (1, 22)  # EPERM, EINVAL


class WrongKind(ArgosyError):
    """A directory is to become something else, or the other way round; `path` is below where it was copied to."""

    def __init__(self, path: str, action: str) -> None:
        super().__init__(f"{action} {path}: file exists")
        self.path = path
        self.action = action


class Merger:
    """Copies with one set of rules.

    `owner` gives the ids that a file of this status gets.  With `overwrite` directories make way for other files, and
    those for directories.  Devices are left out unless `devices`.  With `lenient_owners` an owner that cannot be had
    here is nobody's fault: the file keeps ours.
    """

    def __init__(
        self,
        owner: Callable[[os.stat_result], tuple[int, int]],
        *,
        overwrite: bool = False,
        devices: bool = False,
        lenient_owners: bool = False,
    ) -> None:
        self._owner = owner
        self._overwrite = overwrite
        self._devices = devices
        self._lenient = lenient_owners
        self._own_ids = os.geteuid(), os.getegid()
        self._links: dict[tuple[int, int], str] = {}
        self._roots = (-1, -1)

    def entry(self, source: int, name: str, target: int, new_name: str) -> bool:
        """Copy `name` in the directory `source` to `new_name` in `target`; False for what is not copied at all."""
        status = os.stat(name, dir_fd=source, follow_symlinks=False)
        if not stat.S_ISDIR(status.st_mode):
            self._links.clear()
            self._roots = source, target
            return self._leaf(source, name, status, target, new_name, "")
        reader = os.open(name, _DIRECTORY, dir_fd=source)
        try:
            self._make_directory(target, new_name, "")
            writer = os.open(new_name, _DIRECTORY, dir_fd=target)
            try:
                self.content(reader, writer)
                self._finish(reader, writer)
            finally:
                os.close(writer)
        finally:
            os.close(reader)
        return True

    def content(self, source: int, target: int) -> None:
        """Copy what is in the directory `source` into the directory `target`, which keeps its owner, mode and time."""
        self._links.clear()
        self._roots = source, target
        levels = [("", self._level(""))]
        while levels:
            path, names = levels[-1]
            if names:
                below = f"{path}{names.pop()}/"
                levels.append((below, self._level(below)))
                continue
            levels.pop()
            if path:
                self._finish_at(path)

    def _level(self, path: str) -> list[str]:
        """Copy what is in one directory; those in it are made, and named."""
        source, target = self._open(path)
        below = []
        try:
            with os.scandir(source) as found:
                for entry in found:
                    try:
                        status = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:
                        continue
                    if stat.S_ISDIR(status.st_mode):
                        self._make_directory(target, entry.name, path)
                        below.append(entry.name)
                    else:
                        self._leaf(source, entry.name, status, target, entry.name, path)
        finally:
            os.close(source)
            os.close(target)
        return below

    def _open(self, path: str) -> tuple[int, int]:
        source = syscalls.openat2(self._roots[0], path.rstrip("/") or ".", _DIRECTORY, 0, _RESOLVE)
        try:
            return source, syscalls.openat2(self._roots[1], path.rstrip("/") or ".", _DIRECTORY, 0, _RESOLVE)
        except BaseException:
            os.close(source)
            raise

    def _finish_at(self, path: str) -> None:
        source, target = self._open(path)
        try:
            self._finish(source, target)
        finally:
            os.close(source)
            os.close(target)

    def _make_directory(self, target: int, name: str, path: str) -> None:
        try:
            os.mkdir(name, 0o700, dir_fd=target)
        except FileExistsError:
            if stat.S_ISDIR(os.stat(name, dir_fd=target, follow_symlinks=False).st_mode):
                return
            if not self._overwrite:
                raise WrongKind(f"{path}{name}", "mkdir") from None
            os.unlink(name, dir_fd=target)
            os.mkdir(name, 0o700, dir_fd=target)

    def _make_room(self, target: int, name: str, path: str) -> None:
        """Take away what has the name of a file to come."""
        try:
            os.unlink(name, dir_fd=target)
        except FileNotFoundError:
            pass
        except IsADirectoryError:
            if not self._overwrite:
                raise WrongKind(f"{path}{name}", "open") from None
            files.remove_tree(f"/proc/self/fd/{target}/{name}")

    def _leaf(self, source: int, name: str, status: os.stat_result, target: int, new_name: str, path: str) -> bool:
        """Copy what is no directory; False for what is left out."""
        kind = stat.S_IFMT(status.st_mode)
        if kind == stat.S_IFSOCK or (kind in (stat.S_IFCHR, stat.S_IFBLK) and not self._devices):
            return False
        if kind == stat.S_IFREG and status.st_nlink == 1:
            self._file(source, name, target, new_name, path)
            return True
        self._make_room(target, new_name, path)
        if status.st_nlink > 1:
            first = self._links.setdefault((status.st_dev, status.st_ino), f"{path}{new_name}")
            if first != f"{path}{new_name}" and self._link(first, target, new_name):
                return True
        if kind == stat.S_IFREG:
            self._file(source, name, target, new_name, path)
        else:
            self._special(source, name, status, target, new_name)
        return True

    def _link(self, first: str, target: int, name: str) -> bool:
        """Link to the copy that was made of the same file before; False where that cannot be, and it is copied again.

        Its directory is opened as all others are: it may be a link by now, that leads elsewhere.
        """
        above, _, old = first.rpartition("/")
        try:
            directory = syscalls.openat2(self._roots[1], above or ".", _DIRECTORY, 0, _RESOLVE)
        except OSError:
            return False
        try:
            os.link(old, name, src_dir_fd=directory, dst_dir_fd=target, follow_symlinks=False)
        except OSError:
            return False
        finally:
            os.close(directory)
        return True

    def _file(self, source: int, name: str, target: int, new_name: str, path: str) -> None:
        reader = os.open(name, _READ, dir_fd=source)
        try:
            status = os.fstat(reader)
            if not stat.S_ISREG(status.st_mode):
                raise ArgosyError(f"{shown(name)} was replaced while it was copied")
            writer = self._create(target, new_name, path)
            try:
                copy_content(reader, writer, status.st_size)
                self._describe(reader, writer, status)
            finally:
                os.close(writer)
        finally:
            os.close(reader)

    def _create(self, target: int, name: str, path: str) -> int:
        """A new file, in place of what has the name: looked for only where it stands in the way, which is rare."""
        try:
            return os.open(name, _NEW, 0o600, dir_fd=target)
        except FileExistsError:
            self._make_room(target, name, path)
            return os.open(name, _NEW, 0o600, dir_fd=target)

    def _special(self, source: int, name: str, status: os.stat_result, target: int, new_name: str) -> None:
        mode = status.st_mode
        if stat.S_ISLNK(mode):
            os.symlink(os.readlink(name, dir_fd=source), new_name, dir_fd=target)
        elif stat.S_ISFIFO(mode):
            os.mkfifo(new_name, 0o600, dir_fd=target)
        else:
            os.mknod(new_name, stat.S_IFMT(mode) | 0o600, status.st_rdev, dir_fd=target)
        self._chown(new_name, status, target)
        if not stat.S_ISLNK(mode):
            # By its name: were it replaced by a link just now, the kernel would say so (fchmodat2's AT_SYMLINK_NOFOLLOW
            # is too new), hence by a descriptor that no link can be behind.
            fd = os.open(new_name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=target)
            try:
                if not stat.S_ISLNK(os.fstat(fd).st_mode):
                    os.chmod(f"/proc/self/fd/{fd}", stat.S_IMODE(mode))
            finally:
                os.close(fd)
        os.utime(new_name, ns=(status.st_atime_ns, status.st_mtime_ns), dir_fd=target, follow_symlinks=False)

    def _finish(self, source: int, target: int) -> None:
        self._describe(source, target, os.fstat(source))

    def _describe(self, source: int, target: int, status: os.stat_result) -> None:
        """Owner, mode, extended attributes and times.  The mode comes last: the change of owner clears set-id bits."""
        self._chown(target, status)
        for attribute in os.listxattr(source):
            if is_plain_attribute(attribute):
                try:
                    os.setxattr(target, attribute, os.getxattr(source, attribute))
                except OSError as error:
                    if error.errno not in _REFUSED_ATTRIBUTE:
                        raise
        os.fchmod(target, stat.S_IMODE(status.st_mode))
        os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))

    def _chown(self, target: int | str, status: os.stat_result, directory: int | None = None) -> None:
        try:
            owner = self._owner(status)
            if isinstance(target, int):
                os.fchown(target, *owner)
            else:
                os.chown(target, *owner, dir_fd=directory, follow_symlinks=False)
        except OSError as error:
            if not self._lenient or error.errno not in _NO_SUCH_OWNER:
                raise

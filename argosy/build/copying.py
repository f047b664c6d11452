"""COPY: from a tree of files into the tree of a stage.

The target belongs to whoever made the base image: every path is looked up as it is seen from its root.  A directory
that is there keeps its owner and mode, one that is a link to a directory is followed, as docker does; a file takes the
place of anything but a directory.
"""

from __future__ import annotations

import os
import posixpath
import stat

from argosy.archive.whiteout import is_kept_attribute
from argosy.errors import ArgosyError, Invalid, shown
from argosy.linux import paths
from argosy.linux.copying import copy_content
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from argosy.build.dockerfile.ignore import Ignore
    from argosy.build.filetree import FileTree, Found, Selected
    from argosy.linux.idmap import IdMap

    ModeChange = Callable[[int, bool], int]

_OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_DIRECTORY_MODE = 0o755
_MAX_LINKS = 40


class Ownership(Value):
    """Whom copies belong to (`owner`: uid and gid, None for who owns the source) and their mode.

    `mode` gives the permissions from those of the source and whether it is a directory.  `id_map` is that of the tree
    they are put into: there they have the ids outside.
    """

    owner: tuple[int, int] | None
    mode: ModeChange
    id_map: IdMap | None = None

    def ids(self, uid: int = 0, gid: int = 0) -> tuple[int, int]:
        """Whom a copy belongs to, whose source has this owner.  Raises Invalid for one that the map does not have."""
        inside = (uid, gid) if self.owner is None else self.owner
        return inside if self.id_map is None else self.id_map.to_host(*inside)


def unchanged(mode: int, _is_directory: bool) -> int:  # noqa: FBT001 -- the signature of ModeChange
    """The mode that the source has."""
    return mode


class Placed(Value):
    """A source and where it goes: for a directory, where what is in it goes."""

    source: Selected
    target: str


def place(
    sources: Sequence[Selected], destination: str, target_fd: int, *, parents: bool = False, kept: str = ""
) -> list[Placed]:
    """Where each source goes.  `destination` is absolute; a slash at its end says that it is a directory.

    With `parents` the sources keep the path that they were asked for by, without what it has in front of `kept`.
    """
    into = destination.endswith(("/", "/.")) or is_directory(target_fd, destination)
    if len(sources) > 1 and not into and not parents:
        raise Invalid("destination", destination, "with several sources it must be a directory and end with a /")
    found = []
    for source in sources:
        if parents:
            path = source.written.removeprefix(kept).lstrip("/")
            found.append(Placed(source, posixpath.join(destination, path)))
        elif source.is_directory or not into:
            found.append(Placed(source, destination))
        else:
            found.append(Placed(source, posixpath.join(destination, posixpath.basename(source.written))))
    return found


def is_directory(root_fd: int, path: str) -> bool:
    """Whether a directory is there, be it behind links."""
    try:
        return stat.S_ISDIR(paths.stat_in_root(root_fd, path).st_mode)
    except OSError:
        return False


def copy(tree: FileTree, placed: Placed, target_fd: int, ownership: Ownership, excludes: Ignore | None = None) -> None:
    """Copy one source.  Raises ArgosyError."""
    copier = _Copier(tree, target_fd, ownership)
    try:
        for found in tree.walk(placed.source, excludes):
            copier.put(found, posixpath.join(placed.target, found.inner) if found.inner else placed.target)
        copier.finish()
    except OSError as error:
        what = shown(placed.source.written)
        raise ArgosyError(f"cannot copy {what} to {shown(placed.target)}: {error.strerror}") from error
    finally:
        copier.close()


def write_file(target_fd: int, path: str, data: bytes, ownership: Ownership, mode: int = 0o644) -> None:
    """A file of this content; directories on the way are made."""
    copier = _Copier(None, target_fd, ownership)
    try:
        directory_fd, name = copier.make_way(path)
        fd = os.open(name, _NEW_FILE, 0o600, dir_fd=directory_fd)
        try:
            os.write(fd, data) if len(data) < 1 << 16 else _write_all(fd, data)
            os.fchown(fd, *ownership.ids())
            os.fchmod(fd, ownership.mode(mode, False))
        finally:
            os.close(fd)
    finally:
        copier.close()


def _write_all(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]


class _Copier:
    """Puts entries one by one; the directories of the last one stay open."""

    def __init__(self, tree: FileTree | None, target_fd: int, ownership: Ownership) -> None:
        self._tree = tree
        self._target = target_fd
        self._ownership = ownership
        self._opened: tuple[str, int] | None = None
        self._source: tuple[str, int] | None = None
        self._links: dict[tuple[int, int], tuple[str, str]] = {}
        self._times: list[tuple[str, int]] = []

    def put(self, found: Found, path: str) -> None:
        """Copy one entry to `path`."""
        if found.is_directory:
            self._directory(found, path)
            return
        if stat.S_ISSOCK(found.status.st_mode):
            return
        directory_fd, name = self.make_way(path)
        key = (found.status.st_dev, found.status.st_ino)
        if found.status.st_nlink > 1 and key in self._links:
            above, first = self._links[key]
            self._link(above, first, directory_fd, name)
            return
        self._links[key] = posixpath.split(path)
        source_fd, source_name = self._source_of(found)
        if stat.S_ISREG(found.status.st_mode):
            self._file(source_fd, source_name, directory_fd, name)
        else:
            self._special(source_fd, source_name, directory_fd, name, found.status)

    def make_way(self, path: str) -> tuple[int, str]:
        """The directory that is to hold `path`, made if need be, and the name in it, which is free."""
        above, name = posixpath.split(path.rstrip("/"))
        directory_fd = self._open(above)
        try:
            status = os.stat(name, dir_fd=directory_fd, follow_symlinks=False)
        except FileNotFoundError:
            return directory_fd, name
        if stat.S_ISDIR(status.st_mode):
            raise ArgosyError(f"cannot copy a file to {shown(path)}: a directory is there")
        os.unlink(name, dir_fd=directory_fd)
        return directory_fd, name

    def finish(self) -> None:
        """Give the directories that were made the times of their sources."""
        for path, mtime_ns in reversed(self._times):
            fd = paths.open_in_root(self._target, path, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.utime(fd, ns=(mtime_ns, mtime_ns))
            finally:
                os.close(fd)

    def close(self) -> None:
        for opened in (self._opened, self._source):
            if opened is not None:
                os.close(opened[1])
        self._opened = self._source = None

    def _open(self, path: str) -> int:
        if self._opened is not None and self._opened[0] == path:
            return self._opened[1]
        uid, gid = self._ownership.ids()
        try:
            fd = paths.make_directories_in_root(self._target, path, _NEW_DIRECTORY_MODE, uid=uid, gid=gid)
        except Invalid:
            led = _followed(self._target, path)
            fd = paths.make_directories_in_root(self._target, led, _NEW_DIRECTORY_MODE, uid=uid, gid=gid)
        if self._opened is not None:
            os.close(self._opened[1])
        self._opened = path, fd
        return fd

    def _source_of(self, found: Found) -> tuple[int, str]:
        assert self._tree is not None
        above, _, name = found.path.rpartition("/")
        if self._source is None or self._source[0] != above:
            fd = self._tree.open_directory(above)
            if self._source is not None:
                os.close(self._source[1])
            self._source = above, fd
        return self._source[1], name

    def _directory(self, found: Found, path: str) -> None:
        if is_directory(self._target, path):
            return
        if not found.inner:
            self._open(path)  # the top: what is in it is copied, not itself
            return
        directory_fd, name = self.make_way(path)
        os.mkdir(name, 0o700, dir_fd=directory_fd)
        fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory_fd)
        try:
            os.fchown(fd, *self._owner(found.status))
            os.fchmod(fd, self._ownership.mode(stat.S_IMODE(found.status.st_mode), True))
            source_fd = self._tree.open_directory(found.path) if self._tree else -1
            try:
                _copy_attributes(source_fd, fd)
            finally:
                os.close(source_fd)
        finally:
            os.close(fd)
        self._times.append((path, found.status.st_mtime_ns))

    def _owner(self, status: os.stat_result) -> tuple[int, int]:
        return self._ownership.ids(status.st_uid, status.st_gid)

    def _link(self, above: str, first: str, directory_fd: int, name: str) -> None:
        first_fd = paths.open_in_root(self._target, above, os.O_PATH | os.O_DIRECTORY)
        try:
            os.link(first, name, src_dir_fd=first_fd, dst_dir_fd=directory_fd, follow_symlinks=False)
        finally:
            os.close(first_fd)

    def _file(self, source_fd: int, source_name: str, directory_fd: int, name: str) -> None:
        reader = os.open(source_name, _OPEN_FILE, dir_fd=source_fd)
        try:
            status = os.fstat(reader)
            writer = os.open(name, _NEW_FILE, 0o600, dir_fd=directory_fd)
            try:
                copy_content(reader, writer, status.st_size)
                os.fchown(writer, *self._owner(status))
                os.fchmod(writer, self._ownership.mode(stat.S_IMODE(status.st_mode), False))
                _copy_attributes(reader, writer)
                os.utime(writer, ns=(status.st_atime_ns, status.st_mtime_ns))
            finally:
                os.close(writer)
        finally:
            os.close(reader)

    def _special(self, source_fd: int, source_name: str, directory_fd: int, name: str, status: os.stat_result) -> None:
        if stat.S_ISLNK(status.st_mode):
            os.symlink(os.readlink(source_name, dir_fd=source_fd), name, dir_fd=directory_fd)
        else:
            os.mknod(name, status.st_mode, status.st_rdev, dir_fd=directory_fd)
            os.chmod(name, self._ownership.mode(stat.S_IMODE(status.st_mode), False), dir_fd=directory_fd)
        os.chown(name, *self._owner(status), dir_fd=directory_fd, follow_symlinks=False)
        os.utime(name, ns=(status.st_atime_ns, status.st_mtime_ns), dir_fd=directory_fd, follow_symlinks=False)


def _followed(root_fd: int, path: str) -> str:
    """Where a path leads that has links to what is not there (yet), as it is seen from the root."""
    names = [name for name in path.split("/") if name][::-1]
    here: list[str] = []
    links = 0
    while names:
        name = names.pop()
        if name in ("", "."):
            continue
        if name == "..":
            del here[-1:]
            continue
        found = "/".join((*here, name))
        try:
            fd = paths.open_in_root(root_fd, found, os.O_PATH | os.O_NOFOLLOW)
        except OSError:
            here.append(name)
            continue
        try:
            target = os.readlink("", dir_fd=fd) if stat.S_ISLNK(os.fstat(fd).st_mode) else ""
        finally:
            os.close(fd)
        if not target:
            here.append(name)
            continue
        links += 1
        if links > _MAX_LINKS:
            raise Invalid("path", path, "too many symbolic links on the way")
        if target.startswith("/"):
            here.clear()
        names += target.split("/")[::-1]
    return "/" + "/".join(here)


def _copy_attributes(source_fd: int, target_fd: int) -> None:
    for name in os.listxattr(source_fd):
        if is_kept_attribute(name) and not name.startswith("system."):
            try:
                os.setxattr(target_fd, name, os.getxattr(source_fd, name))
            except OSError as error:
                if error.errno not in (1, 95):  # EPERM in a user namespace, ENOTSUP: as layers that are applied
                    raise

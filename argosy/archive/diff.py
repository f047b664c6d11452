"""From a tree to a tar: the layer that an overlay's upper directory is, or a plain archive of any tree.

The tree may belong to somebody hostile, and may change meanwhile.  Directories are opened by openat2 with
RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS, files with O_NOFOLLOW and O_NONBLOCK; a file that shrinks while it is read is
an error.  The order is canonical: names of a directory sorted by their bytes, a directory before what is in it.
"""

from __future__ import annotations

import os
import stat

from argosy.archive import entry as kinds
from argosy.archive import remembered, tarwriter
from argosy.archive.entry import Entry
from argosy.archive.whiteout import OPAQUE, PREFIX, is_kept_attribute, is_marker, is_whiteout
from argosy.errors import ArgosyError, Unsupported, shown
from argosy.linux import syscalls
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from argosy.linux.idmap import IdMap

_RESOLVE = syscalls.RESOLVE_BENEATH | syscalls.RESOLVE_NO_SYMLINKS
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_CHUNK_BYTES = 1 << 20
_MAX_PATH = 4096
_OVERLAY = ("trusted.overlay.", "user.overlay.")
_KINDS = {
    stat.S_IFREG: kinds.FILE,
    stat.S_IFDIR: kinds.DIRECTORY,
    stat.S_IFLNK: kinds.SYMLINK,
    stat.S_IFCHR: kinds.CHARACTER_DEVICE,
    stat.S_IFBLK: kinds.BLOCK_DEVICE,
    stat.S_IFIFO: kinds.FIFO,
}


class Written(Value):
    """What went into an archive; sockets, which no archive can hold, are only counted.

    `whiteout_directories` are those that hold whiteouts, but for the root, in their order, as in `apply.Applied`.
    """

    entries: int
    size_bytes: int
    skipped_sockets: int
    whiteout_directories: tuple[str, ...] = ()


def write_archive(
    directory: str,
    write: Callable[[bytes], object],
    *,
    layer: bool,
    latest_s: int | None = None,
    id_map: IdMap | None = None,
    single: bool = False,
    undeclared: Iterable[str] = (),
) -> Written:
    """Write the tree at `directory` (its root itself left out) as a canonical archive, in pieces handed to `write`.

    With `layer` the tree is an overlay's upper directory: whiteouts and opaque directories become `.wh.` files.
    Without, a whiteout is a device like others.  `latest_s` is the latest time that an entry may have, in seconds
    (SOURCE_DATE_EPOCH); later ones become it.  Owners are ids of our user namespace, or those that `id_map` has inside
    for them; with `single`, those that are remembered beside files (`remembered`).  Directories that are `undeclared`
    get no entry, what is in them does.
    """
    writer = _Writer(write, latest_s=latest_s, layer=layer, id_map=id_map, single=single)
    writer.undeclared = frozenset(map(os.fsencode, undeclared))
    root = os.open(directory, _DIRECTORY)
    try:
        writer.tree(root)
    finally:
        os.close(root)
    write(tarwriter.END_MARK)
    whiteouts = tuple(sorted(map(os.fsdecode, writer.whiteout_directories)))
    return Written(writer.entries, writer.size_bytes, writer.skipped_sockets, whiteouts)


def write_entry(
    directory: str,
    name: str,
    write: Callable[[bytes], object],
    *,
    id_map: IdMap | None = None,
    single: bool = False,
) -> bool:
    """Write `name` in the directory, with what is below it where it is a directory, as `write_archive` does.

    Nothing is written, and False the answer, for what no archive of files of a container's holds: sockets and devices.
    """
    writer = _Writer(write, latest_s=None, layer=False, id_map=id_map, single=single)
    root = os.open(directory, _DIRECTORY)
    try:
        mode = os.stat(name, dir_fd=root, follow_symlinks=False).st_mode
        if not any(test(mode) for test in (stat.S_ISREG, stat.S_ISDIR, stat.S_ISLNK, stat.S_ISFIFO)):
            return False
        writer.entry(root, os.fsencode(name))
    finally:
        os.close(root)
    write(tarwriter.END_MARK)
    return True


class _Writer:
    def __init__(
        self,
        write: Callable[[bytes], object],
        *,
        latest_s: int | None,
        layer: bool,
        id_map: IdMap | None,
        single: bool,
    ) -> None:
        self._single = single
        self._id_map = id_map
        self._write = write
        self._latest_ns = None if latest_s is None else latest_s * 1_000_000_000
        self._layer = layer
        self._links: dict[tuple[int, int], bytes] = {}
        self.entries = self.size_bytes = self.skipped_sockets = 0
        self.whiteout_directories: set[bytes] = set()
        self.undeclared: frozenset[bytes] = frozenset()

    def tree(self, root: int) -> None:
        """All below the root."""
        self._below(root, b"")

    def entry(self, root: int, name: bytes) -> None:
        """An entry of the root, and all below it."""
        if self._entry(root, name, name):
            self._below(root, name)

    def _below(self, root: int, path: bytes) -> None:
        pending = [self._directory(root, path)]
        while pending:
            below = next(pending[-1], None)
            if below is None:
                pending.pop()
            else:
                pending.append(self._directory(root, below))

    def _directory(self, root: int, path: bytes) -> Iterator[bytes]:
        """Write the entries of a directory.  Yields each directory in it, for its entries to be written next.

        No descriptor is held meanwhile: a tree can be deeper than a process may have files open.
        """
        fd = _open_below(root, path)
        try:
            for name in sorted(map(os.fsencode, os.listdir(fd))):
                child = path + b"/" + name if path else name
                if self._entry(fd, name, child):
                    os.close(fd)
                    fd = -1
                    yield child
                    fd = _open_below(root, path)
        finally:
            if fd >= 0:
                os.close(fd)

    def _entry(self, fd: int, name: bytes, path: bytes) -> bool:
        """Write one entry; true when it is a directory."""
        if len(path) > _MAX_PATH:
            raise Unsupported(f"a path of more than {_MAX_PATH} bytes: {shown(os.fsdecode(path))}")
        status = os.stat(name, dir_fd=fd, follow_symlinks=False)
        marked = self._layer and is_marker(name, status)
        if self._layer and (marked or is_whiteout(status)):
            above = path[: len(path) - len(name)]
            self._marker(path if marked else above + PREFIX + name)
            if above:
                self.whiteout_directories.add(above[:-1])
            return False
        if self._layer and name.startswith(PREFIX):
            raise Unsupported(
                f"{shown(os.fsdecode(path))} cannot be told in a layer, where such names hide others",
                hint="rename or remove it",
            )
        if stat.S_ISSOCK(status.st_mode):
            self.skipped_sockets += 1
            return False
        if path in self.undeclared and stat.S_ISDIR(status.st_mode):
            return True
        entry = Entry(
            path,
            _KINDS[stat.S_IFMT(status.st_mode)],
            stat.S_IMODE(status.st_mode),
            *self._owner(status),
            mtime_ns=self._time(status),
        )
        opaque = self._describe(entry, status, fd, name)
        if entry.kind == kinds.FILE:
            self._file(entry, fd, name, status)
        else:
            self._header(entry)
        if opaque:
            self._marker(path + b"/" + OPAQUE)
        return entry.kind == kinds.DIRECTORY

    def _owner(self, status: os.stat_result) -> tuple[int, int]:
        owner = status.st_uid, status.st_gid
        return owner if self._id_map is None else self._id_map.seen_inside(*owner)

    def _time(self, status: os.stat_result) -> int:
        latest = self._latest_ns
        return status.st_mtime_ns if latest is None else min(status.st_mtime_ns, latest)

    def _describe(self, entry: Entry, status: os.stat_result, fd: int, name: bytes) -> bool:
        """Fill in links, devices and extended attributes; true for an opaque directory."""
        if status.st_nlink > 1 and entry.kind != kinds.DIRECTORY:
            first = self._links.setdefault((status.st_dev, status.st_ino), entry.name)
            if first != entry.name:
                entry.kind, entry.linkname = kinds.HARDLINK, first
                return False
        if entry.kind == kinds.SYMLINK:
            entry.linkname = os.readlink(name, dir_fd=fd)
        elif entry.kind in (kinds.CHARACTER_DEVICE, kinds.BLOCK_DEVICE):
            entry.device = os.major(status.st_rdev), os.minor(status.st_rdev)
        opaque = False
        target = b"/proc/self/fd/%d/%b" % (fd, name)
        attributes = {}
        for attribute in os.listxattr(target, follow_symlinks=False):
            if is_kept_attribute(attribute):
                attributes[os.fsencode(attribute)] = os.getxattr(target, attribute, follow_symlinks=False)
            elif self._single and attribute == remembered.ATTRIBUTE:
                owner = remembered.parse(os.getxattr(target, attribute, follow_symlinks=False))
                entry.uid, entry.gid = owner or (entry.uid, entry.gid)
            elif self._layer and attribute.startswith(_OVERLAY):
                opaque |= self._overlay_attribute(entry, target, attribute)
        if attributes:
            entry.xattrs = attributes
        return opaque

    def _overlay_attribute(self, entry: Entry, target: bytes, attribute: str) -> bool:
        """Whether this attribute of overlayfs says that the directory is opaque."""
        kind = attribute.rpartition(".")[2]
        if kind in ("redirect", "metacopy"):
            raise Unsupported(
                f"{shown(os.fsdecode(entry.name))} is told by reference to another layer ({attribute})",
                hint="the overlay was not mounted by argosy, which turns redirect_dir and metacopy off",
            )
        return kind == "opaque" and os.getxattr(target, attribute, follow_symlinks=False) == b"y"

    def _marker(self, path: bytes) -> None:
        """An empty file that says something about layers below; always the same but for its name."""
        self._header(Entry(path, kinds.FILE, 0o600))

    def _header(self, entry: Entry) -> None:
        self._write(tarwriter.headers(entry))
        self.entries += 1

    def _file(self, entry: Entry, directory: int, name: bytes, status: os.stat_result) -> None:
        fd = os.open(name, _FILE, dir_fd=directory)
        try:
            now = os.fstat(fd)
            if (now.st_dev, now.st_ino, now.st_mode) != (status.st_dev, status.st_ino, status.st_mode):
                raise _changed(entry)
            entry.size = left = now.st_size
            self._header(entry)
            while left:
                data = os.read(fd, min(left, _CHUNK_BYTES))
                if not data:
                    raise _changed(entry)
                self._write(data)
                left -= len(data)
            self._write(tarwriter.padding(entry.size))
        finally:
            os.close(fd)
        self.size_bytes += entry.size


def _open_below(root: int, path: bytes) -> int:
    if not path:
        return os.open(".", _DIRECTORY, dir_fd=root)
    return syscalls.openat2(root, path, _DIRECTORY, 0, _RESOLVE)


def _changed(entry: Entry) -> ArgosyError:
    return ArgosyError(
        f"{shown(os.fsdecode(entry.name))} changed while it was read", hint="stop or pause what writes to it"
    )

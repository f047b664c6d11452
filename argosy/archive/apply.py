"""Applying a layer: a tar archive becomes a tree as overlayfs wants it, in an empty directory that nobody else changes.

The archive is hostile.  Nothing outside the directory is touched: parents are found by `tree.Tree`; what an entry makes
is made new (O_EXCL, mkdir, symlink, link, mknod never follow a link), after what had its name was unlinked.  Later
entries win over earlier ones, whatever their types; two directories are merged.  What a layer may use of the disk is
bounded by the free space, what this code needs of memory does not grow with the archive.

As podman does it: names are seen from the layer's root, be they absolute or not; hardlinks and parents may lead through
symbolic links, within the root; what the entry of the root itself says is not taken over; devices are left out in a
user namespace and without CAP_MKNOD, where they cannot be made; extended attributes that the file system or the
namespace refuses are left out. Otherwise than podman: `..` that climbs out of the root, a character device 0:0 (it
would be a whiteout), and whiteouts that are directories or links are errors; `trusted.*`, `user.overlay.*` and
`security.selinux` are dropped; a whiteout beside the same name in one layer makes a directory opaque and otherwise
counts for nothing; the bookkeeping of aufs is left out; an undeclared directory gets the time of the first entry in it;
an entry gets neither the group of a setgid directory nor a default access control list from above, but what it says
itself.
"""

from __future__ import annotations

import os
import stat

from argosy.archive import entry as kinds
from argosy.archive.errors import BadArchive
from argosy.archive.metadata import ALL, NONE, POSSIBLE, Metadata
from argosy.archive.space import Space, no_space
from argosy.archive.tarstream import TarReader
from argosy.archive.tree import DIRECTORY_FLAGS, Directory, Tree, components, is_housekeeping
from argosy.archive.whiteout import AUFS_PREFIX, OPAQUE, PREFIX, hidden_name, is_whiteout, opaque_attribute
from argosy.errors import ArgosyError, shown
from argosy.linux.files import remove_tree
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.archive.entry import Entry

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_NAME = (b"", b".", b"..")
_EFBIG, _ENOSPC, _ENAMETOOLONG, _EDQUOT = 27, 28, 36, 122


class Limits(Value):
    """`reserve_bytes` of the file system (but at most a twentieth) stay free.  A sparse file may have `sparse_bytes`,
    holes included.  The names in the result may have `record_bytes` together."""

    reserve_bytes: int = 64 << 20
    sparse_bytes: int = 1 << 41
    record_bytes: int = 8 << 20


class Applied(Value):
    """What was made of a layer.  Paths are relative to its root and sorted; bytes that are not UTF-8 are surrogates.

    `undeclared`: directories that entries use but none declares; they are 0755 and root's.  `whiteout_directories`:
    those in which a whiteout is.  Neither lists the root.  `opaque_root`: the layer hides all layers below it, which
    overlayfs cannot be told by an attribute.  `size_bytes`: the data of its files.
    """

    undeclared: tuple[str, ...] = ()
    whiteout_directories: tuple[str, ...] = ()
    opaque_root: bool = False
    entries: int = 0
    size_bytes: int = 0
    skipped_devices: int = 0
    skipped_attributes: int = 0


def apply(
    fd: int,
    directory: str,
    *,
    flavour: str,
    id_map_single: bool = False,
    lenient_owners: bool = False,
    marker_required: bool = True,
    limits: Limits | None = None,
) -> Applied:
    """Apply the uncompressed archive that `fd` gives, up to its end of file, to the empty directory `directory`.

    `flavour`: "trusted" for overlay mounts by the host's root, "user" for those of a user namespace.  Owners are taken
    as ids of our own user namespace; with `id_map_single` they are ignored, and with `lenient_owners` those that cannot
    be had there.  `marker_required`: see TarReader.
    After an error the directory holds a part of the layer: the caller discards it.
    """
    reader = TarReader(fd, marker_required=marker_required)
    owners = NONE if id_map_single else POSSIBLE if lenient_owners else ALL
    applier = _Applier(reader, directory, flavour, limits or Limits(), owners)
    try:
        applier.run()
        applied = applier.result()
    finally:
        applier.tree.close()
    reader.drain()
    return applied


class _Applier:
    def __init__(self, reader: TarReader, root: str, flavour: str, limits: Limits, owners: str) -> None:
        self.tree = Tree(root, opaque_attribute(flavour), limits.record_bytes)
        self._reader = reader
        self._in_userns = flavour == "user"
        self._limits = limits
        self._space = Space(self.tree.root.fd, limits.reserve_bytes)
        self._metadata = Metadata(self.tree, self._space, in_userns=self._in_userns, owners=owners)
        self._whiteout_directories: dict[bytes, None] = {}
        self._marked: list[tuple[bytes, bytes]] = []
        self._record_bytes = limits.record_bytes
        self._opaque_root = self._displaced = False
        self._entries = self._size_bytes = self._skipped_devices = 0

    def run(self) -> None:
        """Apply all entries."""
        handlers = {
            kinds.FILE: self._file,
            kinds.DIRECTORY: self._directory,
            kinds.SYMLINK: self._symlink,
            kinds.HARDLINK: self._hardlink,
            kinds.CHARACTER_DEVICE: self._device,
            kinds.BLOCK_DEVICE: self._device,
            kinds.FIFO: self._fifo,
        }
        find = self.tree.spellings.get
        charge = self._space.charge
        directory: Directory | None
        for entry in self._reader:
            charge(entry.stored_bytes, entry)
            parent, _, base = entry.name.rpartition(b"/")
            directory = find(parent)
            try:
                if directory is None or base in _NO_NAME:
                    directory, base = self._place(entry)
                    if directory is None:
                        continue
                if base[:4] == PREFIX:
                    self._whiteout(entry, directory, base)
                else:
                    handlers[entry.kind](entry, directory, base)
            except OSError as error:
                raise self._failure(entry, error) from error
            except ValueError as error:
                raise BadArchive(str(error), entry=entry.name, offset=self._reader.offset) from error
            self._entries += 1
        for path, hidden in self._marked:
            self._settle_mark(path, hidden)

    def result(self) -> Applied:
        """What was done."""
        undeclared, whiteouts = self.tree.undeclared, self._whiteout_directories
        if self._displaced:
            undeclared = dict.fromkeys(filter(self._is_directory, undeclared))
            whiteouts = dict.fromkeys(filter(self._is_directory, whiteouts))
        return Applied(
            undeclared=tuple(sorted(map(os.fsdecode, undeclared))),
            whiteout_directories=tuple(sorted(map(os.fsdecode, whiteouts))),
            opaque_root=self._opaque_root,
            entries=self._entries,
            size_bytes=self._size_bytes,
            skipped_devices=self._skipped_devices,
            skipped_attributes=self._metadata.skipped_attributes,
        )

    def _is_directory(self, path: bytes) -> bool:
        """Whether this is (still) a directory, with no link on the way to it."""
        try:
            return self.tree.directory(path, kinds.Entry(path, kinds.DIRECTORY), create=False).path == path
        except (OSError, ValueError, BadArchive):
            return False

    def _place(self, entry: Entry) -> tuple[Directory | None, bytes]:
        """Where the entry belongs: the open directory and the name in it.  No directory: the entry is passed over."""
        names = components(entry.name)
        if not names:
            if entry.kind != kinds.DIRECTORY:
                raise ValueError(f"the root of the layer is a {entry.kind}")
            return None, b""
        parent, _, base = entry.name.rstrip(b"/").rpartition(b"/")
        if base in _NO_NAME:
            parent, base = b"/".join(names[:-1]), names[-1]
        if is_housekeeping(parent):
            return None, b""
        before = self.tree.directories_made
        directory = self.tree.directory(parent, entry, create=True)
        for _ in range(self.tree.directories_made - before):
            self._space.charge(0, entry)
        return directory, base

    def _displace(self, parent: Directory, base: bytes, *, keep_directory: bool = False) -> bool:
        """Remove what has the name.  False: it is a directory and was kept."""
        is_directory = stat.S_ISDIR(os.stat(base, dir_fd=parent.fd, follow_symlinks=False).st_mode)
        if is_directory and keep_directory:
            return False
        self.tree.forget(parent.child(base))
        if is_directory:
            remove_tree(f"/proc/self/fd/{parent.fd}/{os.fsdecode(base)}")
        else:
            os.unlink(base, dir_fd=parent.fd)
        self._displaced = True
        return True

    def _file(self, entry: Entry, parent: Directory, base: bytes) -> None:
        try:
            fd = os.open(base, _NEW_FILE, entry.mode & 0o777, dir_fd=parent.fd)
        except FileExistsError:
            self._displace(parent, base)
            fd = os.open(base, _NEW_FILE, entry.mode & 0o777, dir_fd=parent.fd)
        try:
            if entry.segments is not None:
                self._write_segments(fd, entry)
            elif entry.size:
                self._write(fd)
            self._metadata.of_file(fd, entry, inherits=parent.passes_on)
        finally:
            os.close(fd)
        self._size_bytes += entry.stored_bytes

    def _write(self, fd: int) -> None:
        take = self._reader.take
        while chunk := take():
            written = os.write(fd, chunk)
            while written < len(chunk):
                written += os.write(fd, chunk[written:])

    def _write_segments(self, fd: int, entry: Entry) -> None:
        """A sparse file: holes stay holes."""
        if entry.size > self._limits.sparse_bytes:
            raise ValueError(f"a sparse file of {entry.size} bytes (at most {self._limits.sparse_bytes})")
        os.ftruncate(fd, entry.size)
        chunk = self._reader.take()
        for offset, length in entry.segments or ():
            end = offset + length
            while offset < end:
                if not chunk:
                    chunk = self._reader.take()
                written = os.pwrite(fd, chunk[: end - offset], offset)
                chunk = chunk[written:]
                offset += written

    def _directory(self, entry: Entry, parent: Directory, base: bytes) -> None:
        path = parent.child(base)
        directory = self.tree.opened(path)
        fresh = False
        if directory is None:
            opaque = False
            try:
                os.mkdir(base, entry.mode & 0o777, dir_fd=parent.fd)
                fresh = True
            except FileExistsError:
                fresh = opaque = self._displace(parent, base, keep_directory=True)
                if fresh:
                    os.mkdir(base, entry.mode & 0o777, dir_fd=parent.fd)
            directory = self.tree.add(os.open(base, DIRECTORY_FLAGS, dir_fd=parent.fd), path)
            if opaque:  # it hides what layers below have there, as what was there before did
                self.tree.mark_opaque(directory)
        self.tree.undeclared.pop(path, None)
        self._metadata.of_directory(directory, entry, fresh=fresh, inherits=parent.passes_on)

    def _symlink(self, entry: Entry, parent: Directory, base: bytes) -> None:
        if not entry.linkname:
            raise ValueError("a symbolic link to nothing")
        try:
            os.symlink(entry.linkname, base, dir_fd=parent.fd)
        except FileExistsError:
            self._displace(parent, base)
            os.symlink(entry.linkname, base, dir_fd=parent.fd)
        self._metadata.of_name(parent, base, entry)

    def _hardlink(self, entry: Entry, parent: Directory, base: bytes) -> None:
        """The target is a path from the layer's root; what the entry says beside that is its target's to say."""
        names = components(entry.linkname)
        missing = f"its hardlink target {shown(os.fsdecode(entry.linkname))} is not in this layer"
        if not names:
            raise ValueError("a hardlink to the layer's root")
        try:
            source = self.tree.directory(b"/".join(names[:-1]), entry, create=False)
            parent = self.tree.directory(parent.path, entry, create=True)  # opening `source` may have closed it
            status = os.stat(names[-1], dir_fd=source.fd, follow_symlinks=False)
        except FileNotFoundError:
            raise ValueError(missing) from None
        if is_whiteout(status):
            raise ValueError(missing)
        if stat.S_ISDIR(status.st_mode):
            raise ValueError("a hardlink to a directory")
        if source is parent and names[-1] == base:
            raise ValueError("a hardlink to itself")
        try:
            os.link(names[-1], base, src_dir_fd=source.fd, dst_dir_fd=parent.fd, follow_symlinks=False)
        except FileExistsError:
            self._displace(parent, base)
            self._hardlink(entry, parent, base)

    def _device(self, entry: Entry, parent: Directory, base: bytes) -> None:
        if entry.kind == kinds.CHARACTER_DEVICE and entry.device == (0, 0):
            raise ValueError("a character device 0:0, which would hide a file of the layers below")
        if self._in_userns:
            self._skipped_devices += 1
            return
        mode = 0o600 | (stat.S_IFCHR if entry.kind == kinds.CHARACTER_DEVICE else stat.S_IFBLK)
        try:
            try:
                os.mknod(base, mode, os.makedev(*entry.device), dir_fd=parent.fd)
            except FileExistsError:
                self._displace(parent, base)
                os.mknod(base, mode, os.makedev(*entry.device), dir_fd=parent.fd)
        except PermissionError:  # root of a container that has no CAP_MKNOD
            self._skipped_devices += 1
            return
        self._metadata.of_name(parent, base, entry)

    def _fifo(self, entry: Entry, parent: Directory, base: bytes) -> None:
        try:
            os.mkfifo(base, 0o600, dir_fd=parent.fd)
        except FileExistsError:
            self._displace(parent, base)
            os.mkfifo(base, 0o600, dir_fd=parent.fd)
        self._metadata.of_name(parent, base, entry)

    def _whiteout(self, entry: Entry, parent: Directory, base: bytes) -> None:
        if base == OPAQUE:
            if parent is self.tree.root:
                self._opaque_root = True
            self.tree.mark_opaque(parent)
            return
        if base.startswith(AUFS_PREFIX):
            return
        hidden = hidden_name(base)
        if entry.kind not in (kinds.FILE, kinds.HARDLINK):
            raise ValueError(f"a whiteout that is a {entry.kind}")
        try:
            os.mknod(hidden, stat.S_IFCHR, 0, dir_fd=parent.fd)
        except FileExistsError:
            if stat.S_ISDIR(os.stat(hidden, dir_fd=parent.fd, follow_symlinks=False).st_mode):
                self.tree.mark_opaque(self.tree.directory(parent.child(hidden), entry, create=False))
            return
        except PermissionError:
            self._mark(parent, hidden)
        path = parent.path
        if path and path not in self._whiteout_directories:
            self._record_bytes -= len(path)
            if self._record_bytes < 0:
                raise ValueError("whiteouts in too many directories")
            self._whiteout_directories[path] = None

    def _mark(self, parent: Directory, hidden: bytes) -> None:
        """A file in place of the device, which an overlay as file system cannot hold: fuse-overlayfs has them too."""
        self._record_bytes -= len(parent.path) + len(hidden)
        if self._record_bytes < 0:
            raise ValueError("too many whiteouts")
        try:
            os.close(os.open(PREFIX + hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0, dir_fd=parent.fd))
        except FileExistsError:
            return
        self._marked.append((parent.path, hidden))

    def _settle_mark(self, path: bytes, hidden: bytes) -> None:
        """Where the layer has the name itself after all, the mark goes; a directory of that name is opaque."""
        if not self._is_directory(path):
            return
        entry = kinds.Entry(path, kinds.DIRECTORY)
        directory = self.tree.directory(path, entry, create=False)
        try:
            mode = os.stat(hidden, dir_fd=directory.fd, follow_symlinks=False).st_mode
            os.unlink(PREFIX + hidden, dir_fd=directory.fd)
        except FileNotFoundError:
            return
        if stat.S_ISDIR(mode):
            self.tree.mark_opaque(self.tree.directory(directory.child(hidden), entry, create=False))

    def _failure(self, entry: Entry, error: OSError) -> ArgosyError:
        if error.errno in (_ENOSPC, _EDQUOT):
            return no_space(entry, error.strerror or "")
        why = ""
        if error.errno == _ENAMETOOLONG:
            why = "a name of more than 255 bytes, or a link target that is too long"
        elif error.errno == _EFBIG:
            why = f"the file system cannot hold a file of {entry.size} bytes"
        elif isinstance(error, FileNotFoundError):
            why = "a symbolic link on the way leads to nothing in this layer"
        if why:
            return BadArchive(why, entry=entry.name, offset=self._reader.offset)
        name = shown(os.fsdecode(entry.name))
        return ArgosyError(f"cannot make the {entry.kind} {name} of the layer", details=error.strerror or "")

"""The tree that a layer becomes: its directories, found without ever leaving it.

A path is looked up once, by openat2 with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS, and its directory stays open for the
entries that follow.  A path through a symbolic link of the same layer is resolved here, as a process whose root is the
layer would (podman unpacks in a chroot): absolute targets begin at the layer's root.  One that climbs out is refused.

The modification time of a directory is set when its descriptor is closed, since each entry in it changes that; one that
is opened again gets the time back which it had.  So nothing has to be remembered about directories that are done.
"""

from __future__ import annotations

import os
import stat

from argosy.archive.errors import BadArchive
from argosy.archive.whiteout import AUFS_PREFIX, PREFIX, is_whiteout
from argosy.linux import syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.archive.entry import Entry

DIRECTORY_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_RESOLVE = syscalls.RESOLVE_BENEATH | syscalls.RESOLVE_NO_SYMLINKS
DEFAULT_ACL = "system.posix_acl_default"
_ACLS = (DEFAULT_ACL, "system.posix_acl_access")
_MAX_OPEN = 96
_MAX_SPELLINGS = 64
_MAX_LINKS = 40


class Outside(ValueError):
    """A path that climbs out of the layer's root."""


def components(path: bytes) -> list[bytes]:
    """The names in `path`, seen from the layer's root, without "." and "..": `a/../b` is `b`, whatever `a` is.

    Raises Outside.
    """
    names: list[bytes] = []
    for name in path.split(b"/"):
        if name == b"..":
            if not names:
                raise Outside("it leads out of the layer's root by ..")
            names.pop()
        elif name not in (b"", b"."):
            names.append(name)
    return names


def is_housekeeping(spelling: bytes) -> bool:
    """Whether a path lies in a directory of aufs's own.  ValueError when it lies in a whiteout."""
    for name in spelling.split(b"/"):
        if name.startswith(PREFIX):
            if name.startswith(AUFS_PREFIX):
                return True
            raise ValueError("a whiteout is no directory")
    return False


def remove_acls(target: int | bytes) -> None:
    """Remove the access control lists that an open file or directory (or by name: what is no link) has inherited."""
    for attribute in _ACLS:
        if attribute in os.listxattr(target):
            os.removexattr(target, attribute)


class Directory:
    """An open directory of the tree.  `path` is relative to the root, which is b"".

    `passes_on`: what is made in it gets its group (setgid) or its default access control list.
    """

    __slots__ = ("fd", "mtime_ns", "passes_on", "path", "spellings")

    def __init__(self, fd: int, path: bytes) -> None:
        status = os.fstat(fd)
        self.fd = fd
        self.path = path
        self.mtime_ns = status.st_mtime_ns
        self.passes_on = bool(status.st_mode & stat.S_ISGID)
        self.spellings: list[bytes] = []

    def child(self, name: bytes) -> bytes:
        """The path of `name` in here."""
        return self.path + b"/" + name if self.path else name

    def close(self) -> None:
        """Set the modification time, and close."""
        try:
            os.utime(self.fd, ns=(self.mtime_ns, self.mtime_ns))
        finally:
            os.close(self.fd)


class Tree:
    """The directories below one root, which nobody else changes meanwhile.

    `spellings` maps paths, as the archive spells them, to open directories.  `undeclared` holds (in its keys) the paths
    of the directories that were made only because an entry needed them; together these may have `record_bytes`.
    """

    def __init__(self, root: str, opaque_attribute: str, record_bytes: int) -> None:
        self.root = Directory(os.open(root, DIRECTORY_FLAGS), b"")
        self.spellings: dict[bytes, Directory] = {b"": self.root}
        self.undeclared: dict[bytes, None] = {}
        self.directories_made = 0
        self.has_default_acls = False  # set it when a directory gets one
        self._open: dict[bytes, Directory] = {}
        self._opaque_attribute = opaque_attribute
        self._record_bytes = record_bytes
        self._owner = os.geteuid(), os.getegid()

    def close(self) -> None:
        """Close all directories, setting their times (that of the root, which no entry declares, excepted)."""
        self._forget_spellings()
        try:
            while self._open:
                self._open.popitem()[1].close()
        finally:
            os.close(self.root.fd)

    def directory(self, spelling: bytes, entry: Entry, *, create: bool) -> Directory:
        """The directory with this path, with `create` made where it is missing, as all those above it.

        May close other directories.  Raises Outside, FileNotFoundError and BadArchive.
        """
        found = self.spellings.get(spelling)
        if found is None:
            found = self._look_up(components(spelling), entry, create=create)
            if len(found.spellings) < _MAX_SPELLINGS:
                found.spellings.append(spelling)
                self.spellings[spelling] = found
        return found

    def opened(self, path: bytes) -> Directory | None:
        """The directory with exactly this path (no link in it, no "."), if it is open."""
        return self._open.get(path)

    def add(self, fd: int, path: bytes) -> Directory:
        """Take over an open directory.  May close another one."""
        if len(self._open) >= _MAX_OPEN:
            self._close(next(iter(self._open)))
        directory = self._open[path] = Directory(fd, path)
        if self.has_default_acls and DEFAULT_ACL in os.listxattr(fd):
            directory.passes_on = True
        return directory

    def forget(self, path: bytes) -> None:
        """What is at `path` goes away: close it and what is open below, and look all paths up anew."""
        self._forget_spellings()
        below = path + b"/"
        for opened in [opened for opened in self._open if opened == path or opened.startswith(below)]:
            self._close(opened)

    def mark_opaque(self, directory: Directory) -> None:
        """Hide what layers below have in this directory."""
        os.setxattr(directory.fd, self._opaque_attribute, b"y")

    def _forget_spellings(self) -> None:
        for directory in (self.root, *self._open.values()):
            directory.spellings.clear()
        self.spellings.clear()
        self.spellings[b""] = self.root

    def _close(self, path: bytes) -> None:
        directory = self._open.pop(path)
        for spelling in directory.spellings:
            self.spellings.pop(spelling, None)
        directory.close()

    def _look_up(self, names: list[bytes], entry: Entry, *, create: bool) -> Directory:
        path = b"/".join(names)
        found = self._open.get(path) if path else self.root
        if found is not None:
            return found
        try:
            return self.add(syscalls.openat2(self.root.fd, path, DIRECTORY_FLAGS, 0, _RESOLVE), path)
        except OSError:
            return self._walk(names, entry, create=create)

    def _walk(self, names: list[bytes], entry: Entry, *, create: bool) -> Directory:
        """Go down name by name: something is missing, or a symbolic link, or no directory."""
        here = self.root
        rest = names[::-1]
        own = len(
            rest
        )  # that many at the bottom are the path's own names; above them are those of links, never created
        links = 0
        while rest:
            name = rest.pop()
            is_own = len(rest) < own
            own = min(own, len(rest))
            if name in (b"", b"."):
                continue
            if name == b"..":
                if here is self.root:
                    raise Outside("a symbolic link on the way leads out of the layer's root")
                above = here.path.rpartition(b"/")[0]
                here = self._look_up(above.split(b"/") if above else [], entry, create=False)
                continue
            step = self._step(here, name, entry, create=create and is_own)
            if isinstance(step, Directory):
                here = step
                continue
            links += 1
            if links > _MAX_LINKS:
                raise BadArchive("too many symbolic links on the way", entry=entry.name)
            if step.startswith(b"/"):
                here = self.root
            rest += step.split(b"/")[::-1]
        return here

    def _step(self, here: Directory, name: bytes, entry: Entry, *, create: bool) -> Directory | bytes:
        """The directory `name` in `here`, or the target of the link that is there."""
        path = here.child(name)
        found = self._open.get(path)
        if found is not None:
            return found
        try:
            status = os.stat(name, dir_fd=here.fd, follow_symlinks=False)
        except FileNotFoundError:
            if not create:
                raise
            return self._make(here, name, entry)
        if stat.S_ISDIR(status.st_mode):
            return self.add(os.open(name, DIRECTORY_FLAGS, dir_fd=here.fd), path)
        if stat.S_ISLNK(status.st_mode):
            return os.readlink(name, dir_fd=here.fd)
        if is_whiteout(status):
            if not create:
                raise FileNotFoundError(2, "hidden by a whiteout", path)
            os.unlink(name, dir_fd=here.fd)
            made = self._make(here, name, entry)
            self.mark_opaque(made)
            return made
        raise BadArchive(f'"{os.fsdecode(path)}" is no directory in this layer', entry=entry.name)

    def _make(self, here: Directory, name: bytes, entry: Entry) -> Directory:
        """An undeclared directory: 0755, root's, with the time of the entry that needs it."""
        path = here.child(name)
        self._record_bytes -= len(path)
        if self._record_bytes < 0:
            raise BadArchive("too many directories that are used without an entry of their own", entry=entry.name)
        inherits = here.passes_on
        os.mkdir(name, 0o755, dir_fd=here.fd)
        made = self.add(os.open(name, DIRECTORY_FLAGS, dir_fd=here.fd), path)
        if inherits:
            os.fchown(made.fd, *self._owner)
            remove_acls(made.fd)
        os.fchmod(made.fd, 0o755)
        made.passes_on = False
        made.mtime_ns = entry.mtime_ns
        self.undeclared[path] = None
        self.directories_made += 1
        return made

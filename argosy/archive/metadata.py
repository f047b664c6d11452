"""Owner, extended attributes, mode and time of what an entry made, in the order that the kernel asks for.

A change of the owner clears setuid bits and file capabilities, so it comes first; each write changes the time, so that
comes last.  System calls that would change nothing are left out: there may be a hundred thousand files.
"""

from __future__ import annotations

import os

from argosy.archive import entry as kinds
from argosy.archive.tree import DEFAULT_ACL, remove_acls
from argosy.archive.whiteout import is_kept_attribute
from argosy.errors import ArgosyError, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.archive.entry import Entry
    from argosy.archive.space import Space
    from argosy.archive.tree import Directory, Tree

_EPERM, _EINVAL, _ENOTSUP = 1, 22, 95
# Which of the owners that entries name files get: all, or the archive is refused; those that can be had here; none.
ALL, POSSIBLE, NONE = "all", "possible", "none"


class Metadata:
    """Sets what entries say.  `inherits`: the directory in which it was made passes its group or ACL on."""

    def __init__(self, tree: Tree, space: Space, *, in_userns: bool, owners: str) -> None:
        self.skipped_attributes = 0
        self._tree = tree
        self._space = space
        self._in_userns = in_userns
        self._keeps_owner = owners != NONE
        self._owners = owners
        self._own_ids = os.geteuid(), os.getegid()
        self._beyond_open = 0o7000 | _umask()  # mode bits that open and mkdir do not set

    def of_file(self, fd: int, entry: Entry, *, inherits: bool) -> None:
        """A file that was made with the entry's permission bits and is open."""
        if self._keeps_owner and (inherits or (entry.uid, entry.gid) != self._own_ids):
            self._chown(entry, fd)
        if inherits:
            remove_acls(fd)
        if entry.xattrs:
            self._set_attributes(fd, entry)
        self._remember(fd, entry)
        if inherits or entry.mode & self._beyond_open:
            os.fchmod(fd, entry.mode)
        os.utime(fd, ns=(entry.mtime_ns, entry.mtime_ns))

    def of_directory(self, directory: Directory, entry: Entry, *, fresh: bool, inherits: bool) -> None:
        """An open directory.  `fresh`: it was just made with the entry's permission bits.  Its time is set by Tree."""
        if self._keeps_owner and (not fresh or inherits or (entry.uid, entry.gid) != self._own_ids):
            self._chown(entry, directory.fd)
        if fresh and inherits:
            remove_acls(directory.fd)
        if entry.xattrs:
            self._set_attributes(directory.fd, entry)
        self._remember(directory.fd, entry)
        if not fresh or inherits or entry.mode & self._beyond_open:
            os.fchmod(directory.fd, entry.mode)
        directory.passes_on = bool(entry.mode & 0o2000)
        if self._tree.has_default_acls and DEFAULT_ACL in os.listxattr(directory.fd):
            directory.passes_on = True
        directory.mtime_ns = entry.mtime_ns

    def of_name(self, parent: Directory, name: bytes, entry: Entry) -> None:
        """A link, device or FIFO, which must not be opened.  It was just made, and nobody else changes the tree."""
        if self._keeps_owner and (parent.passes_on or (entry.uid, entry.gid) != self._own_ids):
            self._chown(entry, name, parent.fd)
        if parent.passes_on and entry.kind != kinds.SYMLINK:
            remove_acls(b"/proc/self/fd/%d/%b" % (parent.fd, name))
        if entry.xattrs:
            self._set_attributes(b"/proc/self/fd/%d/%b" % (parent.fd, name), entry)
        if entry.kind != kinds.SYMLINK:
            os.chmod(name, entry.mode, dir_fd=parent.fd)
        os.utime(name, ns=(entry.mtime_ns, entry.mtime_ns), dir_fd=parent.fd, follow_symlinks=False)

    def _remember(self, fd: int, entry: Entry) -> None:
        """Note an owner that no file can have here."""
        if not self._keeps_owner and (entry.uid or entry.gid):
            from argosy.archive import remembered

            self.skipped_attributes += not remembered.remember(fd, entry.uid, entry.gid, entry.mode)

    def _set_attributes(self, target: int | bytes, entry: Entry) -> None:
        by_name = isinstance(target, bytes)
        for name, value in entry.xattrs.items():
            if not name or b"\0" in name:
                raise ValueError("an extended attribute has no name, or a NUL in it")
            attribute = os.fsdecode(name)
            if not is_kept_attribute(attribute):
                continue
            self._space.charge(len(value), entry)
            self._tree.has_default_acls |= attribute == DEFAULT_ACL
            try:
                os.setxattr(target, attribute, value, follow_symlinks=not by_name)
            except OSError as error:
                # The kernel has user.* for files and directories only.
                refused = self._in_userns or (by_name and attribute.startswith("user."))
                if error.errno == _ENOTSUP or (error.errno == _EPERM and refused):
                    self.skipped_attributes += 1
                    continue
                raise OSError(error.errno, f"extended attribute {shown(attribute)}: {error.strerror}") from error

    def _chown(self, entry: Entry, target: int | bytes, dir_fd: int | None = None) -> None:
        try:
            os.chown(target, entry.uid, entry.gid, dir_fd=dir_fd, follow_symlinks=dir_fd is None)
        except OSError as error:
            if self._owners == POSSIBLE and error.errno in (_EINVAL, _EPERM):
                return
            if error.errno != _EINVAL:
                raise
            raise ArgosyError(
                f"the owner {entry.uid}:{entry.gid} of the entry {shown(os.fsdecode(entry.name))} is not in the id map",
                details="the user namespace has too few user or group ids for this image",
                hint="the user needs larger ranges in /etc/subuid and /etc/subgid (see `argosy doctor ids`), or set "
                "ignore_chown_errors in storage.conf: such files then belong to root",
            ) from error


def _umask() -> int:
    """The process's umask, which can be read nowhere else without changing it; all bits where it is not told."""
    try:
        with open("/proc/self/status", "rb") as status:
            for line in status:
                if line.startswith(b"Umask:"):
                    return int(line[6:], 8)
    except OSError:
        pass
    return 0o777

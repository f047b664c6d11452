"""The kernel, by its own names: the only place that calls C functions.

Each wrapper is one call; it raises OSError(errno, text, path) and decides nothing.  `_ctypes`, the C module below
`ctypes`, is used directly and loaded at the first call: the Python layer above it costs 2 ms of start-up.
System calls made after 2019 have one number on every architecture; older ones go through the C library's function.
"""

from __future__ import annotations

import os
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    Path: TypeAlias = str | bytes

# mount(2)
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 0x1, 0x2, 0x4, 0x8, 0x20
MS_NOSYMFOLLOW, MS_NOATIME, MS_NODIRATIME, MS_BIND, MS_MOVE, MS_REC = 0x100, 0x400, 0x800, 0x1000, 0x2000, 0x4000
MS_UNBINDABLE, MS_PRIVATE, MS_SLAVE, MS_SHARED = 1 << 17, 1 << 18, 1 << 19, 1 << 20
MS_RELATIME, MS_STRICTATIME = 1 << 21, 1 << 24
MNT_FORCE, MNT_DETACH, MNT_EXPIRE, UMOUNT_NOFOLLOW = 1, 2, 4, 8

# clone(2), unshare(2), setns(2)
CLONE_FS = 0x200
CLONE_NEWTIME, CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS = 0x80, 0x20000, 0x2000000, 0x4000000
CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x8000000, 0x10000000, 0x20000000, 0x40000000

# open(2), the *at calls, openat2(2), open_tree(2), move_mount(2), fsmount(2)
AT_FDCWD, AT_SYMLINK_NOFOLLOW, AT_REMOVEDIR, AT_NO_AUTOMOUNT = -100, 0x100, 0x200, 0x800
AT_EMPTY_PATH, AT_RECURSIVE = 0x1000, 0x8000
RESOLVE_NO_XDEV, RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS = 0x01, 0x02, 0x04
RESOLVE_BENEATH, RESOLVE_IN_ROOT, RESOLVE_CACHED = 0x08, 0x10, 0x20
OPEN_TREE_CLONE, OPEN_TREE_CLOEXEC = 1, os.O_CLOEXEC
MOVE_MOUNT_F_SYMLINKS, MOVE_MOUNT_F_EMPTY_PATH = 0x01, 0x04
MOVE_MOUNT_T_SYMLINKS, MOVE_MOUNT_T_EMPTY_PATH = 0x10, 0x40
FSOPEN_CLOEXEC, FSMOUNT_CLOEXEC = 1, 1
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV, MOUNT_ATTR_NOEXEC = 0x1, 0x2, 0x4, 0x8
MOUNT_ATTR_ATIME, MOUNT_ATTR_NOATIME, MOUNT_ATTR_STRICTATIME = 0x70, 0x10, 0x20
MOUNT_ATTR_NODIRATIME, MOUNT_ATTR_IDMAP, MOUNT_ATTR_NOSYMFOLLOW = 0x80, 0x100000, 0x200000

RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT = 1, 2, 4
CLOSE_RANGE_UNSHARE, CLOSE_RANGE_CLOEXEC = 2, 4
MAX_DESCRIPTOR = 2**32 - 1
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NAME, PR_CAPBSET_READ, PR_CAPBSET_DROP = 1, 4, 15, 23, 24
PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 36, 38, 47
IN_MODIFY, IN_CLOSE_WRITE, IN_MOVED_TO, IN_CREATE, IN_DELETE, IN_ONLYDIR = 0x2, 0x8, 0x80, 0x100, 0x200, 0x1000000
STATX_MNT_ID, STATX_MNT_ID_UNIQUE, STATX_ATTR_MOUNT_ROOT = 0x1000, 0x4000, 0x2000

_NR_OPEN_TREE, _NR_MOVE_MOUNT, _NR_FSOPEN, _NR_FSCONFIG, _NR_FSMOUNT = 428, 429, 430, 431, 432
_NR_CLOSE_RANGE, _NR_OPENAT2, _NR_PIDFD_GETFD, _NR_MOUNT_SETATTR = 436, 437, 438, 442


class Library:
    """A shared library; `None` is what the program itself is linked with, the C library among it."""

    def __init__(self, name: str | None) -> None:
        import _ctypes

        self._handle = _ctypes.dlopen(name, 0)  # type: ignore[arg-type]  # typeshed lacks None
        self._functions: dict[tuple[str, str], Any] = {}

        class Long(_ctypes._SimpleCData):  # type: ignore[type-arg]  # noqa: SLF001 -- as ctypes.c_long is made
            _type_ = "l"

        self._long = Long

    def function(self, name: str, result: str = "i") -> Callable[..., int]:
        """The function `name`, whose result has the `struct` letter `result`.  AttributeError when there is none."""
        found = self._functions.get((name, result))
        if found is None:
            found = self._functions[name, result] = self._bind(name, result)
        return found  # type: ignore[no-any-return]

    def _bind(self, name: str, result: str) -> Any:
        import _ctypes

        class Result(_ctypes._SimpleCData):  # type: ignore[type-arg]  # noqa: SLF001
            _type_ = result

        class Function(_ctypes.CFuncPtr):
            _flags_ = 0x1 | 0x8  # the C calling convention, and an errno that is this thread's own
            _restype_ = Result

        try:
            address = _ctypes.dlsym(self._handle, name)
        except OSError as error:
            raise AttributeError(str(error)) from error
        return Function(address)

    def call(self, name: str, *args: int | bytes | Buffer | None, result: str = "i") -> int:
        """Call `name`.  Integers travel as C longs, bytes and buffers as pointers, None as the null pointer."""
        long = self._long
        return self.function(name, result)(
            *(long(a) if type(a) is int else a.array if isinstance(a, Buffer) else a for a in args)
        )


class Buffer:
    """Memory that C code writes to."""

    def __init__(self, content: bytes) -> None:
        import _ctypes

        class Char(_ctypes._SimpleCData):  # type: ignore[type-arg]  # noqa: SLF001
            _type_ = "c"

        class Array(_ctypes.Array):  # type: ignore[type-arg]
            _type_ = Char
            _length_ = len(content)

        self.array = Array()
        memoryview(self.array).cast("B")[:] = content

    def bytes(self) -> bytes:
        """What is in it now."""
        return bytes(self.array)


_libraries: dict[str | None, Library] = {}


def load_library(name: str | None) -> Library:
    """The shared library with this soname, loaded once.  OSError when the host has none."""
    if name not in _libraries:
        _libraries[name] = Library(name)
    return _libraries[name]


def _bytes(path: Path | None) -> bytes | None:
    """The path as C takes it, which would silently end at a null byte."""
    encoded = None if path is None else os.fsencode(path)
    if encoded is not None and b"\0" in encoded:
        raise ValueError("embedded null byte")
    return encoded


def _call(name: str, *args: int | bytes | Buffer | None, path: Path | int | None = None, result: str = "i") -> int:
    """Call the C library's `name`; a result of -1 becomes OSError."""
    value = load_library(None).call(name, *args, result=result)
    if value == -1:
        import _ctypes

        error = _ctypes.get_errno()
        raise OSError(error, os.strerror(error), path)
    return value


def _syscall(number: int, *args: int | bytes | Buffer | None, path: Path | int | None = None) -> int:
    return _call("syscall", number, *args, path=path, result="l")


def unshare(flags: int) -> None:
    """unshare(2).  CLONE_NEWUSER needs a single-threaded process."""
    if hasattr(os, "unshare"):
        os.unshare(flags)
    else:
        _call("unshare", flags)


def setns(fd: int, flags: int) -> None:
    """setns(2); `fd` may be a pidfd, `flags` then names several namespaces."""
    if hasattr(os, "setns"):
        os.setns(fd, flags)
    else:
        _call("setns", fd, flags)


def mount(source: Path | None, target: Path, fstype: str | None, flags: int, data: Path | None = None) -> None:
    """mount(2)."""
    _call("mount", _bytes(source), _bytes(target), _bytes(fstype), flags, _bytes(data), path=target)


def umount2(target: Path, flags: int = 0) -> None:
    """umount2(2)."""
    _call("umount2", _bytes(target), flags, path=target)


def pivot_root(new_root: Path, put_old: Path) -> None:
    """pivot_root(2)."""
    _call("pivot_root", _bytes(new_root), _bytes(put_old), path=new_root)


def open_tree(dirfd: int, path: Path, flags: int) -> int:
    """open_tree(2): a descriptor of a mount, or with OPEN_TREE_CLONE of a detached copy."""
    return _syscall(_NR_OPEN_TREE, dirfd, _bytes(path), flags | OPEN_TREE_CLOEXEC, path=path)


def move_mount(from_fd: int, from_path: Path, to_fd: int, to_path: Path, flags: int) -> None:
    """move_mount(2)."""
    _syscall(_NR_MOVE_MOUNT, from_fd, _bytes(from_path), to_fd, _bytes(to_path), flags, path=to_path)


def fsopen(fstype: str, flags: int = FSOPEN_CLOEXEC) -> int:
    """fsopen(2): a file system context; reading from it gives the kernel's messages."""
    return _syscall(_NR_FSOPEN, _bytes(fstype), flags, path=fstype)


def fsconfig_flag(fd: int, key: str) -> None:
    """fsconfig(2) FSCONFIG_SET_FLAG."""
    _syscall(_NR_FSCONFIG, fd, 0, _bytes(key), None, 0, path=key)


def fsconfig_string(fd: int, key: str, value: Path) -> None:
    """fsconfig(2) FSCONFIG_SET_STRING; the kernel takes at most 255 bytes of value."""
    _syscall(_NR_FSCONFIG, fd, 1, _bytes(key), _bytes(value), 0, path=f"{key}={os.fsdecode(value)}")


def fsconfig_create(fd: int) -> None:
    """fsconfig(2) FSCONFIG_CMD_CREATE."""
    _syscall(_NR_FSCONFIG, fd, 6, None, None, 0)


def fsmount(fd: int, flags: int = FSMOUNT_CLOEXEC, attributes: int = 0) -> int:
    """fsmount(2): a detached mount of the context's file system."""
    return _syscall(_NR_FSMOUNT, fd, flags, attributes)


def mount_setattr(
    dirfd: int,
    path: Path,
    flags: int,
    *,
    attr_set: int = 0,
    attr_clr: int = 0,
    propagation: int = 0,
    userns_fd: int = 0,
) -> None:
    """mount_setattr(2); with MOUNT_ATTR_IDMAP in `attr_set`, `userns_fd` gives the id map."""
    attributes = struct.pack("=QQQQ", attr_set, attr_clr, propagation, userns_fd)
    _syscall(_NR_MOUNT_SETATTR, dirfd, _bytes(path), flags, attributes, len(attributes), path=path)


def openat2(dirfd: int, path: Path, flags: int, mode: int = 0, resolve: int = 0) -> int:
    """openat2(2); the descriptor is close-on-exec.  `mode` must be 0 unless `flags` has O_CREAT or O_TMPFILE."""
    how = struct.pack("=QQQ", flags | os.O_CLOEXEC, mode, resolve)
    return _syscall(_NR_OPENAT2, dirfd, _bytes(path), how, len(how), path=path)


def close_range(first: int, last: int, flags: int = 0) -> None:
    """close_range(2)."""
    _syscall(_NR_CLOSE_RANGE, first, last, flags)


def pidfd_getfd(pidfd: int, fd: int) -> int:
    """pidfd_getfd(2): a descriptor of another process as one of ours, close-on-exec."""
    return _syscall(_NR_PIDFD_GETFD, pidfd, fd, 0)


def syncfs(fd: int) -> None:
    """syncfs(2): also reports write errors since `fd` was opened."""
    _call("syncfs", fd)


def renameat2(old_dirfd: int, old: Path, new_dirfd: int, new: Path, flags: int) -> None:
    """renameat2(2)."""
    _call("renameat2", old_dirfd, _bytes(old), new_dirfd, _bytes(new), flags, path=new)


def prctl(option: int, arg2: int | bytes = 0, arg3: int = 0, arg4: int = 0, arg5: int = 0) -> int:
    """prctl(2)."""
    return _call("prctl", option, arg2, arg3, arg4, arg5)


def capget(pid: int = 0) -> tuple[int, int, int]:
    """capget(2): the effective, permitted and inheritable sets of `pid` as bit masks."""
    header = Buffer(struct.pack("=Ii", 0x20080522, pid))
    data = Buffer(bytes(24))
    _call("capget", header, data)
    low_high = struct.unpack("=6I", data.bytes())
    effective, permitted, inheritable = (low_high[i] | low_high[i + 3] << 32 for i in range(3))
    return effective, permitted, inheritable


def inotify_init1(flags: int = os.O_CLOEXEC | os.O_NONBLOCK) -> int:
    """inotify_init1(2)."""
    return _call("inotify_init1", flags)


def inotify_add_watch(fd: int, path: Path, mask: int) -> int:
    """inotify_add_watch(2)."""
    return _call("inotify_add_watch", fd, _bytes(path), mask, path=path)


def statx_mount(target: Path | int, *, follow: bool = False) -> tuple[int, bool]:
    """statx(2): the id of the mount that `target` is on, and whether it is that mount's root.

    From kernel 6.8 on the id is unique for the life of the system (and above 2**31), before it may be used again.
    """
    dirfd, path = (target, b"") if isinstance(target, int) else (AT_FDCWD, _bytes(target))
    flags = AT_NO_AUTOMOUNT | (AT_EMPTY_PATH if not path else 0 if follow else AT_SYMLINK_NOFOLLOW)
    buffer = Buffer(bytes(256))
    _call("statx", dirfd, path, flags, STATX_MNT_ID_UNIQUE, buffer, path=target)
    mask, attributes, mount_id, attributes_mask = _statx_fields(buffer)
    if not mask & STATX_MNT_ID_UNIQUE:
        _call("statx", dirfd, path, flags, STATX_MNT_ID, buffer, path=target)
        mask, attributes, mount_id, attributes_mask = _statx_fields(buffer)
    if not mask & (STATX_MNT_ID | STATX_MNT_ID_UNIQUE) or not attributes_mask & STATX_ATTR_MOUNT_ROOT:
        raise OSError(38, "statx does not tell mounts (kernel 5.8 and later do)", target)
    return mount_id, bool(attributes & STATX_ATTR_MOUNT_ROOT)


def _statx_fields(buffer: Buffer) -> tuple[int, int, int, int]:
    raw = buffer.bytes()
    mask, _, attributes = struct.unpack_from("=IIQ", raw, 0)
    return mask, attributes, struct.unpack_from("=Q", raw, 144)[0], struct.unpack_from("=Q", raw, 56)[0]


def statx_mount_id(target: Path | int) -> int:
    """The id of the mount that `target` (a path, not followed, or a descriptor) is on."""
    return statx_mount(target)[0]

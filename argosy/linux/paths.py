"""Paths inside a container's tree, which belongs to somebody hostile.

Every look-up is one openat2(2) with RESOLVE_IN_ROOT and no magic links: absolute links and ".." stay inside, as they
would after chroot, and a change of the tree during the look-up cannot lead out of it.
"""

from __future__ import annotations

import os
import stat

from argosy.errors import Invalid, Unsupported
from argosy.linux import syscalls
from argosy.linux.files import read_descriptor

_RESOLVE = syscalls.RESOLVE_IN_ROOT | syscalls.RESOLVE_NO_MAGICLINKS
_ATTEMPTS = 128

_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
    stat.S_IFLNK: "a symbolic link",
}


def kind(mode: int) -> str:
    """What the file with this st_mode is, for messages: "a FIFO"."""
    return "a file" if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), "of an unknown type")


def open_root(path: str) -> int:
    """A descriptor (O_PATH) of the directory that is to be the root of look-ups.  The caller closes it."""
    return os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)


def open_in_root(root_fd: int, path: str, flags: int, mode: int = 0) -> int:
    """Open `path` as it is seen from the root `root_fd`.  The caller closes the descriptor, which is close-on-exec.

    With O_PATH or O_DIRECTORY this is safe for whatever is there; opening a FIFO or device otherwise may block or act.
    """
    if "\0" in path:
        raise Invalid("path", path, "it holds a null byte")
    if not flags & os.O_PATH:
        flags |= os.O_NOCTTY
    for _ in range(_ATTEMPTS):
        try:
            return syscalls.openat2(root_fd, path, flags, mode, _RESOLVE)
        except BlockingIOError:  # something was renamed above us while a ".." was resolved
            continue
        except OSError as error:
            if error.errno == 38:
                raise Unsupported("this kernel has no openat2", hint="Linux 5.6 or later is needed") from error
            raise
    raise OSError(11, "the tree is being renamed all the time", path)


def stat_in_root(root_fd: int, path: str, *, follow: bool = True) -> os.stat_result:
    """stat(2), or lstat(2), of `path` as it is seen from the root."""
    fd = open_in_root(root_fd, path, os.O_PATH | (0 if follow else os.O_NOFOLLOW))
    try:
        return os.fstat(fd)
    finally:
        os.close(fd)


def read_in_root(root_fd: int, path: str, limit: int = 4 << 20) -> bytes:
    """The content of the regular file at `path`.

    Raises FileNotFoundError and its like, and Invalid for anything but a regular file and for more than `limit` bytes.
    Looks before it opens: a FIFO cannot block us, and no device is touched.
    """
    handle = open_in_root(root_fd, path, os.O_PATH)
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise Invalid("file", path, f"it is {kind(status.st_mode)}")
        if status.st_size > limit:
            raise Invalid("file", path, f"it has {status.st_size} bytes, more than {limit}")
        fd = os.open(f"/proc/self/fd/{handle}", os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    finally:
        os.close(handle)
    try:
        return read_descriptor(fd, path, limit)
    except OSError as error:
        if error.errno == 27:
            raise Invalid("file", path, f"it has more than {limit} bytes") from error
        raise
    finally:
        os.close(fd)


def make_directories_in_root(
    root_fd: int, path: str, mode: int = 0o755, *, uid: int | None = None, gid: int | None = None
) -> int:
    """Make the directory `path` and those above it, as they are seen from the root; a descriptor of it.

    What exists keeps its mode and owner, what is made gets `mode`, `uid` and `gid`.  Existing links are followed inside
    the root.  Raises Invalid when something on the way is no directory, dangles, or is ".." below a missing one.
    """
    names = [name for name in path.split("/") if name not in ("", ".")]
    fd, missing = _existing(root_fd, names)
    try:
        if ".." in missing:
            raise Invalid("path", path, '".." below a directory that does not exist')
        for name in missing:
            below = _make_directory(fd, name, path, mode, uid, gid)
            os.close(fd)
            fd = below
    except BaseException:
        os.close(fd)
        raise
    return fd


def _existing(root_fd: int, names: list[str]) -> tuple[int, list[str]]:
    """The deepest directory on the way that exists, and the names still to be made."""
    for count in range(len(names), -1, -1):
        present = "/".join(names[:count])
        try:
            return open_in_root(root_fd, present or ".", os.O_PATH | os.O_DIRECTORY), names[count:]
        except FileNotFoundError:
            continue
        except NotADirectoryError:
            raise Invalid("path", "/".join(names), f"/{present} is not a directory") from None
        except OSError as error:
            if error.errno == 40:
                raise Invalid("path", "/".join(names), f"/{present} is a loop of symbolic links") from error
            raise
    raise FileNotFoundError(2, "the root is gone", "/".join(names))


def _make_directory(parent_fd: int, name: str, path: str, mode: int, uid: int | None, gid: int | None) -> int:
    made = True
    try:
        os.mkdir(name, 0o700, dir_fd=parent_fd)
    except FileExistsError:
        made = False  # somebody else made it just now, or a dangling link is in the way
    resolve = syscalls.RESOLVE_BENEATH | syscalls.RESOLVE_NO_SYMLINKS | (syscalls.RESOLVE_NO_XDEV if made else 0)
    try:
        fd = syscalls.openat2(parent_fd, name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, 0, resolve)
    except OSError as error:
        if error.errno in (20, 40):
            raise Invalid("path", path, f"{name} on the way is a dangling link, or no directory") from error
        raise
    if made:
        try:
            if uid is not None or gid is not None:
                os.fchown(fd, -1 if uid is None else uid, -1 if gid is None else gid)
            os.fchmod(fd, mode)
        except BaseException:
            os.close(fd)
            raise
    return fd

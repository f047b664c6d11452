"""Namespaces: which one a process is in, who owns it, network namespaces that outlive their processes.

Descriptors are close-on-exec.  unshare(2) and setns(2) act on the calling thread alone.
"""

from __future__ import annotations

import os

from argosy.linux import syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

# The inode of the user namespace that the system booted with (PROC_USER_INIT_INO).
INITIAL_USER = 0xEFFFFFFD

_NS_GET_OWNER_UID = 0xB704


def inode(kind: str, process: str | int = "self") -> int:
    """The inode of the process's namespace, which identifies it; `kind` is "user", "mnt", "net", ..."""
    return os.stat(f"/proc/{process}/ns/{kind}").st_ino


def owner_uid(fd: int) -> int:
    """The user who made the user namespace `fd`, as an id of our own namespace."""
    import fcntl
    import struct

    return int(struct.unpack("=I", fcntl.ioctl(fd, _NS_GET_OWNER_UID, bytes(4)))[0])


class inside:
    """Be in the network namespace at `path` (a file, or /proc/PID/ns/net) for the length of a `with` block."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._home = -1

    def __enter__(self) -> Self:
        target = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            syscalls.setns(target, syscalls.CLONE_NEWNET)
        except BaseException:
            self._go_home(back=False)
            raise
        finally:
            os.close(target)
        return self

    def __exit__(self, *_error: object) -> None:
        self._go_home(back=True)

    def _go_home(self, *, back: bool) -> None:
        if self._home >= 0:
            try:
                if back:
                    syscalls.setns(self._home, syscalls.CLONE_NEWNET)
            finally:
                os.close(self._home)
                self._home = -1


def new_network(path: str) -> None:
    """Make a network namespace that lives until `remove_network(path)`; the loopback device is down.

    `path` is made as an empty file on which the namespace is mounted.  FileExistsError when it is there already.
    """
    os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            syscalls.unshare(syscalls.CLONE_NEWNET)
            try:
                syscalls.mount("/proc/thread-self/ns/net", path, None, syscalls.MS_BIND)
            finally:
                syscalls.setns(home, syscalls.CLONE_NEWNET)
        finally:
            os.close(home)
    except BaseException:
        os.unlink(path)
        raise


def remove_network(path: str) -> None:
    """Let go of what `new_network` made; it vanishes with its last process.  Nothing happens when it is gone."""
    try:
        syscalls.umount2(path, syscalls.MNT_DETACH | syscalls.UMOUNT_NOFOLLOW)
    except OSError as error:
        if error.errno not in (2, 22):
            raise
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass

"""Namespaces: which one a process is in, who owns it, network namespaces that outlive their processes.

Descriptors are close-on-exec.  unshare(2) and setns(2) act on the calling thread alone.
"""

from __future__ import annotations

import os

from argosy.linux import syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")

# The inode of the user namespace that the system booted with (PROC_USER_INIT_INO).
INITIAL_USER = 0xEFFFFFFD

_NS_GET_NSTYPE = 0xB703
_NS_GET_OWNER_UID = 0xB704
_KINDS = {
    syscalls.CLONE_NEWCGROUP: "cgroup",
    syscalls.CLONE_NEWIPC: "ipc",
    syscalls.CLONE_NEWNET: "net",
    syscalls.CLONE_NEWNS: "mnt",
    syscalls.CLONE_NEWPID: "pid",
    syscalls.CLONE_NEWTIME: "time",
    syscalls.CLONE_NEWUSER: "user",
    syscalls.CLONE_NEWUTS: "uts",
}


def inode(kind: str, process: str | int = "self") -> int:
    """The inode of the process's namespace, which identifies it; `kind` is "user", "mnt", "net", ..."""
    return os.stat(f"/proc/{process}/ns/{kind}").st_ino


def kind_of(path: str) -> str:
    """The kind of the namespace that the file is ("net", "pid", ...); "" when it is none.  ioctl_ns(2)."""
    import fcntl

    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return _KINDS.get(fcntl.ioctl(fd, _NS_GET_NSTYPE), "")
    except OSError:
        return ""
    finally:
        os.close(fd)


def owner_uid(fd: int) -> int:
    """The user who made the user namespace `fd`, as an id of our own namespace."""
    import fcntl
    import struct

    return int(struct.unpack("=I", fcntl.ioctl(fd, _NS_GET_OWNER_UID, bytes(4)))[0])


def in_network(path: str, action: Callable[[], T]) -> T:
    """What `action` gives in the network namespace at `path` (a file, or /proc/PID/ns/net).

    It runs in a thread that ends with it: who is root of a user namespace only may leave the host's network for one of
    his own, but not come back.
    """

    def moved() -> T:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            syscalls.setns(fd, syscalls.CLONE_NEWNET)
        finally:
            os.close(fd)
        return action()

    return _in_thread(moved)


def in_mount_namespace(action: Callable[[], T]) -> tuple[T, int]:
    """What `action` gives in a mount namespace of its own, and a descriptor that keeps that namespace alive.

    It runs in a thread that ends with it; descriptors that it opened go on seeing what it mounted.
    """

    def moved() -> tuple[T, int]:
        syscalls.unshare(syscalls.CLONE_NEWNS)
        fd = os.open("/proc/thread-self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
        try:
            return action(), fd
        except BaseException:
            os.close(fd)
            raise

    return _in_thread(moved)


def can_name_host() -> bool:
    """Whether this process may name the host of a uts namespace of its own.  Tried, in a thread that ends with it."""
    from _socket import sethostname

    def named() -> bool:
        try:
            syscalls.unshare(syscalls.CLONE_NEWUTS)
            sethostname(os.uname().nodename)
        except PermissionError:
            return False
        return True

    return _in_thread(named)


def _in_thread(action: Callable[[], T]) -> T:
    import _thread

    done = _thread.allocate_lock()
    done.acquire()
    results: list[T] = []
    failures: list[BaseException] = []

    def body() -> None:
        try:
            results.append(action())
        except BaseException as error:  # noqa: BLE001 -- raised in the caller's thread
            failures.append(error)
        finally:
            done.release()

    _thread.start_new_thread(body, ())
    done.acquire()
    if failures:
        raise failures[0]
    return results[0]


def new_network(path: str) -> None:
    """Make a network namespace that lives until `remove_network(path)`; the loopback device is down.

    `path` is made as an empty file on which the namespace is mounted.  FileExistsError when it is there already.
    """

    def mounted() -> None:
        syscalls.unshare(syscalls.CLONE_NEWNET)
        syscalls.mount("/proc/thread-self/ns/net", path, None, syscalls.MS_BIND)

    os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        _in_thread(mounted)
    except BaseException:
        os.unlink(path)
        raise


def remove_network(path: str) -> None:
    """Let go of what `new_network` made; it vanishes with its last process.  Nothing happens when it is gone."""
    if not os.path.lexists(path):
        return  # a filter may forbid even to ask
    try:
        syscalls.umount2(path, syscalls.MNT_DETACH | syscalls.UMOUNT_NOFOLLOW)
    except OSError as error:
        if error.errno not in (2, 22):
            raise
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass

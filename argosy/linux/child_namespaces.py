"""User namespaces below our own, and network namespaces that belong to them, in which no process is.

They live as long as somebody has them open, or as the file lives on which they are mounted.
"""

from __future__ import annotations

import os

from argosy.errors import Unsupported
from argosy.linux import idmap, process, syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    from argosy.linux.idmap import IdMap

    T = TypeVar("T")


def user_namespace(id_map: IdMap) -> int:
    """A descriptor of a new user namespace with this map."""

    def mapped(pid: int) -> int:
        _write_maps(pid, id_map)
        return os.open(f"/proc/{pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)

    return _held(["unshare", "--user", "cat"], mapped)


def mount_user_namespace(id_map: IdMap, path: str) -> None:
    """Make a user namespace with this map that lives until `namespaces.remove_network(path)`; `path` is made."""

    def mounted(pid: int) -> None:
        _write_maps(pid, id_map)
        _mount(f"/proc/{pid}/ns/user", path)

    _held(["unshare", "--user", "cat"], mounted)


def mount_network(user_path: str, path: str) -> None:
    """Make a network namespace that belongs to the user namespace at `user_path`, as `namespaces.new_network` does."""
    inside = ["nsenter", f"--user={user_path}", "unshare", "--net", "cat"]
    _held(inside, lambda pid: _mount(f"/proc/{pid}/ns/net", path))


def map_of(path: str) -> IdMap:
    """The map of the user namespace at `path`, a file such as /proc/PID/ns/user."""
    return _held(["nsenter", f"--user={path}", "--preserve-credentials", "cat"], idmap.of_process)


def _write_maps(pid: int, id_map: IdMap) -> None:
    for name, ranges in (("uid_map", id_map.uids), ("gid_map", id_map.gids)):
        with open(f"/proc/{pid}/{name}", "wb", buffering=0) as file:
            file.write(idmap.to_proc(ranges).encode())


def _mount(namespace: str, path: str) -> None:
    os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        syscalls.mount(namespace, path, None, syscalls.MS_BIND)
    except BaseException:
        os.unlink(path)
        raise


def _held(argv: Sequence[str], action: Callable[[int], T]) -> T:
    """What `action` gives for the pid of a process that has gone where `argv`, which ends in `cat`, takes it."""
    pipes = [*os.pipe2(os.O_CLOEXEC), *os.pipe2(os.O_CLOEXEC)]
    inward_read, inward_write, outward_read, outward_write = pipes
    null = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    pipes.insert(0, null)
    try:
        pid = process.spawn(argv, fds={0: inward_read, 1: outward_write, 2: null})
        os.close(pipes.pop())
        try:
            os.write(inward_write, b".")
            if os.read(outward_read, 1) != b".":  # it answers from within
                raise Unsupported(
                    "cannot make a user namespace", hint="`argosy doctor userns` tells what the host lacks"
                )
            return action(pid)
        finally:
            os.close(pipes.pop(2))  # its standard input ends
            process.wait(pid)
    finally:
        for pipe in pipes:
            os.close(pipe)

"""Mounts with an id map of their own (mount_setattr(2)): the same files, with other owners."""

from __future__ import annotations

import os

from argosy.errors import Unsupported
from argosy.linux import idmap, mounts, process, syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.linux.idmap import IdMap


def clone(source: str, id_map: IdMap, *, recursive: bool = True) -> int:
    """A detached mount of `source` in which the inner ids of `id_map` are seen as the outer ones; its descriptor.

    Raises MountFailed where the kernel, or the file system, cannot.
    """
    flags = syscalls.AT_RECURSIVE if recursive else 0
    namespace = user_namespace(id_map)
    try:
        tree = syscalls.open_tree(syscalls.AT_FDCWD, source, syscalls.OPEN_TREE_CLONE | flags)
        try:
            syscalls.mount_setattr(
                *(tree, "", syscalls.AT_EMPTY_PATH | flags),
                attr_set=syscalls.MOUNT_ATTR_IDMAP,
                userns_fd=namespace,
            )
        except BaseException:
            os.close(tree)
            raise
    except OSError as error:
        fstype = mounts.filesystem(source)
        hint = f"{fstype} may know no id maps: the option U changes the owners instead"
        raise mounts.MountFailed(f"{source} with an id map", "a new place", error, hint=hint) from error
    finally:
        os.close(namespace)
    return tree


def user_namespace(id_map: IdMap) -> int:
    """A descriptor of a user namespace with this map, in which no process is."""
    pipes = [*os.pipe2(os.O_CLOEXEC), *os.pipe2(os.O_CLOEXEC)]
    inward_read, inward_write, outward_read, outward_write = pipes
    try:
        pid = process.spawn(["unshare", "--user", "cat"], fds={0: inward_read, 1: outward_write})
        os.close(pipes.pop())
        try:
            os.write(inward_write, b".")
            if os.read(outward_read, 1) != b".":  # it answers from within
                raise Unsupported("cannot make a user namespace", hint="argosy doctor says what the host lacks")
            for name, ranges in (("uid_map", id_map.uids), ("gid_map", id_map.gids)):
                with open(f"/proc/{pid}/{name}", "wb", buffering=0) as file:
                    file.write(idmap.to_proc(ranges).encode())
            return os.open(f"/proc/{pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
        finally:
            os.close(pipes.pop(1))
            process.wait(pid)
    finally:
        for pipe in pipes:
            os.close(pipe)

"""Mounts with an id map of their own (mount_setattr(2)): the same files, with other owners."""

from __future__ import annotations

import os

from argosy.linux import child_namespaces, mounts, syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from argosy.linux.idmap import IdMap


def clone(source: str, id_map: IdMap, *, recursive: bool = True) -> int:
    """A detached mount of `source` in which the inner ids of `id_map` are seen as the outer ones; its descriptor.

    Raises MountFailed where the kernel, or the file system, cannot.
    """
    return clones([source], id_map, recursive=recursive)[0]


def clones(sources: Sequence[str], id_map: IdMap, *, recursive: bool = True) -> list[int]:
    """As `clone`, several at once."""
    namespace = child_namespaces.user_namespace(id_map)
    found: list[int] = []
    try:
        for source in sources:
            found.append(_clone(source, namespace, recursive=recursive))
    except BaseException:
        for tree in found:
            os.close(tree)
        raise
    finally:
        os.close(namespace)
    return found


def _clone(source: str, namespace: int, *, recursive: bool) -> int:
    flags = syscalls.AT_RECURSIVE if recursive else 0
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
    return tree

"""Trees that a container mounts beside its root and that have to be mounted for it first: overlays over directories of
the host or over volumes, images, parts of volumes, what has an id map of its own.

    <container>/mounts/<key>/merged     where the tree is; a file where it is one
                       <key>/upper/  work/    what the container changes

They live as long as a run of the container: what it changed in them is gone with them.
"""

from __future__ import annotations

import os
import stat

from argosy.errors import ArgosyError
from argosy.linux import files, mounts, paths, syscalls
from argosy.storage import rootfs
from argosy.storage.drivers import driver

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from argosy.linux.idmap import IdMap
    from argosy.storage.store import Store

_CLONE = syscalls.OPEN_TREE_CLONE | syscalls.AT_RECURSIVE | syscalls.AT_EMPTY_PATH


def overlay(
    store: Store, container_dir: str, key: str, source: str, *, upper: str = "", work: str = "", label: str = ""
) -> str:
    """Mount an overlay over the directory `source`, and return where.

    The changes go to `upper`, which is the caller's with `work`, or to a directory that goes with the overlay.  `label`
    is the SELinux label of every file.
    """
    if not os.path.isdir(source):
        why = "not a directory" if os.path.lexists(source) else f"stat {source}: no such file or directory"
        raise ArgosyError(f'mounting overlay failed "{source}": {why}')
    directory = _directory(container_dir, key)
    if not upper:
        return _mount(store, directory, [source], label)
    merged = f"{directory}/merged"
    os.mkdir(merged, 0o700)
    driver(store).mount(merged, [source], upper, work, volatile=False, label=label)
    return merged


def image(
    store: Store,
    container_dir: str,
    key: str,
    layers: Sequence[str],
    chain_id: str,
    *,
    fixed: bool,
    label: str = "",
    id_map: IdMap | None = None,
) -> str:
    """Mount an image's layers, under the id map if one is given, and return where.

    An upper directory is there for a mount that nothing may be changed in as well: a privileged container can make it
    writable again, and what it then writes must not reach a layer that others share.
    """
    directory = _directory(container_dir, key)
    if id_map is None:
        return _mount(store, directory, rootfs.lower_directories(store, layers, chain_id, fixed=fixed), label)
    from argosy.storage import idmaps

    lowers = idmaps.lowers(store, layers, chain_id, id_map, fixed=fixed)
    try:
        return _mount(store, directory, lowers.directories, label, data=lowers.data)
    finally:
        lowers.close()


def part(container_dir: str, key: str, tree: str, subpath: str) -> str:
    """Mount what is at `subpath` of a tree whose content is somebody else's, and return where.

    Links are followed inside the tree; what is mounted is what was found, whatever happens to the path later.  Raises
    ArgosyError when there is nothing.
    """
    root_fd = paths.open_root(tree)
    try:
        found_fd = paths.open_in_root(root_fd, subpath, os.O_PATH)
    except OSError as error:
        raise ArgosyError(f'cannot mount "{subpath}" of {tree}: {str(error.strerror).lower()}') from error
    finally:
        os.close(root_fd)
    try:
        return _attached(container_dir, key, syscalls.open_tree(found_fd, "", _CLONE))
    finally:
        os.close(found_fd)


def mapped(container_dir: str, key: str, source: str, id_map: IdMap, *, recursive: bool) -> str:
    """Mount `source` with an id map of its own, and return where.  Raises MountFailed where that cannot be."""
    from argosy.linux import idmapped

    return _attached(container_dir, key, idmapped.clone(source, id_map, recursive=recursive))


def _attached(container_dir: str, key: str, tree_fd: int) -> str:
    """Mount a detached tree, whose descriptor is closed: a directory, or one file."""
    is_directory = stat.S_ISDIR(os.fstat(tree_fd).st_mode)
    merged = f"{_directory(container_dir, key)}/merged"
    if is_directory:
        os.mkdir(merged, 0o700)
    else:
        files.write_atomic(merged, b"")
    mounts.attach(tree_fd, merged)
    return merged


def _directory(container_dir: str, key: str) -> str:
    path = f"{container_dir}/mounts/{key}"
    if os.path.lexists(path):  # a start or a clean-up was killed
        _discard(path)
    os.makedirs(path, 0o700)
    return path


def _mount(store: Store, directory: str, lowers: Sequence[str], label: str, *, data: str = "") -> str:
    """With an upper directory of its own."""
    for name in ("upper", "work", "merged"):
        os.mkdir(f"{directory}/{name}", 0o700)
    rootfs.copy_root(lowers[0] if lowers else "", f"{directory}/upper")
    merged, upper, work = (f"{directory}/{name}" for name in ("merged", "upper", "work"))
    driver(store).mount(merged, lowers, upper, work, volatile=True, label=label, data=data)
    return merged


def discard(container_dir: str) -> None:
    """Unmount all, and remove what was changed in them."""
    for key in reversed(_keys(container_dir)):  # an overlay before what it lies over
        _discard(f"{container_dir}/mounts/{key}")
    files.remove_tree(f"{container_dir}/mounts")


def _discard(directory: str) -> None:
    while mounts.unmount(f"{directory}/merged"):
        pass
    files.remove_tree(directory)


def _keys(container_dir: str) -> list[str]:
    try:
        return sorted(os.listdir(f"{container_dir}/mounts"))
    except FileNotFoundError:
        return []

"""The root file system of a container: its image's layers, and above them a directory of its own.

    <container>/upper/  work/  merged/      made at the first mount
    <container>/mounts/                     see `storage.staged`

Mount points live in the container's directory, in the mount namespace of whoever calls.
"""

from __future__ import annotations

import os

from argosy.errors import ArgosyError
from argosy.linux import mounts
from argosy.storage.drivers import driver

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from argosy.linux.idmap import IdMap
    from argosy.storage.store import Store

_ROOT_MODE = 0o755


def mount(
    store: Store,
    container_dir: str,
    layers: Sequence[str],
    chain_id: str,
    fixed: bool,  # noqa: FBT001 -- goes with the chain id, as the records have it
    *,
    volatile: bool = False,
    label: str = "",
    id_map: IdMap | None = None,
) -> str:
    """Mount the container's root, and return where.  Nothing happens when it is mounted.

    `layers` are diff ids, bottom first; with `fixed`, `chains/<chain_id>/fix` lies above them.  `volatile` leaves out
    all syncing to disk: for containers that do not outlive a crash.  `label` is the SELinux label of all that is in it.
    With `id_map` all files, those that the container makes as well, have the ids outside.  The store's mount options
    are applied.  Raises ArgosyError when a layer cannot be used.
    """
    if store.mount_options:
        volatile = (volatile or "volatile" in store.mount_options) and "fsync=1" not in store.mount_options
    merged = f"{container_dir}/merged"
    if mounts.is_mount_point(merged):
        return merged
    if id_map is not None:
        mount_mapped(store, container_dir, layers, chain_id, id_map, fixed=fixed, volatile=volatile, label=label)
    else:
        lowers = lower_directories(store, layers, chain_id, fixed=fixed)
        _make_directories(container_dir, lowers[0] if lowers else "")
        upper, work = f"{container_dir}/upper", f"{container_dir}/work"
        driver(store).mount(merged, lowers, upper, work, volatile=volatile, label=label)
    if store.mount_options:
        mounts.restrict(merged, store.mount_options)
    return merged


def mount_image(
    store: Store, directory: str, target: str, layers: Sequence[str], chain_id: str, *, fixed: bool
) -> None:
    """Show an image at `target`, an existing directory; what is changed there stays in `directory`."""
    lowers = lower_directories(store, layers, chain_id, fixed=fixed)
    _make_directories(directory, lowers[0] if lowers else "")
    driver(store).mount(target, lowers, f"{directory}/upper", f"{directory}/work", volatile=False)


def mount_mapped(
    store: Store,
    container_dir: str,
    layers: Sequence[str],
    chain_id: str,
    id_map: IdMap,
    *,
    fixed: bool,
    volatile: bool,
    label: str,
) -> None:
    """As `mount`, under an id map."""
    from argosy.storage import idmaps

    lowers = idmaps.lowers(store, layers, chain_id, id_map, fixed=fixed)
    try:
        _make_directories(container_dir, lowers.directories[0] if lowers.directories else "")
        if not lowers.directories:
            os.chown(f"{container_dir}/upper", *id_map.to_host(0, 0))
        merged, upper, work = (f"{container_dir}/{name}" for name in ("merged", "upper", "work"))
        driver(store).mount(
            *(merged, lowers.directories, upper, work), volatile=volatile, label=label, data=lowers.data
        )
    finally:
        lowers.close()


def mount_readonly(store: Store, target: str, layers: Sequence[str], chain_id: str, *, fixed: bool) -> None:
    """Mount the layers at `target`, an existing directory, read-only."""
    driver(store).mount_readonly(target, lower_directories(store, layers, chain_id, fixed=fixed))


def mount_directory(container_dir: str, source: str) -> str:
    """Mount a directory of the host, with what is mounted in it, as the container's root, and return where."""
    merged = f"{container_dir}/merged"
    if not mounts.is_mount_point(merged):
        os.makedirs(merged, 0o700, exist_ok=True)
        mounts.bind(source, merged)
    return merged


def unmount(container_dir: str, *, root: bool = True) -> bool:
    """Unmount the container's root, unless not even that is asked for; false when it was not mounted.

    Its upper directory stays.  What was mounted for it beside (`storage.staged`) goes as well, with its changes.
    """
    merged = f"{container_dir}/merged"
    unmounted = False
    while root and mounts.unmount(merged):
        unmounted = True
    if os.path.lexists(f"{container_dir}/mounts"):
        from argosy.storage import staged

        staged.discard(container_dir)
    return unmounted


def lower_directories(store: Store, layers: Sequence[str], chain_id: str, *, fixed: bool) -> list[str]:
    """The lower directories of an image, topmost first.  Raises ArgosyError when one cannot be relied on.

    A layer whose root is opaque hides all below it, which overlayfs does not do by itself: they are left out.  Of a
    layer that comes twice (two steps of a build that change nothing give the same one) the upper one counts, since it
    says again all that the lower one says; overlayfs refuses a directory that it has already.
    """
    untrusted = store.layers.untrusted(layers)
    if untrusted:
        raise ArgosyError(
            f"layer {untrusted[0]} is not in the store, or not as it was written",
            details=f"{len(untrusted)} of {len(layers)} layers cannot be used",
            hint="pull the image again",
        )
    lowers = []
    for diff_id in reversed(layers):
        if store.layers.path(diff_id) in lowers:
            continue
        lowers.append(store.layers.path(diff_id))
        if _is_opaque(lowers[-1], store.xattrs):
            break
    if fixed:
        lowers.insert(0, store.chains.fix(chain_id, layers))
    return lowers


def _is_opaque(tree: str, xattrs: str) -> bool:
    try:
        return os.getxattr(tree, f"{xattrs}.overlay.opaque") == b"y"
    except OSError:
        return False


def _make_directories(container_dir: str, lower: str) -> None:
    """Make what is missing.  The upper directory appears with the metadata of the image's root, in one step."""
    for name in ("work", "merged"):
        try:
            os.mkdir(f"{container_dir}/{name}", 0o700)
        except FileExistsError:
            pass
    upper = f"{container_dir}/upper"
    if os.path.isdir(upper):
        return
    fresh = f"{container_dir}/.upper~"
    try:
        os.mkdir(fresh)
    except FileExistsError:
        pass
    copy_root(lower, fresh)
    os.rename(fresh, upper)


def copy_root(lower: str, upper: str) -> None:
    """Give the upper directory owner, mode and extended attributes of the lower's root: `/` shows the upper's."""
    if not lower:
        os.chmod(upper, _ROOT_MODE)
        return
    found = os.stat(lower)
    if found.st_uid or found.st_gid:
        os.chown(upper, found.st_uid, found.st_gid)
    os.chmod(upper, found.st_mode & 0o7777)
    for name in os.listxattr(lower):
        if name.startswith(("user.", "security.")) and not name.startswith("user.overlay."):
            os.setxattr(upper, name, os.getxattr(lower, name))

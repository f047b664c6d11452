"""Roots of containers mounted for people to look into: `mount` and `unmount`.

<run>/mounted/<id> says how often a container's root was mounted; while it is there, the end of a run leaves the root
mounted.  It is in the run directory because a mount does not outlive a reboot either.
"""

from __future__ import annotations

import os

from argosy.containers import happened, prepare, record, state
from argosy.containers.cleanup import mount_mark
from argosy.linux import files, mounts
from argosy.storage import rootfs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.containers.site import Site


def mount(site: Site, container_id: str) -> str:
    """Mount the container's root, and return where; once more where it is mounted already."""
    with site.store.containers.lock(container_id):
        place = prepare.mount_root(site, record.read_record(site.store, container_id))
        _set_count(site, container_id, _count(site, container_id) + 1)
    happened.tell_of(site, container_id, "mount")
    return place


def unmount(site: Site, container_id: str, *, force: bool = False) -> bool:
    """Undo one `mount`, with `force` all; False when it was not mounted.  A container that runs keeps its root."""
    undone = _unmount(site, container_id, force=force)
    if undone:
        happened.tell_of(site, container_id, "unmount")
    return undone


def _unmount(site: Site, container_id: str, *, force: bool) -> bool:
    with site.store.containers.lock(container_id):
        count = _count(site, container_id)
        if count > 1 and not force:
            _set_count(site, container_id, count - 1)
            return True
        forget(site, container_id)
        runs = os.path.lexists(site.run_directory(container_id))
        return bool(count) if runs else rootfs.unmount(site.state_directory(container_id)) or bool(count)


def forget(site: Site, container_id: str) -> None:
    """Nobody looks into the root any more: the next who unmounts it may."""
    files.unlink_missing(mount_mark(site, container_id))


def place(site: Site, container_id: str) -> str:
    """Where the container's root is mounted, be it that it runs; "" where it is not."""
    merged = f"{site.state_directory(container_id)}/merged"
    return merged if mounts.is_mount_point(merged) or _has_root(site, container_id) else ""


def _has_root(site: Site, container_id: str) -> bool:
    """Of a store whose roots are no mounts (vfs): whether the container uses it, or somebody asked for it."""
    if site.store.driver != "vfs":
        return False
    return bool(_count(site, container_id)) or state.derive(site, container_id).status in state.ACTIVE


def _count(site: Site, container_id: str) -> int:
    try:
        return int(files.read(mount_mark(site, container_id)) or b"0")
    except (FileNotFoundError, ValueError):
        return 0


def _set_count(site: Site, container_id: str, count: int) -> None:
    path = mount_mark(site, container_id)
    files.make_directories(os.path.dirname(path))
    files.write_atomic(path, str(count).encode())

"""/dev/shm of containers whose ipc namespace others may join: a tmpfs in the run directory, bound into each of them."""

from __future__ import annotations

import os

from argosy.containers import record as records
from argosy.errors import ArgosyError
from argosy.linux import mounts
from argosy.spec import generate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site

_TARGET = "/dev/shm"


def path(site: Site, record: ContainerRecord) -> str:
    """What is bound to the container's /dev/shm, made where it is its own; "" where the runtime makes one.

    The caller undoes it with `unmount`.
    """
    mode = record.options.ipc
    kind = mode.kind if mode is not None else site.conf.ipcns
    if kind == "shareable":
        return _made(site, record)
    if mode is not None and kind == "container":
        return _joined(site, site.store.containers.find(mode.target))
    return ""


def unmount(site: Site, container_id: str) -> None:
    """Take the container's tmpfs away.  Idempotent; who joined keeps it."""
    mounts.unmount(f"{site.run_directory(container_id)}/shm")


def _made(site: Site, record: ContainerRecord) -> str:
    directory = f"{site.run_directory(record.id)}/shm"
    os.mkdir(directory)
    size = generate.shm_size_bytes(record.options, site.conf)
    mounts.mount_tmpfs(directory, mode=0o1777, size_bytes=size, label=record.mount_label, owner=record.root_ids)
    return directory


def _joined(site: Site, container_id: str) -> str:
    """What the other container has at /dev/shm, as its bundle says."""
    try:
        bundle = records.read_bundle(site.run_directory(container_id))
    except FileNotFoundError:
        raise ArgosyError(f"container {container_id[:12]} has ended meanwhile: its ipc cannot be joined") from None
    for mount in bundle.get("mounts", ()):
        if mount.get("destination") == _TARGET and mount.get("type") == "bind":
            return str(mount["source"])
    return ""

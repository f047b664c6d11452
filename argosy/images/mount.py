"""Images mounted for people to look into: `image mount` and `image unmount`.

    <run>/imagemounts/<image id>/mounts    how often it was mounted
                                 pins      the manifest's digest: its layers are in use
                                 merged/   the mount point

They are in the run directory because a mount does not outlive a reboot either.
"""

from __future__ import annotations

import os

from argosy.errors import ArgosyError
from argosy.linux import files, locks, mounts
from argosy.storage import rootfs
from argosy.storage.work import PINS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.storage.images import ImageRecord
    from argosy.storage.store import Store

DIRECTORY = "imagemounts"
_COUNT = "mounts"


def mount(store: Store, record: ImageRecord) -> str:
    """Mount the image, read-only, and return where; once more where it is mounted already."""
    path = _path(store, record.config_digest)
    with store.work((record.manifest_digest,)), _locked(path, make=True):
        target = f"{path}/merged"
        files.write_atomic(f"{path}/{PINS}", f"{record.manifest_digest}\n".encode())
        if not mounts.is_mount_point(target):
            os.makedirs(target, exist_ok=True)
            _set_count(path, 0)
            rootfs.mount_readonly(store, target, record.diff_ids, record.chain_id, fixed=record.fixed)
        _set_count(path, _count(path) + 1)
    store.events.write("image", "mount", ID=record.config_digest.partition(":")[2])
    return target


def unmount(store: Store, config_digest: str, *, force: bool = False) -> bool:
    """Undo one `mount` of the image, with `force` all; false when it was not mounted."""
    undone = _unmount(store, config_digest, force=force)
    if undone:
        store.events.write("image", "unmount", ID=config_digest.partition(":")[2])
    return undone


def _unmount(store: Store, config_digest: str, *, force: bool) -> bool:
    path = _path(store, config_digest)
    try:
        with _locked(path):
            target = f"{path}/merged"
            if not mounts.is_mount_point(target):
                files.remove_tree(path)
                return False
            count = _count(path)
            if count > 1 and not force:
                _set_count(path, count - 1)
                return True
            while mounts.unmount(target):
                pass
            files.remove_tree(path)
            return True
    except FileNotFoundError:
        return False


def mounted(store: Store) -> dict[str, str]:
    """Where images are mounted: image id (config digest) to path."""
    try:
        names = sorted(os.listdir(f"{store.run}/{DIRECTORY}"))
    except FileNotFoundError:
        return {}
    found = {f"sha256:{name}": f"{store.run}/{DIRECTORY}/{name}/merged" for name in names}
    return {image_id: path for image_id, path in found.items() if mounts.is_mount_point(path)}


def _path(store: Store, config_digest: str) -> str:
    return f"{store.run}/{DIRECTORY}/{config_digest.partition(':')[2]}"


def _locked(path: str, *, make: bool = False) -> locks.Lock:
    while True:
        if make:
            files.make_directories(path)
        try:
            lock = locks.acquire(path)
        except FileNotFoundError:
            if not make:
                raise
            continue  # it was unmounted, and removed, just now
        assert lock is not None
        return lock


def _count(path: str) -> int:
    try:
        return int(files.read(f"{path}/{_COUNT}") or b"0")
    except (FileNotFoundError, ValueError):
        return 0


def _set_count(path: str, count: int) -> None:
    try:
        files.write_atomic(f"{path}/{_COUNT}", str(count).encode())
    except OSError as error:
        raise ArgosyError(f"cannot write {path}/{_COUNT}: {error.strerror}") from error

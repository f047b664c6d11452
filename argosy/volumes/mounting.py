"""Volumes that are something mounted (`volume create --opt type=...`): from their first user on, until the last.

<run>/volumes/<name>/<user>   one file for each container that runs with it, and for `volume mount`, whose file has how
                              often.  They are in the run directory because a mount does not outlive a reboot either.
"""

from __future__ import annotations

import os

from argosy.errors import ArgosyError, NotFound
from argosy.linux import files, mounts, process
from argosy.volumes import named, options
from argosy.volumes.options import VolumeOptions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.linux.idmap import IdMap
    from argosy.storage.store import Store

DIRECTORY = "volumes"
BY_HAND = "by-hand"  # the user that `volume mount` is; no container has this id


def options_of(store: Store, name: str) -> VolumeOptions:
    """What the volume is."""
    volume = named.get(store, name)
    if volume.image is not None:
        return VolumeOptions(image=volume.image)
    return options.read(volume.options)


def mount(store: Store, name: str, wanted: VolumeOptions, user: str) -> None:
    """Have the volume mounted, for `user` as well.  The caller holds the volume's lock.  Raises ArgosyError."""
    target = named.data_path(store, name)
    users = _users(store, name)
    files.make_directories(users)
    if not mounts.is_mount_point(target):
        files.remove_tree(users)  # of before it was unmounted by somebody else
        files.make_directories(users)
        try:
            if wanted.image is not None:
                store.mount_image(store.volumes.path(name), target, wanted.image)
            else:
                process.run(options.mount_argv(wanted, target))
        except ArgosyError as error:
            files.remove_tree(users)
            what = f"mounting volume {name}"
            raise ArgosyError(
                f"{what}{'' if user == BY_HAND else f' for container {user}'}: {error.details or error.brief}"
            ) from error
    count = _count(users, user) + 1 if user == BY_HAND else 1
    files.write_atomic(f"{users}/{user}", str(count).encode())


def ready(
    store: Store, name: str, merged: str, destination: str, *, user: str, copy_up: bool, id_map: IdMap | None
) -> None:
    """As `named.ready`, for a volume with options: mounted, filled in place at its first use, given to its owner."""
    directory, data = store.volumes.path(name), named.data_path(store, name)
    wanted = options_of(store, name)
    with store.volumes.lock(name):
        if wanted.is_mounted:
            mount(store, name, wanted, user)
        if os.path.exists(f"{directory}/{named.FILLED}"):
            return
        from argosy.volumes import copyup

        content = copy_up and wanted.copy_up
        if not wanted.is_mounted:
            copyup.fill(directory, data, merged, destination, content=content, id_map=id_map)
        elif content:
            copyup.fill_in_place(data, merged, destination, id_map=id_map)
        if wanted.uid is not None or wanted.gid is not None:
            os.chown(data, -1 if wanted.uid is None else wanted.uid, -1 if wanted.gid is None else wanted.gid)
        files.write_atomic(f"{directory}/{named.FILLED}", b"")


def unmount(store: Store, name: str, user: str) -> None:
    """`user` has done with the volume; the last one unmounts it.  Idempotent."""
    users = _users(store, name)
    if not os.path.isdir(users):
        return
    with store.volumes.lock(name):
        count = _count(users, user) - 1
        if user == BY_HAND and count > 0:
            files.write_atomic(f"{users}/{user}", str(count).encode())
            return
        files.unlink_missing(f"{users}/{user}")
        if not os.listdir(users):
            discard(store, name)


def discard(store: Store, name: str) -> None:
    """Unmount the volume, whoever uses it.  The caller holds the volume's lock."""
    while mounts.unmount(named.data_path(store, name)):
        pass
    files.remove_tree(_users(store, name))


def release(store: Store, user: str) -> None:
    """The container `user` has done with all volumes.  Idempotent."""
    try:
        names = os.listdir(f"{store.run}/{DIRECTORY}")
    except FileNotFoundError:
        return
    for name in names:
        if os.path.lexists(f"{_users(store, name)}/{user}"):
            try:
                unmount(store, name, user)
            except NotFound:
                files.remove_tree(_users(store, name))


def count(store: Store, name: str) -> int:
    """For how many users it is mounted."""
    users = _users(store, name)
    try:
        return sum(_count(users, user) for user in os.listdir(users))
    except FileNotFoundError:
        return 0


def _users(store: Store, name: str) -> str:
    return f"{store.run}/{DIRECTORY}/{name}"


def _count(users: str, user: str) -> int:
    try:
        return int(files.read(f"{users}/{user}") or b"0")
    except (FileNotFoundError, ValueError):
        return 0

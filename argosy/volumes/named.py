"""Volumes as objects of the store: made, found, listed, filled from an image at first use, removed."""

from __future__ import annotations

import os
import time

from argosy import jsontext
from argosy.errors import Exists, Invalid, NotFound
from argosy.linux import files
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import ClassVar

    from argosy.linux.idmap import IdMap
    from argosy.storage.store import Store

VOLUME = "volume.json"
DATA = "_data"
FILLED = "filled"
NEW = "new"
SPECIAL = "special"
PINS = "pins"  # the storage's name for what garbage collection keeps
NO_PAIRS: Mapping[str, str] = {}

_START = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_REST = _START | frozenset("_.-")


class VolumeImage(Value):
    """The image that a volume of the driver "image" begins with; the file `pins` keeps its layers in the store."""

    manifest_digest: str
    layers: tuple[str, ...]
    chain_id: str
    fixed: bool = False


class Volume(Value):
    """volume.json.  `created_at` is in seconds since the epoch; an anonymous volume goes with its container."""

    name: str
    created_at: float
    driver: str = "local"
    labels: Mapping[str, str] = NO_PAIRS
    options: Mapping[str, str] = NO_PAIRS
    anonymous: bool = False
    image: VolumeImage | None = None

    _nested: ClassVar[dict[str, type[Value]]] = {"image": VolumeImage}


class Listing(Value):
    """All volumes by name, and for each that could not be read its name and the error."""

    volumes: tuple[Volume, ...]
    damaged: tuple[tuple[str, str], ...] = ()


def check_name(name: str) -> None:
    """Raise Invalid unless `name` can name a volume."""
    if not name or name[0] not in _START or not _REST.issuperset(name):
        raise Invalid("volume name", name, "names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument")


def create(
    store: Store,
    name: str,
    *,
    labels: Mapping[str, str] = NO_PAIRS,
    options: Mapping[str, str] = NO_PAIRS,
    anonymous: bool = False,
    image: VolumeImage | None = None,
) -> Volume:
    """Make a volume, stable on disk before it can be seen.  Raises Exists when there is one of this name.

    `options` are those that `volumes.options.parse` gave, or with an `image` (the driver "image") those of that driver;
    the caller's work pins the image meanwhile.
    """
    check_name(name)
    driver = "local" if image is None else "image"
    volume = Volume(name, time.time(), driver, labels=labels, options=options, anonymous=anonymous, image=image)
    with store.volumes.stage(name) as staged:
        os.mkdir(f"{staged.path}/{DATA}", 0o755)
        os.chmod(f"{staged.path}/{DATA}", 0o755)  # noqa: S103 -- what is in it decides, as in an image
        if options:
            staged.write(SPECIAL, b"")
        if image is not None:
            staged.write(PINS, f"{image.manifest_digest}\n".encode())
        staged.write(VOLUME, jsontext.encode(volume.to_json()))
        staged.commit(durable=not anonymous)
    store.events.write("volume", "create", Name=name)
    return volume


def ensure(store: Store, name: str, *, anonymous: bool = False) -> bool:
    """Make the volume unless it is there already; whether it was made."""
    if store.volumes.exists(name):
        return False
    try:
        create(store, name, anonymous=anonymous)
    except Exists:
        return False
    return True


def get(store: Store, name: str) -> Volume:
    """The volume.  Raises NotFound when there is none, Invalid when its record is damaged."""
    return Volume.from_json(jsontext.decode(store.volumes.read(name, VOLUME), f"volume {name}"))


def data_path(store: Store, name: str) -> str:
    """Where the volume's content is."""
    return f"{store.volumes.path(name)}/{DATA}"


def written_path(store: Store, volume: Volume) -> str:
    """Where what was written to the volume is: of an image's tree that is what was changed."""
    return data_path(store, volume.name) if volume.image is None else f"{store.volumes.path(volume.name)}/upper"


def ready(
    store: Store,
    name: str,
    merged: str,
    destination: str,
    *,
    user: str,
    copy_up: bool,
    anonymous: bool = False,
    id_map: IdMap | None = None,
) -> str:
    """The host path of a volume that is about to be mounted at `destination` of the container rooted at `merged`.

    A volume that is missing is made.  One that was never mounted gets the owner and mode of what the image has there,
    and with `copy_up` its content too, in one step and once, whatever happens meanwhile.  With `id_map`, with which it
    is to be mounted, the owners are the ids inside for those of `merged`.  `user` is the container's id: a volume that
    has to be mounted itself is, until `mounting.unmount` for it.
    """
    ensure(store, name, anonymous=anonymous)
    directory = store.volumes.path(name)
    if os.path.lexists(f"{directory}/{SPECIAL}"):
        from argosy.volumes import mounting

        mounting.ready(store, name, merged, destination, user=user, copy_up=copy_up, id_map=id_map)
        return f"{directory}/{DATA}"
    if not os.path.exists(f"{directory}/{FILLED}"):
        from argosy.volumes import copyup

        with store.volumes.lock(name):
            if not os.path.exists(f"{directory}/{FILLED}"):
                found = copyup.fill(
                    directory, f"{directory}/{DATA}", merged, destination, content=copy_up, id_map=id_map
                )
                if not found:
                    files.write_atomic(f"{directory}/{NEW}", b"")
                files.write_atomic(f"{directory}/{FILLED}", b"")
    return f"{directory}/{DATA}"


def give_new(store: Store, name: str, uid: int, gid: int) -> None:
    """Make `uid`:`gid` the owner of a volume that is mounted for the first time, at a place that the image lacks."""
    directory = store.volumes.path(name)
    if os.path.lexists(f"{directory}/{NEW}"):
        with store.volumes.lock(name):
            os.chown(f"{directory}/{DATA}", uid, gid)
            files.unlink_missing(f"{directory}/{NEW}")


def listing(store: Store) -> Listing:
    """Every volume, by name.  One that vanishes meanwhile is left out."""
    found, damaged = [], []
    for name in sorted(store.volumes.ids()):
        try:
            found.append(get(store, name))
        except NotFound:
            continue
        except Invalid as error:
            damaged.append((name, str(error)))
    return Listing(tuple(found), tuple(damaged))


def remove(store: Store, name: str) -> None:
    """Remove a volume and its content; who uses it is the caller's question.  Raises NotFound when there is none."""
    with store.volumes.lock(name):
        if os.path.lexists(f"{store.volumes.path(name)}/{SPECIAL}"):
            from argosy.volumes import mounting

            mounting.discard(store, name)
        store.volumes.remove(name)
    store.events.write("volume", "remove", Name=name)


def remove_unused(store: Store, name: str) -> None:
    """Remove a volume that only a container could use which is gone or never came, if it is still there."""
    try:
        remove(store, name)
    except NotFound:
        return

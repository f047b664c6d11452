"""Garbage: blobs, layers and chains that nothing refers to, and what was made of these for other id maps.

Marking and moving happen under the exclusive collection lock, and are short: what is garbage is renamed into tmp/.  It
is deleted after the lock was given up, so that a long deletion keeps nobody waiting.  What is being fetched or made is
kept by its owner's pins (`storage.work`), so that a long pull keeps no collection waiting.
"""

from __future__ import annotations

import os

from argosy import jsontext
from argosy.errors import ArgosyError, NotFound
from argosy.oci import digest as digests
from argosy.records.scratch import Scratch
from argosy.storage import idmaps, sweep
from argosy.storage.chains import chain_id
from argosy.storage.images import images_of_container
from argosy.storage.work import PINS
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from argosy.storage.store import Store

_MANIFEST_LIMIT = 4 << 20
_PLACES = {"blob": "blobs/sha256", "layer": "layers", "chain": "chains", "map": idmaps.DIRECTORY}


class Garbage(Value):
    """What nothing refers to: pairs of kind (blob, layer, chain, map) and digest, and how much room the files take.

    The digest of a map is that of its layer or chain with that of the map behind it (`storage.idmaps`).  `kept` tells
    why something that may be garbage is not among it.
    """

    objects: tuple[tuple[str, str], ...]
    size_bytes: int
    kept: tuple[str, ...] = ()


def collect(store: Store, *, downloads: bool = False) -> Garbage:
    """Remove the garbage, and what dead processes have left; returns what it was.

    `downloads` takes those as well that could still be continued.
    """
    sweep.sweep(store, everything=downloads)
    with Scratch(store.tmp) as scratch:
        with store.exclusive_lock():
            garbage = find(store)
            for kind, digest in garbage.objects:
                digits = digest.partition(":")[2]
                os.rename(f"{store.root}/{_PLACES[kind]}/{digits}", f"{scratch.path}/{kind}-{digits}")
        return garbage


def find(store: Store) -> Garbage:
    """What `collect` would remove now."""
    mark = _Mark(store)
    objects: list[tuple[str, str]] = []
    size_bytes = 0
    for kind, place in _PLACES.items():
        if kind != "blob" and mark.unreadable:
            continue
        for digits in idmaps.names(store.root) if kind == "map" else _digits(f"{store.root}/{place}"):
            digest = f"sha256:{digits}"
            if (idmaps.owner_digest(digits) if kind == "map" else digest) not in mark.live:
                objects.append((kind, digest))
                size_bytes += _size(store, kind, digest)
    kept = tuple(f"no layer is removed while {reason}" for reason in mark.unreadable)
    return Garbage(tuple(objects), size_bytes, kept)


def _digits(directory: str) -> list[str]:
    try:
        return [name for name in os.listdir(directory) if len(name) == 64 and digests.is_hex(name)]
    except FileNotFoundError:
        return []


def _size(store: Store, kind: str, digest: str) -> int:
    try:
        if kind == "blob":
            return store.blobs.size(digest)
        return store.layers.meta(digest).size_bytes if kind == "layer" else 0
    except ArgosyError:
        return 0


class _Mark:
    """The digests that something refers to (`live`), and the containers whose references are not known (`unreadable`).

    Work in progress comes first: what it makes is either still pinned when it is looked at, or has become an object
    that a later step meets.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.live: set[str] = set()
        self.unreadable: list[str] = []
        self._pins(store.tmp)
        self._containers()
        for shelf in ("artifacts", "buildcache", "working"):
            self._pins(f"{store.root}/{shelf}")
        self._pins(f"{store.run}/imagemounts")
        self._pins(store.volumes.directory)
        self._repositories()
        self._images()
        for _, digest in store.refs.all().refs:
            self._keep_manifest(digest)

    def _pins(self, directory: str) -> None:
        """What the file `pins` names, in each of the directories in `directory`."""
        for name in _names(directory):
            try:
                with open(f"{directory}/{name}/{PINS}", encoding="ascii", errors="replace") as file:
                    pinned = file.read().split()
            except OSError:
                continue
            for digest in pinned:
                self._keep_manifest(digest)

    def _containers(self) -> None:
        for shelf, container_id in self._store.each_container():
            try:
                record = jsontext.decode(shelf.read(container_id, "container.json"))
                for image in images_of_container(record):
                    self.live.update(image["layers"])
                    self.live.update((image["manifest_digest"], image["id"], image["chain_id"]))
            except NotFound:
                continue
            except (ArgosyError, KeyError, TypeError) as error:
                self.unreadable.append(f"container {container_id} cannot be read ({error})")

    def _images(self) -> None:
        images = self._store.images.all()
        for record in images.records:
            self.live.update((record.manifest_digest, record.config_digest, record.chain_id))
            self.live.update(record.indexes)
            self.live.update(record.diff_ids)
            self.live.update(layer.blob for layer in record.layers)
        for digest, _ in images.damaged:
            self._keep_manifest(digest)

    def _repositories(self) -> None:
        if os.path.isdir(f"{self._store.root}/repositories") or os.path.isdir(f"{self._store.root}/cached"):
            from argosy.storage import repositories

            self.live.update(repositories.live(self._store))

    def _keep_manifest(self, digest: str) -> None:
        """Keep `digest`, and if it is the manifest of an image, its parts."""
        self.live.add(digest)
        manifest = self._json(digest)
        config = manifest.get("config")
        if not isinstance(config, dict):
            return
        parts = list(_descriptor_digests([config, manifest.get("layers")]))
        self.live.update(parts)
        diff_ids = _diff_ids(self._json(parts[0])) if parts else ()
        self.live.update((*diff_ids, chain_id(diff_ids)))

    def _json(self, digest: str) -> dict[str, Any]:
        """The blob as a JSON object; an empty one where it is something else, or cannot be read."""
        try:
            if self._store.blobs.size(digest) > _MANIFEST_LIMIT:
                return {}
            value = jsontext.decode(self._store.blobs.read(digest))
        except ArgosyError:
            return {}
        return value if isinstance(value, dict) else {}


def _names(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except FileNotFoundError:
        return []


def _descriptor_digests(value: object) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _descriptor_digests(item)
    elif isinstance(value, dict) and isinstance(value.get("digest"), str):
        yield value["digest"]


def _diff_ids(config: dict[str, Any]) -> tuple[str, ...]:
    rootfs = config.get("rootfs")
    found = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    return tuple(item for item in found if isinstance(item, str)) if isinstance(found, list) else ()

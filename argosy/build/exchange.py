"""The cache in a directory, for machines that start with an empty store: --cache-to writes it, --cache-from reads it.

    DIRECTORY/steps/<key>.json      Made, as in the store
              layers/<hex>.tar      the layer's canonical archive
              mounts/<digest>.tar   what is in a cache mount, where that was asked for

Files appear by rename, so that several builds may write to one directory.  A layer is compared with its digest when it
is taken over: who can write to the directory decides what a step's result is, but not what a layer with a digest is.
"""

from __future__ import annotations

import os
from functools import partial

from argosy import jsontext
from argosy.archive import diff
from argosy.build.cache import MOUNTS, Made
from argosy.errors import ArgosyError, Invalid
from argosy.images.unpack import Applier, Unpacker
from argosy.linux import files, locks
from argosy.oci import digest as digests
from argosy.storage import built
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from argosy.storage.store import Store

_CHUNK_BYTES = 1 << 20
_STEP_LIMIT = 1 << 20


class Place(Value):
    """A directory; with `mounts` the data of cache mounts is part of it."""

    directory: str
    mounts: bool = False


def parse(text: str, key: str) -> Place:
    """`type=local,<key>=DIRECTORY[,mounts=true]`, or a path that begins with / or a dot; `key` is src or dest.

    Raises Invalid for anything else.
    """
    if text.startswith(("/", "./", "../")):
        return Place(os.path.abspath(text))
    fields = dict(part.partition("=")[::2] for part in text.split(","))
    if fields.get("type") != "local" or not fields.get(key) or fields.keys() - {"type", key, "mounts"}:
        flag = "--cache-from" if key == "src" else "--cache-to"
        hint = f"{flag} type=local,{key}=DIRECTORY"
        raise Invalid(flag, text, "the cache can be kept in a directory, and not at a registry", hint=hint)
    return Place(os.path.abspath(fields[key]), fields.get("mounts") == "true")


def write(store: Store, place: Place, steps: Mapping[str, Made]) -> None:
    """Add the steps and their layers to the directory.  Raises ArgosyError."""
    try:
        for name in ("steps", "layers", "mounts"):
            os.makedirs(f"{place.directory}/{name}", exist_ok=True)
        for made in steps.values():
            if made.layer:
                path = f"{place.directory}/layers/{digests.parse(made.layer).hex}.tar"
                if not os.path.exists(path):
                    _write_file(path, partial(_copy_layer, store, made.layer))
        for key, made in steps.items():
            files.write_atomic(f"{place.directory}/steps/{key}.json", jsontext.encode(made.to_json()), mode=0o644)
        if place.mounts:
            _write_mounts(store, place.directory)
    except OSError as error:
        raise ArgosyError(f"cannot write the cache to {place.directory}: {error.strerror}") from error


def _copy_layer(store: Store, layer: str, put: Callable[[bytes], object]) -> None:
    with built.LayerStream(store, layer) as stream:
        for block in stream:
            put(block)


def _copy_tree(tree: str, put: Callable[[bytes], object]) -> None:
    diff.write_archive(tree, put, layer=False)


def _write_mounts(store: Store, directory: str) -> None:
    for name, path in _mounts(store):
        lock = locks.acquire(path, shared=True)
        assert lock is not None
        with lock:
            target = f"{directory}/mounts/{name}.tar"
            _write_file(target, partial(_copy_tree, f"{path}/data"))


def _mounts(store: Store) -> Iterable[tuple[str, str]]:
    parent = f"{store.root}/buildcache/{MOUNTS}"
    names = os.listdir(parent) if os.path.isdir(parent) else []
    return [(name, f"{parent}/{name}") for name in names if os.path.isdir(f"{parent}/{name}/data")]


def _write_file(path: str, fill: Callable[[Callable[[bytes], object]], object]) -> None:
    fresh = f"{path}.{os.urandom(8).hex()}~"
    try:
        with open(fresh, "xb") as file:
            fill(file.write)
        os.rename(fresh, path)
    except BaseException:
        files.unlink_missing(fresh)
        raise


def find(store: Store, place: Place, step: str) -> Made | None:
    """What the directory says of a step; its layer is in the store then.  None where it says nothing that is sound."""
    try:
        made = Made.from_json(jsontext.decode(files.read(f"{place.directory}/steps/{step}.json", _STEP_LIMIT)))
        if made.layer and not store.layers.has(made.layer):
            _take_layer(store, made.layer, f"{place.directory}/layers/{digests.parse(made.layer).hex}.tar")
    except (OSError, ArgosyError):
        return None
    return made


def _take_layer(store: Store, layer: str, path: str) -> None:
    """Apply the layer's archive.  Raises Invalid where it is not what the digest says."""
    with store.layers.stage(layer) as staged:
        if staged.present:
            return
        unpacked = _unpack(store, path, staged.path)
        meta = built.describe(staged.path)
        if unpacked != layer or meta.diff_id != layer:
            raise Invalid("layer in the cache", path, f"it is not {layer}")
        store.layers.commit(staged, meta)


def _unpack(store: Store, path: str, directory: str) -> str:
    """Apply an archive to a directory; its digest."""
    with open(path, "rb") as file, Unpacker("none", Applier(store, directory)) as unpacker:
        while chunk := file.read(_CHUNK_BYTES):
            unpacker.put(chunk)
        return unpacker.finish().diff_id


def take_mounts(store: Store, place: Place) -> None:
    """Fill the cache mounts that this store does not have yet."""
    source = f"{place.directory}/mounts"
    if not place.mounts or not os.path.isdir(source):
        return
    for name in os.listdir(source):
        target = f"{store.root}/buildcache/{MOUNTS}/{name.removesuffix('.tar')}"
        if not name.endswith(".tar") or os.path.isdir(f"{target}/data"):
            continue
        files.make_directories(target)
        lock = locks.acquire(target)
        assert lock is not None
        with lock:
            fresh = f"{target}/.fresh-{os.urandom(8).hex()}"
            os.mkdir(fresh, 0o755)
            _unpack(store, f"{source}/{name}", fresh)
            os.rename(fresh, f"{target}/data")

"""The cache beside the store, for machines that start with an empty one: --cache-to writes it, --cache-from reads it.

It is a directory, or an artifact at a registry (`registry_cache`).  A layer is compared with its digest when it is
taken over: who can write there decides what a step's result is, but not what a layer with a digest is.

    DIRECTORY/steps/<key>.json      Made, as in the store
              layers/<hex>.tar      the layer's canonical archive
              mounts/<name>.tar     what is in a cache mount, where that was asked for

Files appear by rename, so that several builds may write to one directory.
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
from argosy.oci import reference as references
from argosy.oci.fields import Fields
from argosy.oci.reference import Reference
from argosy.storage import built
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Protocol

    from argosy.storage.store import Store

    class Exchange(Protocol):
        """A cache beside the store."""

        def find(self, step: str) -> Made | None:
            """What it says of a step; its layer is in the store then.  None where it says nothing that is sound."""
            ...

        def take_mounts(self) -> None:
            """Fill the cache mounts that the store does not have yet."""
            ...

        def write(self, steps: Mapping[str, Made], *, mounts: bool) -> None:
            """Add the steps and their layers, and the data of cache mounts.  Raises ArgosyError."""
            ...


_CHUNK_BYTES = 1 << 20
_STEP_LIMIT = 1 << 20
_TAG = "buildcache"


class Place(Value):
    """A directory, or a name at a registry; with `mounts` the data of cache mounts is part of it."""

    directory: str = ""
    reference: Reference | None = None
    mounts: bool = False


def parse(text: str, key: str) -> Place:
    """`type=local,<key>=DIRECTORY`, `type=registry,ref=NAME`, both with `mounts=true`; a path; or a repository alone.

    A path begins with / or a dot; `key` is src or dest.  Raises Invalid for anything else.
    """
    flag = "--cache-from" if key == "src" else "--cache-to"
    if text.startswith(("/", "./", "../")):
        return Place(os.path.abspath(text))
    if "=" not in text:
        return Place(reference=_reference(text, flag))
    fields = dict(part.partition("=")[::2] for part in text.split(","))
    kind, where = fields.get("type", "registry"), {"local": key, "registry": "ref"}
    hint = f"{flag} type=local,{key}=DIRECTORY or type=registry,ref=NAME, with mounts=true if wanted"
    if kind not in where:
        raise Invalid(flag, text, "the cache can be kept in a directory (local) or at a registry", hint=hint)
    unknown = fields.keys() - {"type", "mounts", where[kind]}
    if unknown or not fields.get(where[kind]) or fields.get("mounts", "true") not in ("true", "false"):
        raise Invalid(flag, text, "it is not in the form that the hint shows", hint=hint)
    mounts = fields.get("mounts") == "true"
    if kind == "local":
        return Place(os.path.abspath(fields[key]), mounts=mounts)
    return Place(reference=_reference(fields["ref"], flag), mounts=mounts)


def _reference(text: str, flag: str) -> Reference:
    if references.is_short(text):
        raise Invalid(flag, text, "the name of a registry is missing", hint=f"{flag} registry.example.com/{text}")
    return references.parse(text.removeprefix("docker://"), default_tag=_TAG)


class DirectoryCache:
    """An `Exchange` in a directory."""

    def __init__(self, store: Store, directory: str) -> None:
        self._store = store
        self._directory = directory

    def write(self, steps: Mapping[str, Made], *, mounts: bool) -> None:
        """Add the steps and their layers, and the data of cache mounts."""
        try:
            for name in ("steps", "layers", "mounts"):
                os.makedirs(f"{self._directory}/{name}", exist_ok=True)
            for one in steps.values():
                if one.layer and not os.path.exists(self._layer(one.layer)):
                    _write_file(self._layer(one.layer), partial(copy_layer, self._store, one.layer))
            for key, one in steps.items():
                path = f"{self._directory}/steps/{key}.json"
                files.write_atomic(path, jsontext.encode(one.to_json()), mode=0o644)
            for name in mount_names(self._store) if mounts else ():
                _write_file(f"{self._directory}/mounts/{name}.tar", partial(copy_mount, self._store, name))
        except OSError as error:
            raise ArgosyError(f"cannot write the cache to {self._directory}: {error.strerror}") from error

    def find(self, step: str) -> Made | None:
        """What the directory says of a step."""
        try:
            found = made(jsontext.decode(files.read(f"{self._directory}/steps/{step}.json", _STEP_LIMIT)))
            if found.layer and not self._store.layers.has(found.layer):
                take_layer(self._store, found.layer, _blocks(self._layer(found.layer)))
        except (OSError, ArgosyError):
            return None
        return found

    def take_mounts(self) -> None:
        """Fill the cache mounts that the store does not have yet."""
        try:
            names = os.listdir(f"{self._directory}/mounts")
        except FileNotFoundError:
            return
        for name in names:
            fill_mount(self._store, name.removesuffix(".tar"), lambda name=name: _blocks(self._mount(name)))  # type: ignore[misc]

    def _layer(self, layer: str) -> str:
        return f"{self._directory}/layers/{digests.parse(layer).hex}.tar"

    def _mount(self, name: str) -> str:
        return f"{self._directory}/mounts/{name}"


def made(data: object) -> Made:
    """What is said of a step by somebody else.  Raises Invalid."""
    fields = Fields(data, "step in the cache")
    layer = fields.text("layer")
    return Made(str(digests.parse(layer)) if layer else "", fields.text("created"), fields.text("created_by"))


def copy_layer(store: Store, layer: str, put: Callable[[bytes], object]) -> None:
    """The layer's canonical archive."""
    with built.LayerStream(store, layer) as stream:
        for block in stream:
            put(block)


def mount_names(store: Store) -> list[str]:
    """The cache mounts that the store has, by the names of their directories."""
    parent = f"{store.root}/buildcache/{MOUNTS}"
    names = os.listdir(parent) if os.path.isdir(parent) else []
    return sorted(name for name in names if os.path.isdir(f"{parent}/{name}/data"))


def copy_mount(store: Store, name: str, put: Callable[[bytes], object]) -> None:
    """What is in a cache mount, as an archive; who uses it alone is waited for."""
    path = f"{store.root}/buildcache/{MOUNTS}/{name}"
    lock = locks.acquire(path, shared=True)
    assert lock is not None
    with lock:
        diff.write_archive(f"{path}/data", put, layer=False)


def take_layer(store: Store, layer: str, blocks: Iterable[bytes], compression: str = "none") -> None:
    """Apply the layer's archive.  Raises Invalid where it is not what the digest says."""
    with store.layers.stage(layer) as staged:
        if staged.present:
            return
        unpacked = _unpack(store, blocks, staged.path, compression)
        meta = built.describe(staged.path)
        if unpacked != layer or meta.diff_id != layer:
            raise Invalid("layer in the cache", layer, "its archive has another digest")
        store.layers.commit(staged, meta)


def fill_mount(store: Store, name: str, blocks: Callable[[], Iterable[bytes]], compression: str = "none") -> None:
    """Make a cache mount of an archive, unless it is there, or the name can be none."""
    digest, _, number = name.partition("-")
    target = f"{store.root}/buildcache/{MOUNTS}/{name}"
    if len(digest) != 64 or not digests.is_hex(digest) or (number and not number.isdecimal()):
        return
    if os.path.isdir(f"{target}/data"):
        return
    files.make_directories(target)
    lock = locks.acquire(target)
    assert lock is not None
    with lock:
        fresh = f"{target}/.fresh-{os.urandom(8).hex()}"
        os.mkdir(fresh, 0o755)
        try:
            _unpack(store, blocks(), fresh, compression)
            os.rename(fresh, f"{target}/data")
        except BaseException:
            files.remove_tree(fresh)
            raise


def _unpack(store: Store, blocks: Iterable[bytes], directory: str, compression: str) -> str:
    """Apply an archive to a directory; its digest."""
    with Unpacker(compression, Applier(store, directory)) as unpacker:
        for block in blocks:
            unpacker.put(block)
        return unpacker.finish().diff_id


def _blocks(path: str) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while block := file.read(_CHUNK_BYTES):
            yield block


def _write_file(path: str, fill: Callable[[Callable[[bytes], object]], object]) -> None:
    fresh = f"{path}.{os.urandom(8).hex()}~"
    try:
        with open(fresh, "xb") as file:
            fill(file.write)
        os.rename(fresh, path)
    except BaseException:
        files.unlink_missing(fresh)
        raise

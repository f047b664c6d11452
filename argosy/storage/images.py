"""Image records: `images/<hex of the manifest's digest>/image.json`, the object that keeps an image alive.

Signatures that came with the image are beside it, in `signatures.json`, for who pushes it on.
"""

from __future__ import annotations

import os

from argosy import jsontext
from argosy.errors import ArgosyError, Exists, Invalid, NotFound
from argosy.oci import digest as digests
from argosy.records.shelf import Damaged, Shelf
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, ClassVar

    from argosy.linux.locks import Lock
    from argosy.storage.store import Store

IMAGE_FILE = "image.json"
SIGNATURES_FILE = "signatures.json"


class LayerRef(Value):
    """A layer as the image's manifest and config name it.  `blob` is "" where it was built here and never pushed."""

    diff_id: str
    blob: str
    size: int
    media_type: str


class ImageRecord(Value):
    """image.json.  `config_digest` is the image id; digests are written `sha256:<hex>`.

    `repo_digests` are `registry/repository@digest`, `indexes` the digests of the indexes that it was chosen from.
    `created_at` is when it came into the store, in seconds since the epoch; `created` is what its config says.  `fixed`
    says that `chains/<chain_id>/fix` is the topmost lower directory.
    """

    manifest_digest: str
    media_type: str
    config_digest: str
    created_at: float
    repo_digests: tuple[str, ...] = ()
    indexes: tuple[str, ...] = ()
    created: str = ""
    os: str = "linux"
    architecture: str = ""
    variant: str = ""
    layers: tuple[LayerRef, ...] = ()
    chain_id: str = ""
    fixed: bool = False
    size_bytes: int = 0

    _nested: ClassVar[dict[str, type[Value]]] = {"layers": LayerRef}

    @property
    def diff_ids(self) -> tuple[str, ...]:
        """The layers, bottom first."""
        return tuple(layer.diff_id for layer in self.layers)


class AllImages(Value):
    """All images, and for each record that could not be read its manifest digest and the error."""

    records: tuple[ImageRecord, ...]
    damaged: tuple[tuple[str, ArgosyError], ...] = ()


class Images:
    """The image records of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._shelf = Shelf(f"{store.root}/images", store.tmp, "image")

    def exists(self, manifest_digest: str) -> bool:
        """Whether there is a record, whole or not, be it in an additional image store."""
        return self._shelf.exists(_hex(manifest_digest)) or bool(self.lender(manifest_digest))

    def lender(self, manifest_digest: str) -> str:
        """The root of the additional image store that has the image, where this one has not; else ""."""
        if not self._store.shared or self._shelf.exists(_hex(manifest_digest)):
            return ""
        return next((shared.root for shared in self._store.shared if shared.images.exists(manifest_digest)), "")

    def get(self, manifest_digest: str) -> ImageRecord:
        """The record, here or in an additional image store.

        Raises NotFound when there is none, Damaged when it is not whole.
        """
        digits = _hex(manifest_digest)
        if not self._store.shared or self._shelf.exists(digits):
            return self._read(digits)
        stores = [shared for shared in self._store.shared if shared.images.exists(manifest_digest)]
        return stores[0].images.get(manifest_digest) if stores else self._read(digits)

    def _read(self, digits: str) -> ImageRecord:
        path = f"{self._shelf.path(digits)}/{IMAGE_FILE}"
        try:
            data = self._shelf.read(digits, IMAGE_FILE)
            record = ImageRecord.from_json(jsontext.decode(data, IMAGE_FILE))
        except NotFound:
            raise NotFound("image", f"sha256:{digits}") from None
        except Damaged:
            raise
        except Invalid as error:
            raise Damaged(f"image sha256:{digits}", path, str(error)) from error
        if record.manifest_digest != f"sha256:{digits}":
            raise Damaged(f"image sha256:{digits}", path, f"it is the record of {record.manifest_digest}")
        return record

    def all(self) -> AllImages:
        """All images of this store alone, in no order.  One that vanishes meanwhile is left out."""
        records: list[ImageRecord] = []
        damaged: list[tuple[str, ArgosyError]] = []
        for digits in self._shelf.ids():
            if not digests.is_hex(digits):
                continue  # not ours: `system check` names it
            try:
                records.append(self._read(digits))
            except NotFound:
                continue
            except ArgosyError as error:
                damaged.append((f"sha256:{digits}", error))
        return AllImages(tuple(records), tuple(damaged))

    def by_id(self, text: str) -> tuple[ImageRecord, ...]:
        """The records of the one image whose id (the config digest) begins with `text`, newest first.

        Several manifests may share one config.  Additional image stores are looked into as well.  Raises NotFound, or
        Invalid when several ids begin so.
        """
        digits = text.removeprefix("sha256:")
        if len(digits) > 64 or not digests.is_hex(digits):
            raise NotFound("image", text)
        prefix = f"sha256:{digits}"
        known = [record for store in (self._store, *self._store.shared) for record in store.images.all().records]
        found = [record for record in known if record.config_digest.startswith(prefix)]
        if not found:
            raise NotFound("image", text)
        if len({record.config_digest for record in found}) > 1:
            raise Invalid("image id", text, "more than one image has an id that begins so")
        own = [record for record in found if not self.lender(record.manifest_digest)]
        return tuple(sorted(own or found, key=lambda record: record.created_at, reverse=True))

    def put(self, record: ImageRecord, *, durable: bool = False, signatures: tuple[bytes, ...] = ()) -> ImageRecord:
        """Make the image exist, and return its record.

        Where there is one already, it stays as old as it is and knows the repositories, indexes and signatures of both.
        Raises ArgosyError when something that the record names is not in the store (any more).
        """
        digits = _hex(record.manifest_digest)
        while True:
            try:
                with self._store.collection_lock(), self._shelf.stage(digits) as staged:
                    self._check_complete(record)
                    staged.write(IMAGE_FILE, jsontext.encode(record.to_json()))
                    if signatures:
                        staged.write(SIGNATURES_FILE, _texts(signatures))
                    staged.commit(durable=durable)
                return record
            except Exists:
                pass
            try:
                merged = self._replace(digits, lambda old: _merged(old, record), record, durable=durable)
                self.add_signatures(record.manifest_digest, signatures, durable=durable)
                return merged
            except NotFound:
                continue  # removed between the two

    def update(self, manifest_digest: str, change: Callable[[ImageRecord], ImageRecord]) -> ImageRecord:
        """Replace the record by what `change` makes of it, and return that.  Raises NotFound."""
        return self._replace(_hex(manifest_digest), change, None, durable=False)

    def _replace(
        self, digits: str, change: Callable[[ImageRecord], ImageRecord], fallback: ImageRecord | None, *, durable: bool
    ) -> ImageRecord:
        with self._lock(digits):
            old = None
            try:
                old = self._read(digits)
                new = change(old)
            except Damaged:
                if fallback is None:
                    raise
                new = fallback
            if fallback is not None:
                with self._store.collection_lock():
                    self._check_complete(new)
            if new != old:
                self._shelf.write(digits, IMAGE_FILE, jsontext.encode(new.to_json()), durable=durable)
            return new

    def signatures(self, manifest_digest: str) -> tuple[bytes, ...]:
        """The signatures that the image came with.  Raises Damaged when they are not whole."""
        digits = _hex(manifest_digest)
        if not os.path.exists(f"{self._shelf.path(digits)}/{SIGNATURES_FILE}"):
            return ()
        from base64 import b64decode

        texts = jsontext.decode(self._shelf.read(digits, SIGNATURES_FILE), SIGNATURES_FILE)
        return tuple(b64decode(text) for text in texts)

    def add_signatures(self, manifest_digest: str, signatures: tuple[bytes, ...], *, durable: bool = False) -> None:
        """Keep these with the image, beside those that it has.  Raises NotFound."""
        if not signatures:
            return
        digits = _hex(manifest_digest)
        with self._lock(digits):
            both = tuple(dict.fromkeys((*self.signatures(manifest_digest), *signatures)))
            self._shelf.write(digits, SIGNATURES_FILE, _texts(both), durable=durable)

    def remove(self, manifest_digest: str) -> None:
        """Forget the image; its blobs and layers go with the next collection.  Raises NotFound."""
        digits = _hex(manifest_digest)
        with self._lock(digits):
            self._shelf.remove(digits)

    def _lock(self, digits: str) -> Lock:
        try:
            return self._shelf.lock(digits)
        except NotFound:
            raise NotFound("image", f"sha256:{digits}") from None

    def _check_complete(self, record: ImageRecord) -> None:
        wanted = [self._store.blobs.find(record.manifest_digest), self._store.blobs.find(record.config_digest)]
        wanted += [self._store.layers.path(layer.diff_id) for layer in record.layers]
        for path in wanted:
            if not os.path.exists(path):
                raise ArgosyError(
                    f"image {record.config_digest} lost a part before it was complete",
                    details=path,
                    hint="run the command again",
                )


def images_of_container(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The images that a container.json relies on: the one it was made from (all empty with --rootfs), and its mounts'.

    KeyError or TypeError where that is not one.
    """
    return [record["image"], *(mounted["image"] for mounted in record.get("mounted_images", ()))]


def _merged(old: ImageRecord, new: ImageRecord) -> ImageRecord:
    return new.replace(
        created_at=old.created_at,
        repo_digests=tuple(dict.fromkeys((*old.repo_digests, *new.repo_digests))),
        indexes=tuple(dict.fromkeys((*old.indexes, *new.indexes))),
    )


def _texts(signatures: tuple[bytes, ...]) -> bytes:
    from base64 import b64encode

    return jsontext.encode([b64encode(data).decode() for data in signatures])


def _hex(manifest_digest: str) -> str:
    return digests.parse(manifest_digest, "manifest digest").hex

"""Manifest lists of the store: what `manifest create` makes and `manifest push` sends.

    <root>/manifests/<id>/list.json      name, entries

A list is edited here and becomes a document when it is pushed.  Its entries name images of the store or elsewhere,
which are not copied before that, and not kept by it: as podman's, a list does not hold its images.
"""

from __future__ import annotations

import os

from argosy import jsontext
from argosy.errors import ArgosyError, Exists, Invalid, NotFound
from argosy.images.resolve import ImageNotKnown
from argosy.oci import digest as digests
from argosy.oci import mediatypes
from argosy.oci import reference as references
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, ClassVar

    from argosy.storage.store import Store

_FILE = "list.json"


class Entry(Value):
    """One image of a list: its descriptor as the index will have it, and where it is ("" in the store)."""

    descriptor: dict[str, Any]
    source: str = ""

    @property
    def digest(self) -> str:
        """The digest of its manifest."""
        return str(self.descriptor["digest"])


class ManifestList(Value):
    """A list: its name in full, and its entries in order."""

    name: str
    entries: tuple[Entry, ...] = ()

    _nested: ClassVar[dict[str, type[Value]]] = {"entries": Entry}

    @property
    def media_type(self) -> str:
        """Docker's where nothing in the list needs OCI's: as podman does."""
        plain = all(
            entry.descriptor["mediaType"] == mediatypes.DOCKER_MANIFEST and not entry.descriptor.get("annotations")
            for entry in self.entries
        )
        return mediatypes.DOCKER_LIST if plain else mediatypes.OCI_INDEX

    def document(self) -> dict[str, Any]:
        """The index."""
        entries = [entry.descriptor for entry in self.entries]
        return {"schemaVersion": 2, "mediaType": self.media_type, "manifests": entries or None}

    def to_bytes(self) -> bytes:
        """The index as it is pushed."""
        return jsontext.encode({**self.document(), "manifests": [entry.descriptor for entry in self.entries]})

    def with_entry(self, entry: Entry) -> ManifestList:
        """The list with one more entry, in place of one with the same digest."""
        kept = tuple(old for old in self.entries if old.digest != entry.digest)
        return self.replace(entries=(*kept, entry))


class Changes(Value):
    """What `add` and `annotate` say about an entry; None leaves it."""

    architecture: str | None = None
    os: str | None = None
    variant: str | None = None
    os_version: str | None = None
    features: tuple[str, ...] = ()
    os_features: tuple[str, ...] = ()
    annotations: tuple[str, ...] = ()

    def apply(self, entry: Entry) -> Entry:
        """The entry with these changes.  Raises Invalid for an annotation without a `=`."""
        platform = dict(entry.descriptor.get("platform") or {})
        named = {
            "architecture": self.architecture,
            "os": self.os,
            "variant": self.variant,
            "os.version": self.os_version,
            "features": list(self.features) or None,
            "os.features": list(self.os_features) or None,
        }
        platform.update((key, value) for key, value in named.items() if value)
        annotations = dict(entry.descriptor.get("annotations") or {})
        for text in self.annotations:
            key, equals, value = text.partition("=")
            if not equals or not key:
                raise Invalid("annotation", text, "it is written KEY=VALUE")
            annotations[key] = value
        descriptor = {**entry.descriptor, "platform": platform}
        return entry.replace(descriptor={**descriptor, **({"annotations": annotations} if annotations else {})})


class Lists:
    """The manifest lists of a store."""

    def __init__(self, store: Store) -> None:
        self._shelf = store.shelf("manifests")

    def create(self, text: str, *, amend: bool = False) -> str:
        """A new list with this name; its id.  With `amend`, the one that is there.  Raises Exists."""
        name = str(references.parse(text, default_registry="localhost"))
        list_id = os.urandom(32).hex()
        with self._shelf.stage(list_id) as staged:
            staged.write(_FILE, jsontext.encode(ManifestList(name).to_json()))
            try:
                staged.commit(_plain(name), durable=True)
            except Exists as error:
                if amend:
                    return error.holder
                held = f'image name "{name}" is already associated with image "{error.holder}"'
                raise ArgosyError(
                    f"{held}: that name is already in use",
                    hint="change the list that is there with --amend",
                ) from error
        return list_id

    def find(self, text: str) -> str:
        """The id of the list with this name, id, or beginning of an id.  Raises ImageNotKnown."""
        candidates = [text]
        try:
            full = references.parse(text, default_registry="localhost")
            candidates = [_plain(str(full)), _plain(str(references.parse(text))), text]
        except Invalid:
            pass
        for candidate in candidates:
            try:
                return self._shelf.find(candidate)
            except NotFound:
                continue
        raise ImageNotKnown(text)

    def get(self, list_id: str) -> ManifestList:
        """The list with this id."""
        return ManifestList.from_json(jsontext.decode(self._shelf.read(list_id, _FILE), _FILE))

    def change(self, list_id: str, make: Callable[[ManifestList], ManifestList]) -> ManifestList:
        """Replace the list by what `make` makes of it."""
        with self._shelf.lock(list_id):
            new = make(self.get(list_id))
            self._shelf.write(list_id, _FILE, jsontext.encode(new.to_json()), durable=True)
            return new

    def remove(self, list_id: str) -> None:
        """Forget the list; its images stay."""
        with self._shelf.lock(list_id):
            self._shelf.remove(list_id)


def _plain(name: str) -> str:
    """A name as that of a file."""
    return name.replace("%", "%25").replace("/", "%2F")


def entry_at(found: ManifestList, shown: str, text: str) -> int:
    """The position of the entry with the digest `text`.  Raises in podman's words."""
    try:
        wanted = digests.parse(text)
    except Invalid as error:
        raise ArgosyError(f'invalid image digest "{text}": invalid checksum digest format') from error
    for position, entry in enumerate(found.entries):
        if entry.digest == wanted:
            return position
    raise ArgosyError(
        f'removing from manifest list {shown}: no instance matching digest "{wanted}" found in manifest list'
    )

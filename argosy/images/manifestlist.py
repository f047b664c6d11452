"""Manifest lists of the store: what `manifest create` makes and `manifest push` sends.

    <root>/manifests/<id>/list.json      names, entries

A list is edited here and becomes a document when it is pushed.  Its entries name images of the store or elsewhere,
which are not copied before that, and not kept by it: as podman's, a list does not hold its images.

Names of lists are changed under the lock of all names (`Refs.lock`).  One that an image has got since is the image's.
"""

from __future__ import annotations

import os
import time

from argosy import jsontext
from argosy.errors import ArgosyError, Invalid, NotFound
from argosy.images.naming import LOCALHOST, local_name, locked
from argosy.images.resolve import ImageNotKnown, by_name, candidates
from argosy.oci import digest as digests
from argosy.oci import mediatypes
from argosy.oci import reference as references
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, ClassVar

    from argosy.images.resolve import LoadRegistries
    from argosy.oci.reference import Reference
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
    """A list: its names in full, its entries in order, and when it was made, in seconds since the epoch."""

    names: tuple[str, ...]
    entries: tuple[Entry, ...] = ()
    created_at: float = 0.0

    _nested: ClassVar[dict[str, type[Value]]] = {"entries": Entry}

    @property
    def name(self) -> str:
        """The first of its names; "" for a list that has lost them all."""
        return self.names[0] if self.names else ""

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
        self._store = store
        self._shelf = store.shelf("manifests")

    def create(self, text: str, *, amend: bool = False) -> str:
        """A new list with this name; its id.  With `amend`, the one that is there.  Raises ArgosyError."""
        name = local_name(text)
        list_id = os.urandom(32).hex()
        with locked(self._store), self._shelf.stage(list_id) as staged:
            holder = self._named(name)
            if holder and amend:
                return holder
            holder = holder or self._image_named(name)
            if holder:
                held = f'image name "{name}" is already associated with image "{holder}"'
                raise ArgosyError(
                    f"creating image to hold manifest list: {held}: that name is already in use",
                    hint="change the list that is there with --amend",
                )
            staged.write(_FILE, jsontext.encode(ManifestList((str(name),), created_at=time.time()).to_json()))
            staged.commit(durable=True)
        return list_id

    def _image_named(self, name: Reference) -> str:
        digest = self._store.refs.get(name)
        return "" if digest is None else self._store.images.get(digest).config_digest.partition(":")[2]

    def all(self) -> dict[str, ManifestList]:
        """All lists by their ids, with the names that are theirs; those that cannot be read are left out."""
        found = {}
        for list_id in self._shelf.ids():
            try:
                found[list_id] = self.get(list_id)
            except ArgosyError:
                continue  # `system check` names it
        return found

    def _named(self, name: Reference) -> str:
        """The id of the list with exactly this name; "" when there is none."""
        return next((list_id for list_id, found in self.all().items() if str(name) in found.names), "")

    def find(self, text: str, registries: LoadRegistries | None = None) -> str:
        """The id of the list with this name, id, or beginning of an id.  Raises ImageNotKnown.

        A short name may be that of `localhost`, of one of the registries to search, or the end of one.
        """
        return self._look_up(text, registries)[0]

    def _look_up(self, text: str, registries: LoadRegistries | None) -> tuple[str, str]:
        """The id of the list that is meant, and the name by which it was found; "" when that was an id."""
        holders = {name: list_id for list_id, found in self.all().items() for name in found.names}
        for name in _meant(text, registries, holders):
            if name in holders:
                return holders[name], name
        try:
            return self._shelf.find(text.removeprefix("sha256:")), ""
        except NotFound:
            raise ImageNotKnown(text) from None

    def meant(self, text: str, registries: LoadRegistries) -> str:
        """The id of the list that `text` means where an image may be meant as well; "" when it means none.

        Where an image has that name, it is the image.
        """
        if not self._shelf.ids() or by_name(self._store, registries, text) is not None:
            return ""
        try:
            return self.find(text, registries)
        except ArgosyError:
            return ""

    def get(self, list_id: str) -> ManifestList:
        """The list with this id, and the names that are still its own."""
        found = ManifestList.from_json(jsontext.decode(self._shelf.read(list_id, _FILE), _FILE))
        own = tuple(name for name in found.names if self._store.refs.get(references.parse(name)) is None)
        return found if own == found.names else found.replace(names=own)

    def change(self, list_id: str, make: Callable[[ManifestList], ManifestList]) -> ManifestList:
        """Replace the list by what `make` makes of it."""
        with self._shelf.lock(list_id):
            new = make(self.get(list_id))
            self._shelf.write(list_id, _FILE, jsontext.encode(new.to_json()), durable=True)
            return new

    def name(self, list_id: str, names: Sequence[Reference]) -> None:
        """Give the list these names; an image or another list that had one of them loses it."""
        with locked(self._store):
            for name in names:
                self._store.refs.remove(name)
                self.take(name)
            own = self.get(list_id).names
            new = tuple(dict.fromkeys((*own, *map(str, names))))
            self.change(list_id, lambda found: found.replace(names=new))

    def take(self, name: Reference) -> bool:
        """Take the name from the list that has it, with names locked; false when none has."""
        holder = self._named(name)
        if holder:
            self.change(holder, lambda found: found.replace(names=tuple(n for n in found.names if n != str(name))))
        return bool(holder)

    def drop(
        self, text: str, registries: LoadRegistries | None = None, *, force: bool = False
    ) -> tuple[tuple[str, ...], str]:
        """Take the name that `text` is from its list; the last one goes with the list.

        An id takes all names, if there is one or with `force`.  The names taken, and the id of a list that is gone.
        Raises ImageNotKnown, ArgosyError in podman's words.
        """
        with locked(self._store):
            list_id, name = self._look_up(text, registries)
            names = self.get(list_id).names
            if name and len(names) > 1:
                self.take(references.parse(name))
                return (name,), ""
            if len(names) > 1 and not force:
                raise ArgosyError(
                    f'unable to delete image "{list_id}" by ID with more than one tag ([{" ".join(names)}]): '
                    "please force removal",
                    hint="name the one that shall go, or use --force to remove them all",
                )
            self.remove(list_id)
            return names, list_id

    def remove(self, list_id: str) -> None:
        """Forget the list; its images stay."""
        with self._shelf.lock(list_id):
            self._shelf.remove(list_id)


def _meant(text: str, registries: LoadRegistries | None, known: Iterable[str]) -> list[str]:
    """The names in full that `text` may mean, those of `known` among them that it is the end of."""
    try:
        local = references.parse(text, default_registry=LOCALHOST)
    except Invalid:
        return []
    if not references.is_short(text):
        return [str(local)]
    named = [local, references.parse(text)] if registries is None else candidates(registries(), text, local)
    ending = f"/{local.repository}:{local.tag}"
    return [*map(str, named), *(name for name in known if name.endswith(ending))]


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

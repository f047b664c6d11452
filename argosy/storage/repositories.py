"""Repositories: what the built-in registry and the cache serve under which name.  The bytes are the store's blobs.

    repositories/<name, + for />/blobs/<digest>              the sha256 digest that the blob is stored by
                                 manifests/<digest>.json     media type, size, what it refers to
                                 referrers/<digest>/<digest> an entry of the list of what refers to a manifest
                                 tags/<tag>                  the digest of a manifest

A digest may be of sha256 or sha512; the store has each blob once.  An entry of `referrers` counts only while its
manifest is there, and is written before it.  Every change is one rename, on disk when the method returns.
"""

from __future__ import annotations

import os
import time

from argosy import jsontext
from argosy.errors import ArgosyError, Exists, NotFound
from argosy.linux import files
from argosy.oci import digest as digests
from argosy.records.scratch import Scratch
from argosy.records.shelf import Damaged, read_sealed, seal
from argosy.storage.blobs import STABLE_MODE
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from argosy.oci.digest import Digest
    from argosy.storage.store import Store

SERVED, CACHED = "repositories", "cached"
_PARTS = ("blobs", "manifests", "referrers", "tags")
_LINK_LIMIT = 1024
# How long a blob is kept for the manifest that will name it.
_KEEP_UNNAMED_S = 24 * 3600


class ManifestRecord(Value):
    """A manifest in a repository.  `stored` is the digest that the store has it by, `parts` the digests it names."""

    stored: str
    media_type: str
    size: int
    parts: tuple[str, ...] = ()
    subject: str = ""


class Repositories:
    """All repositories of one kind: SERVED by the registry or CACHED."""

    def __init__(self, store: Store, kind: str = SERVED) -> None:
        self._store = store
        self._shelf = store.shelf(kind)

    def names(self) -> list[str]:
        """The names of all repositories, in order."""
        return sorted(object_id.replace("+", "/") for object_id in self._shelf.ids())

    def find(self, name: str) -> Repository:
        """The repository of this name.  Raises NotFound."""
        object_id = name.replace("/", "+")
        if not self._shelf.exists(object_id):
            raise NotFound(self._shelf.kind, name)
        return Repository(self._store, name, self._shelf.path(object_id))

    def obtain(self, name: str) -> Repository:
        """The repository of this name, made if there is none."""
        object_id = name.replace("/", "+")
        if not self._shelf.exists(object_id):
            with self._shelf.stage(object_id) as staged:
                for part in _PARTS:
                    os.mkdir(f"{staged.path}/{part}", 0o700)
                try:
                    staged.commit(durable=True)
                except Exists:
                    pass  # another client was quicker
        return Repository(self._store, name, self._shelf.path(object_id))


class Repository:
    """One repository.  Methods may block; they can be called from several threads and processes at once."""

    def __init__(self, store: Store, name: str, path: str) -> None:
        self.name = name
        self.path = path
        self._store = store

    def blob(self, digest: Digest) -> Digest | None:
        """The digest that the store has the blob by; None when it is not in this repository, or not in the store.

        A blob that was asked for is kept a while longer for the manifest that is to name it.
        """
        path = f"{self.path}/blobs/{digest}"
        stored = _read_digest(path)
        if stored is None or not self._store.blobs.has(stored):
            return None
        try:
            _touch(path)
        except FileNotFoundError:
            return None
        return stored

    def add_blob(self, digest: Digest, stored: Digest, path: str = "") -> bool:
        """Have the blob in this repository: the finished file at `path`, or else what the store has; whether it had.

        The file is one that `Upload.finish` has made stable.
        """
        with self._store.collection_lock():
            if path:
                self._store.blobs.adopt_stable(stored, path)
            elif not self._store.blobs.has(stored):
                return False
            files.write_atomic(f"{self.path}/blobs/{digest}", f"{stored}\n".encode(), durable=True)
        return True

    def remove_blob(self, digest: Digest) -> bool:
        """Take the blob out of this repository; false when it was not there."""
        return _unlinked(f"{self.path}/blobs/{digest}")

    def manifest(self, digest: Digest) -> ManifestRecord | None:
        """The record of a manifest; None when there is none.  Raises Damaged."""
        path = self._manifest_path(digest)
        try:
            data = read_sealed(path, f"record of manifest {digest}")
        except FileNotFoundError:
            return None
        return ManifestRecord.from_json(jsontext.decode(data, path))

    def _manifest_path(self, digest: str) -> str:
        return f"{self.path}/manifests/{digest}.json"

    def add_manifest(
        self,
        digest: Digest,
        data: bytes,
        record: ManifestRecord,
        *,
        tag: str = "",
        referrer: dict[str, Any] | None = None,
    ) -> str:
        """Have the manifest, under `tag` if one is given: the first of its parts that is not here, "" when all are.

        Nothing is changed unless all are here.  `referrer` is its entry in the list of `record.subject`.
        """
        with Scratch(self._store.tmp) as scratch:
            path = f"{scratch.path}/manifest"
            files.write_atomic(path, data, mode=STABLE_MODE, durable=True)
            with self._store.collection_lock():
                for part in record.parts:
                    if not self.holds(digests.parse(part)):
                        return part
                self._store.blobs.adopt_stable(record.stored, path)
                if referrer is not None:
                    self._refer(record.subject, digest, referrer)
                files.write_atomic(self._manifest_path(digest), seal(jsontext.encode(record.to_json())), durable=True)
                if tag:
                    self.set_tag(tag, digest)
        return ""

    def holds(self, digest: Digest) -> bool:
        """Whether the digest is that of a blob or manifest here."""
        return self.blob(digest) is not None or os.path.exists(self._manifest_path(digest))

    def size(self, digest: Digest) -> int | None:
        """The size of the blob or manifest that has this digest here; None when neither is here."""
        stored = self.blob(digest)
        if stored is not None:
            return self._store.blobs.size(stored)
        record = self.manifest(digest)
        return None if record is None else record.size

    def remove_manifest(self, digest: Digest) -> bool:
        """Take the manifest out of this repository, its tags first; false when it was not there."""
        record = self.manifest(digest)
        if record is None:
            return False
        for tag in self.tags():
            if self.tag(tag) == digest:
                self.remove_tag(tag)
        removed = _unlinked(self._manifest_path(digest))
        if record.subject:
            files.unlink_missing(f"{self.path}/referrers/{record.subject}/{digest}")
        return removed

    def manifests(self) -> list[Digest]:
        """The digests of all manifests."""
        names = [name.removesuffix(".json") for name in _names(f"{self.path}/manifests")]
        return [digests.parse(name) for name in names]

    def use_manifest(self, digest: Digest) -> None:
        """Note that the manifest was used now, as `blob` does for blobs."""
        try:
            _touch(self._manifest_path(digest))
        except FileNotFoundError:
            pass

    def last_uses(self) -> Iterator[tuple[float, Digest, Digest]]:
        """When each manifest and blob was used last, its digest, and the digest that the store has it by."""
        for digest in self.manifests():
            try:
                record = self.manifest(digest)
                if record is not None:
                    used = os.stat(self._manifest_path(digest)).st_mtime
                    yield used, digest, digests.parse(record.stored)
            except (ArgosyError, FileNotFoundError):
                continue
        for name in _names(f"{self.path}/blobs"):
            try:
                stored = _read_digest(f"{self.path}/blobs/{name}")
                if stored is not None:
                    yield os.stat(f"{self.path}/blobs/{name}").st_mtime, digests.parse(name), stored
            except (ArgosyError, FileNotFoundError):
                continue

    def remove(self, digest: Digest) -> None:
        """Take what has this digest out of the repository, be it manifest or blob."""
        try:
            self.remove_manifest(digest)
        except Damaged:
            _unlinked(self._manifest_path(digest))
        self.remove_blob(digest)

    def tags(self) -> list[str]:
        """All tags, in order."""
        return _names(f"{self.path}/tags")

    def tag(self, tag: str) -> Digest | None:
        """The digest that a tag means; None when there is no such tag."""
        return _read_digest(f"{self.path}/tags/{tag}")

    def tag_age_s(self, tag: str) -> float:
        """How long ago the tag was set, or found to be right (`confirm_tag`)."""
        try:
            return max(time.time() - os.stat(f"{self.path}/tags/{tag}").st_mtime, 0.0)
        except FileNotFoundError:
            return float("inf")

    def confirm_tag(self, tag: str) -> None:
        """The tag is right as of now."""
        try:
            os.utime(f"{self.path}/tags/{tag}")
        except FileNotFoundError:
            pass

    def set_tag(self, tag: str, digest: Digest) -> None:
        """Let the tag mean this manifest."""
        files.write_atomic(f"{self.path}/tags/{tag}", f"{digest}\n".encode(), durable=True)

    def remove_tag(self, tag: str) -> bool:
        """Forget the tag; false when it was not there."""
        return _unlinked(f"{self.path}/tags/{tag}")

    def _refer(self, subject: str, digest: Digest, entry: dict[str, Any]) -> None:
        directory = f"{self.path}/referrers/{subject}"
        if not os.path.isdir(directory):
            files.make_directories(directory)
            files.fsync_directory(os.path.dirname(directory))
        files.write_atomic(f"{directory}/{digest}", seal(jsontext.encode(entry)), durable=True)

    def referrers(self, subject: Digest) -> list[dict[str, Any]]:
        """The entries of all manifests here that refer to `subject`, by digest."""
        directory = f"{self.path}/referrers/{subject}"
        found = []
        for name in _names(directory):
            if os.path.exists(self._manifest_path(name)):
                try:
                    data = read_sealed(f"{directory}/{name}", f"referrer {name}")
                except FileNotFoundError:
                    continue
                found.append(jsontext.decode(data, name))
        return found

    def live(self, *, everything: bool) -> Iterator[str]:
        """The digests of the store's blobs that this repository needs: of manifests, their parts, and new blobs.

        Every blob of the repository counts with `everything`, or where a manifest's record cannot be read.
        """
        named: set[str] = set()
        whole = not everything
        for digest in self.manifests():
            try:
                record = self.manifest(digest)
            except ArgosyError:
                whole = False
                yield digest
                continue
            if record is not None:
                yield record.stored
                named.update(record.parts)
        for name in _names(f"{self.path}/blobs"):
            path = f"{self.path}/blobs/{name}"
            try:
                stored = _read_digest(path)
                if stored and (not whole or name in named or time.time() - os.stat(path).st_mtime < _KEEP_UNNAMED_S):
                    yield stored
            except (FileNotFoundError, Damaged):
                continue


def live(store: Store) -> Iterator[str]:
    """The digests of the blobs that repositories of any kind need."""
    for kind in (SERVED, CACHED):
        repositories = Repositories(store, kind)
        for name in repositories.names():
            try:
                yield from repositories.find(name).live(everything=kind == CACHED)
            except NotFound:
                continue


def _touch(path: str) -> None:
    """The file is used now: to the nanosecond, since the kernel's own times are those of its last tick."""
    now = time.time_ns()
    os.utime(path, ns=(now, now))


def _read_digest(path: str) -> Digest | None:
    try:
        return digests.parse(files.read(path, _LINK_LIMIT).decode("ascii", "replace").strip())
    except FileNotFoundError:
        return None
    except (OSError, ArgosyError) as error:
        raise Damaged("repository", path, str(error)) from error


def _unlinked(path: str) -> bool:
    """Remove a file for good; false when it was not there."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    files.fsync_directory(os.path.dirname(path))
    return True


def _names(directory: str) -> list[str]:
    """The finished files in a directory, in order."""
    try:
        return sorted(name for name in os.listdir(directory) if name[0] != ".")
    except FileNotFoundError:
        return []

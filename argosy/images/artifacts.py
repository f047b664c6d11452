"""OCI artifacts of the store: files under a manifest that is no image's (image-spec, manifest.md, "Guidelines for
Artifact Usage").

    artifacts/<hex of the manifest's digest>/artifact.json   names, and when it came
                                             pins            the digest, for the collection of garbage

Manifest, config and files are blobs of the store.  An artifact that loses its last name goes.
"""

from __future__ import annotations

import os
import time

from argosy import jsontext
from argosy.errors import ArgosyError, Exists, Invalid, NotFound
from argosy.images import timestamps
from argosy.images.naming import locked
from argosy.oci import digest as digests
from argosy.oci import manifest as manifests
from argosy.oci import reference as references
from argosy.oci.manifest import ImageManifest
from argosy.storage.work import PINS
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.oci.descriptor import Descriptor
    from argosy.oci.reference import Reference
    from argosy.records.shelf import Shelf
    from argosy.storage.store import Store

_FILE = "artifact.json"
CREATED = "org.opencontainers.image.created"
TITLE = "org.opencontainers.image.title"


class ArtifactRecord(Value):
    """artifact.json.  `names` are references in full, `added_at` is in seconds since the epoch."""

    manifest_digest: str
    media_type: str
    names: tuple[str, ...] = ()
    added_at: float = 0.0


class Artifact(Value):
    """An artifact with its manifest; `name` is the one that it was asked for by, else its first."""

    record: ArtifactRecord
    manifest: ImageManifest
    name: str

    @property
    def size_bytes(self) -> int:
        """All files together."""
        return sum(layer.size for layer in self.manifest.layers)

    @property
    def created_ns(self) -> int:
        """When it was made, as its manifest says, else when it came into the store."""
        said = timestamps.parse_or_zero(self.manifest.annotations.get(CREATED, ""))
        return said or int(self.record.added_at * 1e9)


class AllArtifacts(Value):
    """What is there, and the errors of what cannot be read."""

    artifacts: tuple[Artifact, ...]
    damaged: tuple[ArgosyError, ...] = ()


class Artifacts:
    """The artifacts of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def _shelf(self) -> Shelf:
        return self._store.shelf("artifacts")

    def all(self) -> AllArtifacts:
        """Each artifact under each of its names, in their order.  One that vanishes meanwhile is left out."""
        found: list[Artifact] = []
        damaged: list[ArgosyError] = []
        for record in self._records(damaged):
            try:
                manifest = self._manifest(record)
            except ArgosyError as error:
                if self._shelf.exists(digests.parse(record.manifest_digest).hex):
                    damaged.append(error)
                continue
            found += [Artifact(record, manifest, name) for name in record.names]
        return AllArtifacts(tuple(sorted(found, key=lambda artifact: artifact.name)), tuple(damaged))

    def _records(self, damaged: list[ArgosyError] | None = None) -> list[ArtifactRecord]:
        """All records that can be read; what is wrong with the others is added to `damaged`."""
        found = []
        for digits in self._shelf.ids():
            try:
                found.append(self._read(digits))
            except NotFound:
                continue
            except ArgosyError as error:
                if damaged is not None:
                    damaged.append(error)
        return found

    def _read(self, digits: str) -> ArtifactRecord:
        return ArtifactRecord.from_json(jsontext.decode(self._shelf.read(digits, _FILE), _FILE))

    def _manifest(self, record: ArtifactRecord) -> ImageManifest:
        data = self._store.blobs.read(record.manifest_digest, manifests.SIZE_LIMIT)
        found = manifests.parse(data, record.media_type, artifact=True)
        assert isinstance(found, ImageManifest)
        return found

    def find(self, text: str) -> Artifact:
        """The artifact with this name, or the only one whose digest begins so.

        Raises NotFound; Invalid where several begin so.
        """
        records = self._records()
        try:
            name = str(named(text))
        except Invalid:
            name = ""
        for record in records:
            if name in record.names:
                return Artifact(record, self._manifest(record), name)
        digits = text.removeprefix("sha256:")
        fitting = [record for record in records if record.manifest_digest[7:].startswith(digits)]
        if not digests.is_hex(digits) or not fitting:
            raise NotFound("artifact", text, hint="argosy artifact ls shows those that there are")
        if len(fitting) > 1:
            raise Invalid("artifact digest", text, "more than one artifact has a digest that begins so")
        return Artifact(fitting[0], self._manifest(fitting[0]), fitting[0].names[0])

    def put(self, manifest_digest: str, media_type: str, name: str, *, replace: bool) -> None:
        """Let `name` mean the artifact, whose blobs are in the store and pinned.  Stable on disk when it returns.

        Raises Exists when the name means another one, unless `replace`.
        """
        with locked(self._store):
            for record in self._records():
                if name in record.names and record.manifest_digest != manifest_digest:
                    if not replace:
                        raise Exists("artifact", name, hint="see --replace and --append")
                    self._without(record, name)
            digits = digests.parse(manifest_digest).hex
            try:
                old = self._read(digits)
            except NotFound:
                self._make(digits, ArtifactRecord(manifest_digest, media_type, (name,), time.time()))
            else:
                self._write(old.replace(names=tuple(dict.fromkeys((*old.names, name)))))

    def _make(self, digits: str, record: ArtifactRecord) -> None:
        with self._store.collection_lock(), self._shelf.stage(digits) as staged:
            staged.write(_FILE, jsontext.encode(record.to_json()))
            staged.write(PINS, f"{record.manifest_digest}\n".encode())
            staged.commit(durable=True)

    def _write(self, record: ArtifactRecord) -> None:
        digits = digests.parse(record.manifest_digest).hex
        self._shelf.write(digits, _FILE, jsontext.encode(record.to_json()), durable=True)

    def _without(self, record: ArtifactRecord, name: str) -> None:
        names = tuple(other for other in record.names if other != name)
        if names:
            self._write(record.replace(names=names))
        else:
            self._shelf.remove(digests.parse(record.manifest_digest).hex)

    def remove(self, artifact: Artifact) -> None:
        """Take the artifact's name away, and with the last one the artifact; its blobs go with the next collection."""
        with locked(self._store):
            try:
                self._without(self._read(digests.parse(artifact.record.manifest_digest).hex), artifact.name)
            except NotFound:
                pass  # another process was faster

    def extract(self, artifact: Artifact, target: str, *, digest: str = "", title: str = "") -> None:
        """Write the artifact's files, or the one with this digest or title, into the directory or file `target`."""
        chosen = [
            layer
            for layer in artifact.manifest.layers
            if digest in ("", layer.digest) and title in ("", layer.annotations.get(TITLE))
        ]
        if not chosen:
            raise NotFound("file in the artifact", digest or title or artifact.name)
        if os.path.isdir(target):
            files = {layer.digest: f"{target}/{_file_name(layer, by_digest=bool(digest))}" for layer in chosen}
            if len(set(files.values())) < len(files):
                raise Invalid("artifact", artifact.name, "several of its files have the same title")
        elif len(chosen) > 1:
            raise Invalid("target", target, "the artifact has several files: name a directory, or one by --title")
        else:
            files = {chosen[0].digest: target}
        for wanted, path in files.items():
            self._extract(wanted, path)

    def _extract(self, digest: str, path: str) -> None:
        source = self._store.blobs.open(digest)
        hasher = digests.hasher()
        temporary = f"{path}.{os.urandom(4).hex()}~"
        try:
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
            try:
                with open(fd, "wb") as file:
                    while block := os.read(source, 1 << 20):
                        hasher.update(block)
                        file.write(block)
                if f"sha256:{hasher.hexdigest()}" != digest:
                    raise Invalid("blob", digest, "the store has other bytes", hint="argosy system check --repair")
                os.rename(temporary, path)
            except BaseException:
                os.unlink(temporary)
                raise
        except OSError as error:
            raise ArgosyError(f"cannot write {path}: {str(error.strerror).lower()}") from error
        finally:
            os.close(source)


def _file_name(layer: Descriptor, *, by_digest: bool) -> str:
    """The name of a file in a directory: a title that is a path could lead anywhere."""
    title = "" if by_digest else layer.annotations.get(TITLE, "")
    if "/" in title or title in (".", "..") or not title.isprintable():
        raise Invalid("title of a file in the artifact", title, "it is not the name of a file")
    return title or layer.digest.replace(":", "-")


def named(text: str) -> Reference:
    """The reference by which an artifact is kept: in full, as registries.conf's aliases do not apply to artifacts."""
    return references.parse(text)

"""Save: images of the store into an archive or a directory that other programs, and `load`, read.

A docker-archive holds layers uncompressed, each under its diff id; an OCI layout holds blobs, manifests and configs as
they came.  The same images give the same bytes.
"""

from __future__ import annotations

import os

from argosy import jsontext
from argosy.archive.compression import Decompressor
from argosy.errors import ArgosyError, Invalid
from argosy.images import convert
from argosy.images.ahead import ahead
from argosy.images.convert import Form
from argosy.images.progress import Progress
from argosy.oci import digest as digests
from argosy.oci import imageconfig, mediatypes
from argosy.oci import manifest as manifests
from argosy.oci import reference as references
from argosy.oci.descriptor import Descriptor
from argosy.oci.manifest import ImageManifest, Index
from argosy.transports import directory, docker_archive, layout
from argosy.transports.storage import StorageSource
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Protocol

    from argosy.oci.reference import Reference
    from argosy.registry.client import RawManifest
    from argosy.registry.streams import BlobStream
    from argosy.storage.images import ImageRecord
    from argosy.storage.store import Store
    from argosy.transports.archive import Writer
    from argosy.transports.source import ImageSource

    class FileOutput(Protocol):
        """What files are written to: an archive, or a directory."""

        def add(self, path: str, size: int, blocks: Iterator[bytes]) -> None: ...
        def add_bytes(self, path: str, data: bytes) -> None: ...


class Saved(Value):
    """An image to save, and the names that it is to have there."""

    record: ImageRecord
    names: tuple[Reference, ...]


def tell(store: Store, images: Sequence[Saved], place: str) -> None:
    """Note for the log of events that the images were saved."""
    for image in images:
        store.events.write("image", "save", ID=image.record.config_digest.partition(":")[2], Name=place)


def docker_form(store: Store, images: Sequence[Saved], output: Writer, progress: Progress) -> None:
    """Write the files of a docker-archive: configs, layers, manifest.json."""
    written: set[str] = set()
    entries = []
    for image in images:
        with store.work(_pins(image.record)):
            source = _source(store, image)
            found = manifests.parse(source.manifest().data)
            assert isinstance(found, ImageManifest)
            config = source.fetch(found.config, imageconfig.SIZE_LIMIT)
            entries.append(_docker_entry(source, image, found, config, output, written, progress))
    output.add_bytes(docker_archive.MANIFEST_FILE, jsontext.encode(entries))
    tags: dict[str, dict[str, str]] = {name.name: {} for image in images for name in image.names}
    for image, entry in zip(images, entries, strict=True):
        for name in image.names:
            tags[name.name][name.tag] = str(entry["Config"]).removesuffix(".json")
    output.add_bytes("repositories", jsontext.encode(tags))


def _docker_entry(
    source: StorageSource,
    image: Saved,
    found: ImageManifest,
    config: bytes,
    output: Writer,
    written: set[str],
    progress: Progress,
) -> dict[str, object]:
    """One image's files, and its entry in manifest.json."""
    diff_ids = imageconfig.parse(config).diff_ids
    layers = []
    for diff_id, blob, known in zip(diff_ids, found.layers, image.record.layers, strict=True):
        path = f"{diff_id.hex}.tar"
        layers.append(path)
        if path not in written:
            written.add(path)
            progress.start(diff_id, blob.size, f"Copying blob {diff_id}")
            _add_plain(output, path, source, blob, diff_id)
            progress.finish(diff_id, f"Copying blob {known.diff_id} done")
    path = f"{found.config.digest.hex}.json"
    if path not in written:
        written.add(path)
        output.add_bytes(path, config)
    return {"Config": path, "RepoTags": [str(name) for name in image.names], "Layers": layers}


def _add_plain(output: Writer, path: str, source: StorageSource, blob: Descriptor, diff_id: digests.Digest) -> None:
    """A layer without its compression, in one pass where the archive's header can be written behind it."""
    kind = mediatypes.LAYER_COMPRESSION[blob.media_type]
    blocks = _plain(source.read_blob(blob), kind, diff_id)
    if kind != "none" and output.can_go_back:
        output.add_unknown(blocks, lambda: path)
        return
    output.add(path, blob.size if kind == "none" else _plain_size(source, blob, kind, diff_id), blocks)


def _plain_size(source: StorageSource, blob: Descriptor, kind: str, diff_id: digests.Digest) -> int:
    """How long the layer is without its compression: the archive wants to know before the first byte."""
    try:
        return source.store.layers.meta(diff_id).size_bytes
    except ArgosyError:
        return sum(map(len, _inflated(source.read_blob(blob), kind)))  # it is not applied, or its record is damaged


def _inflated(stream: BlobStream, kind: str) -> Iterator[bytes]:
    decompressor = Decompressor(kind)
    with stream:
        for block in stream:
            yield from decompressor.write(block)
        decompressor.finish()


def _plain(stream: BlobStream, kind: str, diff_id: digests.Digest) -> Iterator[bytes]:
    """The layer's bytes without compression, compared with the diff id at their end."""
    hasher = digests.hasher(diff_id.algorithm)
    blocks = _inflated(stream, kind)
    for data in blocks if kind == "none" else ahead(blocks):
        hasher.update(data)
        yield data
    if hasher.hexdigest() != diff_id.hex:
        raise Invalid("layer", diff_id, "its bytes in the store do not have that digest", hint="pull the image again")


def oci_form(store: Store, images: Sequence[Saved], output: FileOutput, progress: Progress, *, plain: bool) -> None:
    """Write the files of an OCI layout: blobs, oci-layout, index.json.

    Layers without compression are compressed, unless `plain` leaves them so.
    """
    written: set[str] = set()
    entries: list[Descriptor] = []
    for image in images:
        with store.work(_pins(image.record)) as work:
            source = _source(store, image)
            form = Form(format="oci", compress=not plain)
            changed, raw = convert.converted(source, source.manifest(), form, work.path)
            _oci_blobs(changed, raw, output, written, progress)
            entry = Descriptor(mediatypes.OCI_MANIFEST, raw.digest, len(raw.data))
            names = [{layout.REF_NAME: str(name)} for name in image.names] or [{}]
            entries.extend(entry.replace(annotations=annotations) for annotations in names)
    output.add_bytes(layout.LAYOUT_FILE, layout.LAYOUT)
    output.add_bytes(layout.INDEX_FILE, Index(mediatypes.OCI_INDEX, tuple(entries)).to_bytes())


def _oci_blobs(
    source: ImageSource, raw: RawManifest, output: FileOutput, written: set[str], progress: Progress
) -> None:
    found = manifests.parse(raw.data, raw.media_type)
    assert isinstance(found, ImageManifest)
    for descriptor in (*found.layers, found.config):
        path = layout.blob_path(descriptor.digest)
        if path not in written:
            written.add(path)
            progress.start(descriptor.digest, descriptor.size, f"Copying blob {descriptor.digest}")
            output.add(path, descriptor.size, _verified(source.read_blob(descriptor), descriptor.digest))
            progress.finish(descriptor.digest, f"Copying blob {descriptor.digest} done")
    output.add_bytes(layout.blob_path(raw.digest), raw.data)


def _verified(stream: BlobStream, digest: digests.Digest) -> Iterator[bytes]:
    hasher = digests.hasher(digest.algorithm)
    with stream:
        for block in stream:
            hasher.update(block)
            yield block
    if hasher.hexdigest() != digest.hex:
        raise Invalid("blob", digest, "its bytes in the store do not have that digest", hint="pull the image again")


def directory_form(store: Store, image: Saved, output: FileOutput, progress: Progress, *, compress: bool) -> None:
    """Write the files of dir:, with a manifest of Docker's schema 2; with `compress`, layers without any are."""
    with store.work(_pins(image.record)) as work:
        source = _source(store, image)
        changed, raw = convert.converted(source, source.manifest(), Form("v2s2", compress=compress), work.path)
        found = manifests.parse(raw.data, raw.media_type)
        assert isinstance(found, ImageManifest)
        for descriptor in {item.digest: item for item in (*found.layers, found.config)}.values():
            progress.start(descriptor.digest, descriptor.size, f"Copying blob {descriptor.digest}")
            stream = changed.read_blob(descriptor)
            output.add(descriptor.digest.hex, descriptor.size, _verified(stream, descriptor.digest))
            progress.finish(descriptor.digest, f"Copying blob {descriptor.digest} done")
        output.add_bytes(directory.VERSION_FILE, directory.VERSION)
        output.add_bytes(directory.MANIFEST_FILE, raw.data)


def _pins(record: ImageRecord) -> tuple[str, ...]:
    return record.manifest_digest, record.config_digest, *(layer.blob for layer in record.layers if layer.blob)


def _source(store: Store, image: Saved) -> StorageSource:
    named = image.names[0] if image.names else references.parse(f"localhost/{image.record.config_digest[7:19]}")
    return StorageSource(store, image.record, named)


class DirectoryOutput:
    """Files below a directory, which is made; it must be empty, or not be there."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._made = not os.path.lexists(path)
        try:
            os.makedirs(path, exist_ok=True)
            if os.listdir(path):
                raise Invalid("output directory", path, "it is not empty")
        except OSError as error:
            raise ArgosyError(f"cannot write to {path}: {error.strerror}") from error

    def add(self, path: str, size: int, blocks: Iterator[bytes]) -> None:
        """A file of `size` bytes."""
        place = f"{self._path}/{path}"
        written = 0
        try:
            os.makedirs(os.path.dirname(place), exist_ok=True)
            with open(place, "xb") as file:
                for block in blocks:
                    file.write(block)
                    written += len(block)
        except FileExistsError:
            return  # the same blob, under two names
        except OSError as error:
            raise ArgosyError(f"cannot write {place}: {error.strerror}") from error
        if written != size:
            raise ArgosyError(f"{place} does not have the {size} bytes that it should")

    def add_bytes(self, path: str, data: bytes) -> None:
        """A small file."""
        self.add(path, len(data), iter((data,)))

    def discard(self) -> None:
        """Remove what was written: the directory was empty before, or not there."""
        from argosy.linux import files

        for name in os.listdir(self._path):
            files.remove_tree(f"{os.path.abspath(self._path)}/{name}")
        if self._made:
            os.rmdir(self._path)

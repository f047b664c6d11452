"""An image in another form on its way to a destination: the other family of media types, compressed layers.

Nothing is converted in the store: the new documents and blobs live in the work's directory and go with it.
"""

from __future__ import annotations

import os

from argosy.errors import ArgosyError, Invalid, Unsupported
from argosy.oci import digest as digests
from argosy.oci import manifest as manifests
from argosy.oci import mediatypes
from argosy.oci.manifest import ImageManifest
from argosy.registry.client import RawManifest
from argosy.transports.storage import FileStream
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.oci.descriptor import Descriptor
    from argosy.oci.reference import Reference
    from argosy.registry.streams import BlobStream
    from argosy.transports.source import ImageSource

FORMATS = ("oci", "v2s2", "v2s1")
COMPRESSIONS = ("gzip", "zstd", "zstd:chunked")
_GZIP_LEVEL = 2  # isal's best ratio that still keeps up with a network
_ZSTD_LEVEL = 3
_LAYERS = {
    "oci": {
        "none": mediatypes.OCI_LAYER,
        "gzip": mediatypes.OCI_LAYER_GZIP,
        "zstd": mediatypes.OCI_LAYER_ZSTD,
    },
    "v2s2": {
        "none": mediatypes.DOCKER_LAYER,
        "gzip": mediatypes.DOCKER_LAYER_GZIP,
        "zstd": mediatypes.DOCKER_LAYER_ZSTD,
    },
}
_DOCUMENTS = {
    "oci": (mediatypes.OCI_MANIFEST, mediatypes.OCI_CONFIG),
    "v2s2": (mediatypes.DOCKER_MANIFEST, mediatypes.DOCKER_CONFIG),
}


class Form(Value):
    """What is wanted.  `format` "" keeps the image's own, `compression` "" that of layers which are compressed already.

    With `compress`, layers without any are compressed: by `usual`, unless `compression` says how all of them are.
    `level` 0 is the best one that still keeps up with a network.
    """

    format: str = ""
    compression: str = ""
    compress: bool = False
    usual: str = "gzip"
    level: int = 0


def check(form: Form) -> None:
    """Raise Unsupported or Invalid for a form that cannot be had."""
    if form.format == "v2s1":
        raise Unsupported(
            "images cannot be written as Docker schema 1 any more",
            details="it has no config digest, and registries and engines have dropped it",
            hint="use --format oci or v2s2",
        )
    if form.format and form.format not in FORMATS:
        raise Invalid("manifest type", form.format, "it must be oci, v2s1 or v2s2")
    if "zstd:chunked" in (form.compression, form.usual):
        raise Unsupported("argosy does not write zstd:chunked", hint="use zstd: every puller reads it in the same time")
    if form.compression and form.compression not in COMPRESSIONS:
        raise Invalid("compression format", form.compression, f"it must be one of {', '.join(COMPRESSIONS)}")
    if form.format == "v2s2" and form.compression == "zstd":
        raise Invalid("compression format", "zstd", "Docker schema 2 has gzip only", hint="use --format oci")


def converted(source: ImageSource, raw: RawManifest, form: Form, directory: str) -> tuple[ImageSource, RawManifest]:
    """The source and the manifest in the form that is wanted: the same ones where nothing changes.

    `directory` takes new blobs.  Raises as `check`, ArgosyError when a layer cannot be read or written.
    """
    check(form)
    image = manifests.parse(raw.data, raw.media_type)
    assert isinstance(image, ImageManifest)
    own = "v2s2" if image.media_type == mediatypes.DOCKER_MANIFEST else "oci"
    family = form.format or own
    if not form.format and family == "v2s2" and form.compression == "zstd":
        family = "oci"  # as podman does: Docker's types have no zstd
    files: dict[str, str] = {}
    layers = tuple(_layer(source, layer, family, form, directory, files) for layer in image.layers)
    if family == own and layers == image.layers:
        return source, raw
    manifest_type, config_type = _DOCUMENTS[family]
    config = image.config.replace(media_type=config_type)
    annotations = image.annotations if family == "oci" else {}
    data = image.replace(media_type=manifest_type, config=config, layers=layers, annotations=annotations).to_bytes()
    made = RawManifest(data, manifest_type, digests.of_bytes(data))
    return ConvertedSource(source, made, files), made


def _layer(
    source: ImageSource, layer: Descriptor, family: str, form: Form, directory: str, files: dict[str, str]
) -> Descriptor:
    """The descriptor of the layer in its new form, whose bytes are written where they change."""
    kind = mediatypes.LAYER_COMPRESSION[layer.media_type]
    wanted = form.compression or (form.usual if form.compress and kind == "none" else kind)
    if family == "v2s2" and wanted == "zstd":
        wanted = "gzip"
    if wanted == kind:
        return layer.replace(media_type=_LAYERS[family][kind])
    path = f"{directory}/{len(files)}.{wanted}"
    with source.read_blob(layer) as stream:
        digest, size = _compress(stream, layer, kind, _compressor(wanted, form.level), path)
    files[digest] = path
    return layer.replace(media_type=_LAYERS[family][wanted], digest=digests.parse(digest), size=size)


def _compress(stream: BlobStream, layer: Descriptor, kind: str, compressor: Any, path: str) -> tuple[str, int]:
    """Write the layer anew; its digest and size.  The bytes that are read are compared with their digest."""
    from argosy.archive.compression import Decompressor

    came, made = digests.hasher(layer.digest.algorithm), digests.hasher()
    size = 0
    decompressor = Decompressor(kind)
    try:
        with open(path, "wb", buffering=0) as file:

            def write(data: bytes) -> None:
                nonlocal size
                made.update(data)
                size += len(data)
                rest = memoryview(data)
                while rest:
                    rest = rest[file.write(rest) :]

            for block in stream:
                came.update(block)
                for plain in decompressor.write(block):
                    write(compressor.compress(plain))
            decompressor.finish()
            write(compressor.flush())
    except OSError as error:
        raise ArgosyError(
            f"cannot compress layer {layer.digest}: {error.strerror}", hint="make room with `argosy system prune`"
        ) from error
    if came.hexdigest() != layer.digest.hex:
        raise Invalid("layer", str(layer.digest), "its bytes do not have that digest", hint="pull the image again")
    return f"sha256:{made.hexdigest()}", size


def _compressor(kind: str, level: int = 0) -> Any:
    """An object with compress(data) and flush(); the same bytes for the same input and library."""
    if kind == "zstd":
        from argosy.archive.compression import zstd_compressor

        return zstd_compressor(level or _ZSTD_LEVEL)
    import zlib

    if level:  # isal has other ones
        return zlib.compressobj(min(level, 9), zlib.DEFLATED, 31)
    try:
        from isal import isal_zlib
    except ImportError:
        return zlib.compressobj(6, zlib.DEFLATED, 31)
    return isal_zlib.compressobj(_GZIP_LEVEL, isal_zlib.DEFLATED, 31)


class ConvertedSource:
    """An `ImageSource` over another one, some of whose blobs are files here."""

    def __init__(self, source: ImageSource, made: RawManifest, files: dict[str, str]) -> None:
        self._source = source
        self._made = made
        self._files = files
        self.reference: Reference = source.reference

    def manifest(self, digest: str | None = None) -> RawManifest:
        """The new manifest."""
        return self._made if digest in (None, str(self._made.digest)) else self._source.manifest(digest)

    def read_blob(self, descriptor: Descriptor, offset: int = 0) -> BlobStream:
        """A blob, new or old."""
        path = self._files.get(descriptor.digest)
        if path is None:
            return self._source.read_blob(descriptor, offset)
        return FileStream(os.open(path, os.O_RDONLY | os.O_CLOEXEC), descriptor.size, offset)

    def fetch(self, descriptor: Descriptor, limit: int) -> bytes:
        """As the source has it: configs do not change."""
        return self._source.fetch(descriptor, limit)

    def tags(self) -> list[str]:
        """Those of the source."""
        return self._source.tags()

    def close(self) -> None:
        """Close the source."""
        self._source.close()

"""An image in another form on its way to a destination: the other family of media types, layers written anew.

Nothing is converted where the image is: the new documents and blobs live in a directory of the copy and go with it.
Layers are converted several at once, each in one pass (`images.relayer`).
"""

from __future__ import annotations

import os
import threading

from argosy.errors import ArgosyError, Invalid, Unsupported
from argosy.images import workers
from argosy.oci import digest as digests
from argosy.oci import manifest as manifests
from argosy.oci import mediatypes
from argosy.oci.manifest import ImageManifest
from argosy.registry.client import RawManifest
from argosy.transports.destination import COMPRESS, Abilities
from argosy.transports.storage import FileStream
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.encryption.layers import Keys
    from argosy.oci.descriptor import Descriptor
    from argosy.oci.reference import Reference
    from argosy.registry.streams import BlobStream
    from argosy.transports.source import ImageSource

FORMATS = ("oci", "v2s2", "v2s1")
COMPRESSIONS = ("gzip", "zstd", "zstd:chunked")
_FOREIGN = {"oci": mediatypes.OCI_FOREIGN, "v2s2": mediatypes.DOCKER_FOREIGN}
_DOCUMENTS = {
    "oci": (mediatypes.OCI_MANIFEST, mediatypes.OCI_CONFIG),
    "v2s2": (mediatypes.DOCKER_MANIFEST, mediatypes.DOCKER_CONFIG),
}
_HIGHEST_LEVEL = {"gzip": 9, "zstd": 22}
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


class Form(Value):
    """What is wanted.  `format` "" keeps the image's own, `compression` "" that of layers which are compressed already.

    With `compress`, layers without any are compressed: by `usual`, unless `compression` says how all of them are
    ("none": not at all).  `level` 0 is the best one that still keeps up with a network.  `keys` decrypt and encrypt.
    """

    format: str = ""
    compression: str = ""
    compress: bool = False
    usual: str = "gzip"
    level: int = 0
    keys: Keys | None = None

    def fitting(self, abilities: Abilities) -> Form:
        """The same, with what the destination does by itself."""
        return self.replace(compress=True) if abilities.layers == COMPRESS else self

    def preserving(self) -> Form:
        """What is left of it where digests are to be preserved: keys, with which that may fail."""
        return Form(keys=self.keys)


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
    if form.compression and form.compression not in (*COMPRESSIONS, "none"):
        raise Invalid("compression format", form.compression, f"it must be one of {', '.join(COMPRESSIONS)}")
    if form.format == "v2s2" and form.compression == "zstd":
        raise Invalid("compression format", "zstd", "Docker schema 2 has gzip only", hint="use --format oci")
    if form.format == "v2s2" and form.keys is not None and form.keys.encrypts:
        raise Invalid("manifest type", "v2s2", "Docker schema 2 has no encrypted layers", hint="use --format oci")


def check_level(compression: str, level: int) -> None:
    """Raise ArgosyError for a level that the compression does not have; 0 is for its own choice."""
    highest = _HIGHEST_LEVEL.get(compression, 9)
    if not 0 <= level <= highest:
        raise ArgosyError(f"compression level {level} does not exist: {compression} has 1 to {highest}")


def family_of(media_type: str) -> str:
    """Which family a document belongs to."""
    return "v2s2" if media_type in (mediatypes.DOCKER_MANIFEST, mediatypes.DOCKER_LIST) else "oci"


def family(own: str, form: Form, abilities: Abilities, place: str) -> str:
    """The family that an image of the family `own` is written in.  Raises Unsupported."""
    if form.format:
        if form.format not in abilities.families:
            raise Unsupported(f"{place} cannot hold an image in the format {form.format}", hint="leave out --format")
        return form.format
    if "oci" in abilities.families and own == "v2s2":
        encrypted = form.keys is not None and form.keys.encrypts
        if encrypted or "zstd" in (form.compression, form.usual if form.compress else ""):
            return "oci"  # as podman does: Docker's types have neither
    return own if own in abilities.families else abilities.families[0]


def converted(
    source: ImageSource,
    raw: RawManifest,
    form: Form,
    directory: str,
    abilities: Abilities = Abilities(),  # noqa: B008 -- frozen
    place: str = "the destination",
) -> tuple[ImageSource, RawManifest]:
    """The source and the manifest in the form that is wanted: the same ones where nothing changes.

    `directory` takes new blobs.  Raises as `check`, ArgosyError when a layer cannot be read or written.
    """
    check(form)
    image = manifests.parse(raw.data, raw.media_type, artifact=True)
    assert isinstance(image, ImageManifest)
    own = family_of(image.media_type)
    wanted = family(own, form, abilities, place)
    is_image = image.config.media_type in mediatypes.CONFIGS
    if wanted == "v2s2" and own == "oci" and not is_image:
        raise Unsupported(f"an artifact of type {image.config.media_type} cannot be written as Docker schema 2")
    if not is_image:
        return source, raw
    layers, files = _Layers(source, image, wanted, form, directory).convert()
    if wanted == own and layers == image.layers:
        return source, raw
    manifest_type, config_type = _DOCUMENTS[wanted]
    config = image.config.replace(media_type=config_type)
    annotations = image.annotations if wanted == "oci" else {}
    data = image.replace(media_type=manifest_type, config=config, layers=layers, annotations=annotations).to_bytes()
    made = RawManifest(data, manifest_type, digests.of_bytes(data))
    return ConvertedSource(source, made, files), made


class _Layers:
    """The layers of one image on their way into another form."""

    def __init__(self, source: ImageSource, image: ImageManifest, wanted: str, form: Form, directory: str) -> None:
        self._source = source
        self._layers = image.layers
        self._family = wanted
        self._form = form
        self._directory = directory
        self._encrypted = form.keys.indices(len(image.layers)) if form.keys is not None else frozenset()
        self._made: dict[int, Descriptor] = {}
        self._files: dict[str, str] = {}

    def convert(self) -> tuple[tuple[Descriptor, ...], dict[str, str]]:
        """The layers' new descriptors, and the files of those whose bytes change, by their digests."""
        pending = list(reversed(range(len(self._layers))))
        if any(self._changes(position) for position in pending):
            workers.run(pending, self._convert, len(os.sched_getaffinity(0)), threading.Event())
        else:
            for position in pending:
                self._convert(position)
        return tuple(self._made[position] for position in range(len(self._layers))), self._files

    def _changes(self, position: int) -> bool:
        layer = self._layers[position]
        kind = mediatypes.LAYER_COMPRESSION.get(layer.media_type.removesuffix(mediatypes.ENCRYPTED))
        return kind is not None and (self._crypted(position, layer) or self._wanted(kind) != kind)

    def _crypted(self, position: int, layer: Descriptor) -> bool:
        keys = self._form.keys
        return keys is not None and (
            position in self._encrypted or (keys.decrypts and layer.media_type.endswith(mediatypes.ENCRYPTED))
        )

    def _wanted(self, kind: str) -> str:
        """The compression that a layer with `kind` of it is to have."""
        form = self._form
        wanted = form.compression or (form.usual if form.compress and kind == "none" else kind)
        return "gzip" if self._family == "v2s2" and wanted == "zstd" else wanted

    def _convert(self, position: int) -> None:
        layer = self._layers[position]
        locked = layer.media_type.endswith(mediatypes.ENCRYPTED)
        kind = mediatypes.LAYER_COMPRESSION.get(layer.media_type.removesuffix(mediatypes.ENCRYPTED))
        if kind is None or (locked and (self._form.keys is None or not self._form.keys.decrypts)):
            self._made[position] = layer  # not to be looked into: it goes as it is
            return
        if layer.urls and layer.media_type in mediatypes.FOREIGN:
            self._made[position] = layer.replace(media_type=_FOREIGN[self._family][kind])
            return
        from argosy.images import relayer

        keys = self._form.keys if self._crypted(position, layer) else None
        wanted = self._wanted(kind)
        if keys is None and wanted == kind:
            self._made[position] = layer.replace(media_type=_LAYERS[self._family][kind])
            return
        path = f"{self._directory}/{position}.{os.urandom(4).hex()}"
        made = relayer.rewrite(
            self._source,
            layer,
            path,
            (kind, wanted, self._form.level),
            keys,
            encrypt=position in self._encrypted,
        )
        suffix = mediatypes.ENCRYPTED if position in self._encrypted else ""
        self._made[position] = made.replace(media_type=_LAYERS[self._family][wanted] + suffix)
        self._files[made.digest] = path


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

    def discard(self) -> None:
        """Remove the files."""
        for path in self._files.values():
            try:
                os.unlink(path)
            except FileNotFoundError:
                pass

    def close(self) -> None:
        """Close the source, and remove the files."""
        self.discard()
        self._source.close()

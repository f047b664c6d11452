"""Sigstore signatures beside the image at its registry: the image `REPOSITORY:sha256-HEX.sig`, as cosign has it.

Each layer is a payload, its annotations hold the signature.
"""

from __future__ import annotations

from argosy import jsontext
from argosy.errors import ArgosyError, Unsupported
from argosy.oci import digest as digests
from argosy.oci import manifest as manifests
from argosy.oci import mediatypes
from argosy.oci.descriptor import Descriptor
from argosy.oci.manifest import ImageManifest
from argosy.registry.client import RawManifest
from argosy.registry.faults import Unknown
from argosy.registry.streams import BytesStream
from argosy.signatures import blob
from argosy.signatures.blob import Sigstore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from argosy.oci.reference import Reference
    from argosy.registry.streams import OpenBlob
    from argosy.transports.destination import ImageDestination
    from argosy.transports.source import ImageSource

    OpenSource = Callable[[Reference], ImageSource]
    OpenDestination = Callable[[Reference], ImageDestination]

_PAYLOAD_LIMIT = 256 << 10


def name(reference: Reference, digest: str) -> Reference:
    """Where the signatures of the manifest with this digest are."""
    parsed = digests.parse(digest)
    return reference.replace(tag=f"{parsed.algorithm}-{parsed.hex}.sig", digest="")


def read(reference: Reference, digest: str, open_source: OpenSource) -> list[Sigstore]:
    """The signatures; what else is kept there (attestations) is left out."""
    source = open_source(name(reference, digest))
    try:
        image = _manifest(source)
        if image is None:
            return []
        wanted = [layer for layer in image.layers if layer.media_type == blob.PAYLOAD_TYPE]
        return [
            Sigstore(layer.media_type, source.fetch(layer, _PAYLOAD_LIMIT), dict(layer.annotations)) for layer in wanted
        ]
    finally:
        source.close()


def _manifest(source: ImageSource) -> ImageManifest | None:
    """The image that holds the signatures; None when there is none."""
    try:
        raw = source.manifest()
    except Unknown:
        return None
    found = manifests.parse(raw.data, raw.media_type, artifact=True)
    if not isinstance(found, ImageManifest):
        raise Unsupported(f"{source.reference}: this is an index, where an image with signatures is expected")
    return found


def write(
    reference: Reference,
    digest: str,
    signatures: Sequence[Sigstore],
    open_source: OpenSource,
    open_destination: OpenDestination,
) -> None:
    """Add the signatures to those that are there."""
    place = name(reference, digest)
    source = open_source(place)
    try:
        before = _manifest(source)
    finally:
        source.close()
    layers = list(before.layers) if before else []
    payloads = {}
    for signature in signatures:
        descriptor = Descriptor(
            signature.media_type,
            digests.of_bytes(signature.payload),
            len(signature.payload),
            annotations=dict(signature.annotations),
        )
        payloads[descriptor.digest] = signature.payload
        if descriptor not in layers:
            layers.append(descriptor)
    if len(layers) > blob.COUNT_LIMIT:
        raise ArgosyError(f"{place} has {blob.COUNT_LIMIT} signatures: there is no room for more")
    config = _config(layers)
    described = Descriptor(mediatypes.OCI_CONFIG, digests.of_bytes(config), len(config))
    image = ImageManifest(mediatypes.OCI_MANIFEST, described, tuple(layers))
    _send(open_destination(place), image, {**payloads, described.digest: config})


def _config(layers: Sequence[Descriptor]) -> bytes:
    """The config of an image without a platform, whose layers are not archives."""
    return jsontext.encode(
        {
            "architecture": "",
            "os": "",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [str(layer.digest) for layer in layers]},
        }
    )


def _send(destination: ImageDestination, image: ImageManifest, blobs: dict[digests.Digest, bytes]) -> None:
    try:
        for descriptor in (*image.layers, image.config):
            data = blobs.get(descriptor.digest)
            if data is not None and not destination.has_blob(descriptor):
                destination.put_blob(descriptor, _opener(data), lambda _count: None)
        data = image.to_bytes()
        destination.put_manifest(RawManifest(data, image.media_type, digests.of_bytes(data)), main=True)
        destination.commit()
    finally:
        destination.close()


def _opener(data: bytes) -> OpenBlob:
    return lambda offset: BytesStream(data, offset)

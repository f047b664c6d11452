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
    from argosy.transports.docker import DockerDestination
    from argosy.transports.source import ImageSource

    OpenSource = Callable[[Reference], ImageSource]
    OpenDestination = Callable[[Reference], DockerDestination]
    Payload = tuple[Descriptor, bytes]

_PAYLOAD_LIMIT = 256 << 10
_TRIES = 5


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
    """Add the signatures to those that are there.

    Registries know no "write if unchanged".  Of processes of one user on one host one writes after the other; what
    somebody elsewhere has written over is written again, with what he wrote.
    """
    place = name(reference, digest)
    payloads = [(_descriptor(signature), signature.payload) for signature in signatures]
    destination = open_destination(place)
    try:
        with destination.claim():
            for _ in range(_TRIES):
                layers = _layers(place, open_source)
                missing = [descriptor for descriptor, _ in payloads if descriptor not in layers]
                if not missing:
                    return
                _send(destination, place, [*layers, *missing], payloads)
            if all(descriptor in _layers(place, open_source) for descriptor, _ in payloads):
                return
    finally:
        destination.close()
    raise ArgosyError(f"{place}: others keep writing signatures over ours", hint="sign the image again")


def _layers(place: Reference, open_source: OpenSource) -> list[Descriptor]:
    """The signatures that are there now, and whatever else is kept with them."""
    source = open_source(place)
    try:
        image = _manifest(source)
        return list(image.layers) if image else []
    finally:
        source.close()


def _descriptor(signature: Sigstore) -> Descriptor:
    payload = signature.payload
    annotations = dict(signature.annotations)
    return Descriptor(signature.media_type, digests.of_bytes(payload), len(payload), annotations=annotations)


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


def _send(
    destination: DockerDestination, place: Reference, layers: Sequence[Descriptor], payloads: Sequence[Payload]
) -> None:
    """Make these the signatures."""
    if len(layers) > blob.COUNT_LIMIT:
        raise ArgosyError(f"{place} has {blob.COUNT_LIMIT} signatures: there is no room for more")
    config = _config(layers)
    described = Descriptor(mediatypes.OCI_CONFIG, digests.of_bytes(config), len(config))
    for descriptor, data in (*payloads, (described, config)):
        if not destination.has_blob(descriptor):
            destination.put_blob(descriptor, _opener(data), lambda _count: None)
    image = ImageManifest(mediatypes.OCI_MANIFEST, described, tuple(layers))
    data = image.to_bytes()
    destination.put_manifest(RawManifest(data, image.media_type, digests.of_bytes(data)), main=True)
    destination.commit()


def _opener(data: bytes) -> OpenBlob:
    return lambda offset: BytesStream(data, offset)

"""The last steps of every way by which an image comes into the store: its record, then its names."""

from __future__ import annotations

import time

from argosy.images import timestamps
from argosy.images.naming import locked
from argosy.storage.images import ImageRecord, LayerRef
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.oci.descriptor import Descriptor
    from argosy.oci.imageconfig import ImageConfig
    from argosy.oci.manifest import ImageManifest
    from argosy.oci.reference import Reference
    from argosy.signatures.blob import Signature
    from argosy.storage.store import Store


class Arrived(Value):
    """An image whose manifest, config and layers are in the store, pinned, and verified."""

    manifest_digest: str
    manifest_size: int
    image: ImageManifest
    config: ImageConfig
    indexes: tuple[str, ...] = ()
    signatures: tuple[Signature, ...] = ()


def publish(store: Store, arrived: Arrived, names: tuple[Reference, ...] = (), *, durable: bool = False) -> ImageRecord:
    """Make the image visible, and let `names` (with a tag, or a digest of it) mean it from now on.

    `durable`: it is on disk when this returns, provided that the parts are.
    """
    chain = store.chains.ensure_fix(arrived.config.diff_ids)
    record = _record(store, arrived, names, chain.chain_id, fixed=chain.fixed)
    with locked(store):
        record = store.images.put(record, durable=durable, signatures=_encoded(arrived))
        for name in names:
            store.refs.set(name, record.manifest_digest, durable=durable)
    return record


def _kept_blob(store: Store, diff_id: str, blob: Descriptor) -> str:
    """The digest of a layer's blob; "" for a layer that was built here, which has none: its digest is its tree's."""
    built = blob.digest == diff_id and store.layers.meta(diff_id).writer and not store.blobs.has(blob.digest)
    return "" if built else str(blob.digest)


def _encoded(arrived: Arrived) -> tuple[bytes, ...]:
    if not arrived.signatures:
        return ()
    from argosy.signatures import blob

    return tuple(blob.encode(signature) for signature in arrived.signatures)


def _record(store: Store, arrived: Arrived, names: tuple[Reference, ...], chain_id: str, *, fixed: bool) -> ImageRecord:
    config, image = arrived.config, arrived.image
    digests = (arrived.manifest_digest, *arrived.indexes)
    layers = tuple(
        LayerRef(diff_id=diff_id, blob=_kept_blob(store, diff_id, blob), size=blob.size, media_type=blob.media_type)
        for diff_id, blob in zip(config.diff_ids, image.layers, strict=True)
    )
    unpacked = sum(store.layers.meta(diff_id).size_bytes for diff_id in config.diff_ids)
    moment_ns = timestamps.parse_or_zero(config.created)
    return ImageRecord(
        manifest_digest=arrived.manifest_digest,
        media_type=image.media_type,
        config_digest=str(image.config.digest),
        created_at=time.time(),
        repo_digests=tuple(f"{name.name}@{digest}" for name in names for digest in digests),
        indexes=arrived.indexes,
        created=timestamps.show(moment_ns) if moment_ns else "",
        os=config.os,
        architecture=config.architecture,
        variant=config.variant,
        layers=layers,
        chain_id=chain_id,
        fixed=fixed,
        size_bytes=unpacked + image.config.size + arrived.manifest_size,
    )

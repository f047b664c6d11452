"""Image records made again from what they were made of: the manifest and the config, which are blobs."""

from __future__ import annotations

import os

from argosy.errors import Invalid
from argosy.oci import imageconfig, manifest
from argosy.storage.images import ImageRecord, LayerRef

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.oci.manifest import ImageManifest
    from argosy.storage.store import Store


def record(store: Store, manifest_digest: str) -> ImageRecord:
    """The record of the image whose manifest is this blob.  Raises ArgosyError when a part of it is missing.

    Not all comes back: the repositories are those that still have a tag.
    """
    parsed = manifest.parse(store.blobs.read(manifest_digest))
    if isinstance(parsed, manifest.Index):
        raise Invalid("manifest", manifest_digest, "it is an index")
    config = imageconfig.parse(store.blobs.read(parsed.config.digest))
    if len(config.diff_ids) != len(parsed.layers):
        raise Invalid("image config", parsed.config.digest, "it does not have as many layers as the manifest")
    chain = store.chains.ensure_fix(config.diff_ids)
    repo_digests, indexes = _references(store, manifest_digest)
    return ImageRecord(
        manifest_digest=manifest_digest,
        media_type=parsed.media_type,
        config_digest=str(parsed.config.digest),
        created_at=os.stat(store.blobs.path(manifest_digest)).st_mtime,
        repo_digests=repo_digests,
        indexes=indexes,
        created=config.created,
        os=config.os,
        architecture=config.architecture,
        variant=config.variant,
        layers=_layers(parsed, config.diff_ids),
        chain_id=chain.chain_id,
        fixed=chain.fixed,
        size_bytes=sum(store.layers.meta(diff_id).size_bytes for diff_id in config.diff_ids),
    )


def _layers(parsed: ImageManifest, diff_ids: tuple[str, ...]) -> tuple[LayerRef, ...]:
    return tuple(
        LayerRef(diff_id=str(diff_id), blob=str(layer.digest), size=layer.size, media_type=layer.media_type)
        for diff_id, layer in zip(diff_ids, parsed.layers, strict=True)
    )


def _references(store: Store, manifest_digest: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The repo digests and the indexes that the tags in the store know of."""
    repo_digests: dict[str, None] = {}
    indexes: dict[str, None] = {}
    for reference, digest in store.refs.all().refs:
        if digest == manifest_digest:
            repo_digests[f"{reference.name}@{digest}"] = None
        elif manifest_digest in index_members(store, digest):
            repo_digests[f"{reference.name}@{digest}"] = None
            indexes[digest] = None
    return tuple(repo_digests), tuple(indexes)


def index_members(store: Store, digest: str) -> tuple[str, ...]:
    """The digests of the manifests in an index; none where the blob is something else or not there."""
    from argosy.errors import ArgosyError

    try:
        parsed = manifest.parse(store.blobs.read(digest))
    except ArgosyError:
        return ()
    return tuple(str(one.digest) for one in parsed.manifests) if isinstance(parsed, manifest.Index) else ()

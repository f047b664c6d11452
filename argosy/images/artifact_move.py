"""Artifacts from registries into the store, and from there to registries."""

from __future__ import annotations

from argosy.errors import Unsupported
from argosy.images import copy
from argosy.images.artifacts import Artifact, Artifacts
from argosy.images.copy import CopyOptions
from argosy.oci import manifest as manifests
from argosy.oci.manifest import ImageManifest
from argosy.storage.images import ImageRecord
from argosy.transports.storage import StorageSource
from argosy.transports.storage_destination import StoreDestination

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.images.guard import Guard
    from argosy.images.progress import Progress
    from argosy.oci.reference import Reference
    from argosy.storage.store import Store
    from argosy.transports.docker import DockerDestination, DockerSource


def pull(
    store: Store, source: DockerSource, reference: Reference, options: CopyOptions, progress: Progress, guard: Guard
) -> str:
    """Bring the artifact into the store under `reference`; the digest of its manifest.

    Raises what the source and the guard raise, and Unsupported for an index.
    """
    with store.work() as work:
        store.unstable.begin()
        destination = StoreDestination(store, work, str(reference))
        copy.copy(source, destination, options, work.path, progress, guard=guard)
        raw = destination.main
        assert raw is not None
        document = manifests.parse(raw.data, raw.media_type, artifact=True)
        if not isinstance(document, ImageManifest):
            raise Unsupported(f"{reference} is an index of several manifests, not an artifact")
        work.settle()
        Artifacts(store).put(raw.digest, document.media_type, str(reference), replace=True)
    return raw.digest


def push(
    store: Store, artifact: Artifact, target: DockerDestination, at: DockerSource, progress: Progress, guard: Guard
) -> str:
    """Send the artifact, and make its subject's referrers name it; the digest of its manifest.

    `at` is the same repository, to read from.
    """
    from argosy.registry import referrers

    record = artifact.record
    source = StorageSource(
        store,
        ImageRecord(record.manifest_digest, record.media_type, artifact.manifest.config.digest, record.added_at),
        at.reference,
    )
    blobs = (layer.digest for layer in artifact.manifest.layers)
    with store.work((record.manifest_digest, artifact.manifest.config.digest, *blobs)) as work:
        raw = copy.copy(source, target, CopyOptions(preserve=True), work.path, progress, guard=guard)
        referrers.announce(target.writer, at.client(), raw, artifact.manifest)
    return raw.digest

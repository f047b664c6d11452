"""Attestations of an image of the store (`build.attest`), on their way to a registry behind the image.

They refer to its manifest here, and a push that compresses layers makes another one: they are made anew for that.
"""

from __future__ import annotations

from argosy import jsontext
from argosy.images.artifacts import Artifact, ArtifactRecord, Artifacts
from argosy.oci import digest as digests
from argosy.oci import mediatypes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.oci.descriptor import Descriptor
    from argosy.oci.reference import Reference
    from argosy.storage.store import Store
    from argosy.storage.work import Work

KINDS = ("sbom", "provenance")


def tag(subject: str, kind: str) -> str:
    """The tag under which an attestation of the image with this digest is kept."""
    return f"{subject.replace(':', '-')}.{kind}"


def find(store: Store, subject: str) -> dict[str, Artifact]:
    """The attestations of the image with this manifest digest, by their kind."""
    tags = {tag(subject, kind): kind for kind in KINDS}
    found = {}
    for artifact in Artifacts(store).all().artifacts:
        kind = tags.get(artifact.name.rpartition(":")[2])
        if kind is not None and artifact.manifest.subject is not None and artifact.manifest.subject.digest == subject:
            found[kind] = artifact
    return found


def is_signed(artifact: Artifact) -> bool:
    """Whether somebody's signature covers the digest of the subject, so that it can speak of no other."""
    return artifact.manifest.artifact_type == mediatypes.DSSE_ENVELOPE


def about(store: Store, work: Work, artifact: Artifact, subject: Descriptor, target: Reference) -> Artifact:
    """The same attestation, unsigned, about another manifest of the image at `target`.

    Its blobs are the work's: they go with it, and the store keeps no further artifact.
    """
    layers = tuple(_restated(store, work, layer, subject, target) for layer in artifact.manifest.layers)
    manifest = artifact.manifest.replace(layers=layers, subject=subject)
    data = manifest.to_bytes()
    work.pin(digests.of_bytes(data))
    digest = store.blobs.put(data)
    return Artifact(ArtifactRecord(digest, manifest.media_type, (), artifact.record.added_at), manifest, artifact.name)


def _restated(store: Store, work: Work, layer: Descriptor, subject: Descriptor, target: Reference) -> Descriptor:
    """The file; a statement with the new subject."""
    if layer.media_type != mediatypes.IN_TOTO_STATEMENT:
        return layer
    algorithm, _, digits = str(subject.digest).partition(":")
    said = jsontext.decode(store.blobs.read(layer.digest, max(layer.size, 1)))
    said["subject"] = [{"name": target.name, "digest": {algorithm: digits}}]
    data = jsontext.encode(said)
    work.pin(digests.of_bytes(data))
    return layer.replace(digest=store.blobs.put(data), size=len(data))

"""Push: an image of the store to a registry, or to another place that takes images."""

from __future__ import annotations

from argosy.errors import Invalid
from argosy.images import copy
from argosy.images.copy import CopyOptions
from argosy.images.progress import Progress
from argosy.oci import reference as references
from argosy.transports.storage import StorageSource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.images.convert import Form
    from argosy.images.guard import Guard
    from argosy.images.places import Place
    from argosy.images.resolve import Resolved
    from argosy.oci.digest import Digest
    from argosy.oci.reference import Reference
    from argosy.storage.store import Store
    from argosy.transports.destination import ImageDestination
    from argosy.transports.signatures import SignatureStore


def push(
    store: Store,
    found: Resolved,
    destination: ImageDestination,
    form: Form,
    progress: Progress | None = None,
    at_once: int = copy.UPLOADS_AT_ONCE,
    *,
    guard: Guard,
) -> Digest:
    """Copy the image to `destination`; the digest of the manifest that was written there.

    What the destination has is not sent.  The digest is that of the image here unless its form changes.  `guard` judges
    the image and has its signatures.
    """
    record = found.record
    named = found.name or references.parse(f"localhost/{record.config_digest[7:19]}")
    with store.work((record.manifest_digest, *(layer.blob for layer in record.layers if layer.blob))) as work:
        source = StorageSource(store, record, named)
        options = CopyOptions(form=form, at_once=at_once)
        digest = copy.copy(source, destination, options, work.path, progress, guard=guard).digest
    store.events.write(
        "image", "push", ID=record.config_digest.partition(":")[2], Name=destination.name.removeprefix("docker://")
    )
    return digest


def mount_candidates(record_names: tuple[str, ...], target: Reference) -> tuple[str, ...]:
    """Other repositories at the target's registry that the image is known to come from: they have its blobs."""
    found = []
    for name in record_names:
        known = references.parse(name)
        if known.registry == target.registry and known.repository != target.repository:
            found.append(known.repository)
    return tuple(dict.fromkeys(found))


def check_target(reference: Reference) -> None:
    """Raise Invalid for a name that cannot be pushed to."""
    if reference.digest and reference.tag:
        raise Invalid("destination", str(reference), "a tag and a digest exclude each other")


def signatures_of(target: Place, at_registry: Callable[[Reference], SignatureStore]) -> SignatureStore:
    """Where the signatures of what is pushed to `target` are."""
    from argosy.transports import signatures

    if target.transport == "docker":
        return at_registry(references.parse(target.name))
    if target.transport == "dir":
        return signatures.DirectorySignatures(target.path)
    return signatures.NoSignatures(target.transport)

"""The policy and the signatures of one copy of skopeo's, by its global flags and the copy's own."""

from __future__ import annotations

import os

from argosy.cli.skopeo import _access

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.skopeo._access import Access
    from argosy.cli.skopeo._copying import Job
    from argosy.images.guard import Guard
    from argosy.images.places import Place
    from argosy.oci.reference import Reference
    from argosy.transports.signatures import SignatureStore
    from argosy.transports.source import ImageSource


def guard(job: Job, source: ImageSource, opener: Opener) -> Guard:
    """What judges the source's images by --policy, and has the signatures.  Raises ArgosyError for a broken policy."""
    from argosy.images import guard, sign, trust

    settings = opener.program_settings
    policy = trust.load(os.environ, settings.get("policy", ""), insecure=settings.get("insecure_policy", False))
    kept = signatures(job.source, job.source_access, opener, source)
    return guard.Guard(
        policy.door(trust.of_place(job.source, source), kept),
        kept,
        signatures(job.target, job.target_access, opener),
        sign.makers(job.signing, str(job.target), _name(job.target), os.environ),
        keep=job.keep_signatures,
    )


def signatures(place: Place, access: Access, opener: Opener, source: ImageSource | None = None) -> SignatureStore:
    """Where the signatures of the image at a place are; `source` is that image, None for a destination."""
    from argosy.config import registriesd
    from argosy.linux import userns
    from argosy.oci import reference as references
    from argosy.transports import signatures as stores
    from argosy.transports.storage import StorageSource

    if place.transport == "dir":
        return stores.DirectorySignatures(place.path)
    if isinstance(source, StorageSource):
        return stores.KeptSignatures(source.store, source.record.manifest_digest)
    if place.transport == "containers-storage" and source is None:
        return stores.CollectedSignatures()
    if place.transport != "docker":
        return stores.NoSignatures(place.transport)
    directory = opener.program_settings.get("registries_d", "")
    return stores.RegistrySignatures(
        references.parse(place.name),
        registriesd.load(os.environ, rootless=userns.needed(), given=directory),
        os.environ,
        lambda reference: _access.open_docker(access, reference),
        lambda reference: _access.open_docker_destination(access, reference, ()),
    )


def _name(place: Place) -> Reference | None:
    """The name that the image has at a place, for who signs it."""
    from argosy.oci import reference as references

    if place.transport in ("docker", "containers-storage", "docker-daemon") and place.name:
        return references.parse(place.name)
    return None

"""`push`: the attestations of an image follow it to its registry."""

from __future__ import annotations

from argosy.cli import progress
from argosy.images import artifact_move, attached
from argosy.images.sign import SignOptions
from argosy.oci import manifest as manifests
from argosy.oci import reference as references
from argosy.oci.descriptor import Descriptor
from argosy.oci.manifest import Index

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine
    from argosy.images.artifacts import Artifact
    from argosy.oci.reference import Reference
    from argosy.registry.client import RawManifest
    from argosy.storage.images import ImageRecord
    from argosy.transports.access import RegistryOptions


def push(
    engine: Engine,
    record: ImageRecord,
    target: str,
    digest: str,
    registry: RegistryOptions,
    out: Output,
    *,
    quiet: bool,
) -> None:
    """Push what `build` has attached to the image, which is at the registry now with this digest."""
    repository = references.parse(target).replace(tag="", digest="")
    _Way(engine, repository, registry, out, quiet=quiet).take(record.manifest_digest, digest)


def push_listed(
    engine: Engine,
    listed: RawManifest,
    target: str,
    digest: str,
    registry: RegistryOptions,
    out: Output,
    *,
    quiet: bool,
) -> None:
    """The same for the images of a list, which is at the registry now: its entries are in their order there."""
    repository = references.parse(target).replace(tag="", digest="")
    way = _Way(engine, repository, registry, out, quiet=quiet)
    for here, there in zip(_entries(listed), _entries(way.manifest(digest)), strict=True):
        way.take(here, there)


def _entries(raw: RawManifest) -> tuple[str, ...]:
    index = manifests.parse(raw.data, raw.media_type)
    assert isinstance(index, Index)
    return tuple(entry.digest for entry in index.manifests)


class _Way:
    """The way to one repository."""

    def __init__(
        self, engine: Engine, repository: Reference, registry: RegistryOptions, out: Output, *, quiet: bool
    ) -> None:
        self._engine = engine
        self._repository = repository
        self._registry = registry
        self._out = out
        self._quiet = quiet

    def manifest(self, digest: str) -> RawManifest:
        """A manifest or index of the repository."""
        source = self._engine.open_source(self._repository.replace(digest=digest), self._registry)
        try:
            return source.manifest(digest)
        finally:
            source.close()

    def take(self, here: str, there: str) -> None:
        """Push the attestations of an image, whose manifest has one digest here and another, perhaps, there."""
        store = self._engine.store
        kept = {**attached.find(store, here), **attached.find(store, there)}
        if not kept:
            return
        raw = self.manifest(there)
        subject = Descriptor(raw.media_type, raw.digest, len(raw.data))
        for kind, artifact in kept.items():
            self._push(artifact, subject, self._repository.replace(tag=attached.tag(there, kind)))

    def _push(self, artifact: Artifact, subject: Descriptor, target: Reference) -> None:
        engine = self._engine
        moved = artifact.manifest.subject is None or artifact.manifest.subject.digest != subject.digest
        if moved and attached.is_signed(artifact):
            self._out.notice(
                f"{artifact.name} stays here: it is signed for the digest that the image has here, and the push has "
                "changed that; build --push signs for the one there"
            )
            return
        guard = engine.doors.artifact_guard(artifact.name, target, self._registry, SignOptions())
        destination = engine.open_destination(target, None, self._registry)
        source = engine.open_source(target, self._registry)
        try:
            with engine.store.work((artifact.record.manifest_digest,)) as work:
                if moved:
                    engine.store.unstable.begin()
                    artifact = attached.about(engine.store, work, artifact, subject, target)
                with progress.shown(quiet=self._quiet) as shown:
                    artifact_move.push(engine.store, artifact, destination, source, shown, guard)
        finally:
            source.close()
            destination.close()

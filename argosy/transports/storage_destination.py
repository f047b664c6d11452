"""The store's blobs as a place to copy to: for artifacts, whose blobs are no layers and are not unpacked."""

from __future__ import annotations

from argosy.errors import Invalid
from argosy.storage.blobs import DigestMismatch
from argosy.transports.destination import KEEP, Abilities

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.oci.descriptor import Descriptor
    from argosy.registry.client import RawManifest
    from argosy.registry.streams import OpenBlob
    from argosy.storage.blobs import Ingest
    from argosy.storage.store import Store
    from argosy.storage.work import Work


class StoreDestination:
    """An `ImageDestination` (see `transports.destination`).  All that comes is pinned by `work`; the caller makes an
    object of it that keeps `main`."""

    def __init__(self, store: Store, work: Work, name: str) -> None:
        self.name = name
        self.abilities = Abilities(families=("oci", "v2s2"), indexes=False, foreign=False, layers=KEEP)
        self.main: RawManifest | None = None
        self._store = store
        self._work = work

    def has_blob(self, descriptor: Descriptor) -> bool:
        """Whether the store has the blob."""
        if descriptor.digest.algorithm != "sha256":
            raise Invalid("digest", descriptor.digest, "the store holds sha256 digests only")
        self._work.pin(descriptor.digest)
        return self._store.blobs.has(descriptor.digest)

    def put_blob(self, descriptor: Descriptor, source: OpenBlob, advance: Callable[[int], None]) -> None:
        """Store the blob, from where an earlier attempt has ended."""
        with self._store.blobs.ingest(descriptor.digest, descriptor.size) as ingest:
            if ingest.present:
                return
            left_over = ingest.offset
            try:
                _take_in(ingest, source, advance)
            except DigestMismatch:
                if not left_over:
                    raise
                ingest.restart()  # what another source has left was wrong
                _take_in(ingest, source, lambda _size: None)

    def put_manifest(self, manifest: RawManifest, *, main: bool) -> None:
        """Store it; `main` is the artifact's own."""
        self._work.pin(manifest.digest)
        self._store.blobs.put(manifest.data)
        if main:
            self.main = manifest

    def commit(self) -> None:
        """The caller's object is the last step."""

    def close(self) -> None:
        """Nothing is held."""


def _take_in(ingest: Ingest, source: OpenBlob, advance: Callable[[int], None]) -> None:
    """Fetch what is missing, and commit."""
    with source(ingest.offset) as stream:
        advance(ingest.offset)
        for block in stream:
            ingest.write(block)
            advance(len(block))
    ingest.commit()

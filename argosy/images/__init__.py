"""The use cases of images, one per file: pull, import, look-up, lists, inspect, history, tag, remove, prune, copy."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.config.registries import Registries
    from argosy.images.progress import Progress
    from argosy.images.trust import Admit
    from argosy.oci.platform import Platform
    from argosy.oci.reference import Reference
    from argosy.storage.images import ImageRecord
    from argosy.storage.store import Store
    from argosy.transports.source import ImageSource
    from argosy.transports.storage import StorageSource


class Images:
    """The use cases of `argosy.images` on one store."""

    def __init__(self, store: Store, registries: Callable[[], Registries], notice: Callable[[str], None]) -> None:
        self._store = store
        self._registries = registries
        self._notice = notice

    def open_source(self, text: str) -> StorageSource:
        """The image of the store that `text` means, as a source for copies."""
        from argosy.images import resolve
        from argosy.oci import reference as references
        from argosy.transports.storage import StorageSource

        found = resolve.resolve(self._store, self._registries, text)
        name = found.name or references.parse(f"localhost/{found.record.config_digest[7:19]}")
        return StorageSource(self._store, found.record, name)

    def open_digest(self, digest: str) -> StorageSource:
        """The image of the store with this manifest, as a source for copies.  Raises NotFound."""
        from argosy.oci import reference as references
        from argosy.transports.storage import StorageSource

        record = self._store.images.get(digest)
        return StorageSource(self._store, record, references.parse(f"localhost/{record.config_digest[7:19]}"))

    def take_in(
        self, source: ImageSource, name: Reference, platform: Platform | None, progress: Progress, admit: Admit
    ) -> ImageRecord:
        """The image of `source` in the store, where `name` means it now; `admit` judges it and has its signatures."""
        from argosy.images import pull

        return pull.pull(self._store, source, name, platform, progress, self._notice, admit=admit)

    def delete(self, text: str) -> None:
        """Remove the image that `text` means, or that name of it; nothing but garbage stays.  Raises ImageInUse."""
        from argosy.images import remove
        from argosy.storage import gc

        def refuse(container_id: str) -> None:
            raise AssertionError(container_id)  # without force, nobody's container is removed

        remove.Remover(self._store, self._registries, remove.RemoveOptions(), refuse).remove(text)
        gc.collect(self._store)

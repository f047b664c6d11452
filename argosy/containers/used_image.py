"""The image of a container that was made with --rmi: it goes after the container."""

from __future__ import annotations

import os

from argosy.errors import ArgosyError
from argosy.images import remove as images
from argosy.storage import gc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.config.registries import Registries
    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site


def remove(site: Site, record: ContainerRecord) -> None:
    """Remove the image by the name that it was used by, unless another container, or somebody at work, needs it."""

    def load_registries() -> Registries:
        from argosy.config import registries

        return registries.load(os.environ, rootless=site.namespace.rootless, run=site.store.run)

    remover = images.Remover(site.store, load_registries, images.RemoveOptions(), _keep)
    try:
        if any(removed.deleted for removed in remover.remove(record.image.name)):
            gc.collect(site.store)
    except ArgosyError:
        return  # in use, gone already, or under several names: it stays as it is


def _keep(container_id: str) -> None:
    """No container is removed for it: without force it is never asked for."""
    raise AssertionError(container_id)

"""`image prune`: the images that nobody needs, removed."""

from __future__ import annotations

from argosy.images import filters as image_filters
from argosy.images.inventory import Family, Image, inventory
from argosy.images.listimages import listed
from argosy.images.remove import ImageInUse, RemoveOptions, Remover

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from argosy.images.resolve import LoadRegistries
    from argosy.storage.store import Store


def candidates(
    store: Store,
    registries: LoadRegistries,
    filters: Sequence[str] = (),
    *,
    everything: bool = False,
    external: bool = False,
) -> tuple[Image, ...]:
    """The images that would go now: without a name (with `everything`: with one as well), without container and child.

    With `external` the builder's working containers do not count.  Raises ArgosyError for a filter that is not one of
    label and until.
    """
    image_filters.check_keys(filters, image_filters.PRUNE_KEYS)
    found = (*inventory(store).images, *listed(store))
    chosen = image_filters.Filters(store, registries, filters, found)

    def is_used(image: Image) -> bool:
        ours = image.containers if not external else filter(store.containers.exists, image.containers)
        return any(ours) or bool(image.lender)

    unused = [image for image in found if (everything or image.dangling) and not is_used(image)]
    family = Family(store, found)
    return tuple(image for image in unused if chosen.accepts(image) and not family.children(image))


def prune(
    store: Store,
    registries: LoadRegistries,
    filters: Sequence[str] = (),
    *,
    everything: bool = False,
    remove_working: Callable[[str], object] | None = None,
) -> tuple[str, ...]:
    """Remove all candidates, and those which become candidates by that; returns their ids.  The caller collects.

    With `remove_working` the images of working containers go too, after these have been removed by it.
    """
    external = remove_working is not None

    def remove_user(container_id: str) -> None:
        if remove_working is None or store.containers.exists(container_id):
            raise ImageInUse((container_id,))
        remove_working(container_id)

    remover = Remover(store, registries, RemoveOptions(prune=False, force=external), remove_user)
    removed: list[str] = []
    while True:
        found = candidates(store, registries, filters, everything=everything, external=external)
        gone = [image_id for image in found if (image_id := _remove(remover, image))]
        if not gone:
            return tuple(removed)
        removed += gone


def _remove(remover: Remover, image: Image) -> str:
    try:
        removed = remover.remove_image(image)
    except ImageInUse:
        return ""  # a container was made from it meanwhile
    return removed[0].deleted if removed else ""  # another process was quicker

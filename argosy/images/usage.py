"""What images take on disk: a layer that several of them have is there once."""

from __future__ import annotations

from argosy.errors import ArgosyError
from argosy.images.inventory import Image, inventory
from argosy.storage import idmaps
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from argosy.storage.store import Store


class ImageUsage(Value):
    """One image: `shared_bytes` are in layers that others have too, `unique_bytes` are its own."""

    image: Image
    shared_bytes: int
    unique_bytes: int


class Usage(Value):
    """All images; what could not be read is told by `damaged`.

    Layers under other id maps (`storage.idmaps`) count with what they take.  `reclaimable_bytes` is what would be free
    if all images went that no container was made from; those of additional stores cannot go.
    """

    images: tuple[ImageUsage, ...]
    size_bytes: int
    reclaimable_bytes: int
    damaged: tuple[ArgosyError, ...] = ()


def usage(store: Store) -> Usage:
    """Measure the images.  A layer that cannot be read counts nothing."""
    found = inventory(store)
    sizes = {diff_id: _size(store, diff_id) for image in found.images for diff_id in _layers(image)}
    users: dict[str, int] = {}
    for image in found.images:
        for diff_id in _layers(image):
            users[diff_id] = users.get(diff_id, 0) + 1

    def measured(image: Image) -> ImageUsage:
        shared = sum(sizes[diff_id] for diff_id in _layers(image) if users[diff_id] > 1)
        return ImageUsage(image, shared, max(image.record.size_bytes - shared, 0))

    kept = [image for image in found.images if image.containers or image.lender]
    mapped = idmaps.disk_bytes(store)
    used = _together(kept, sizes) + sum(mapped.get(diff_id, 0) for diff_id in _layers_of(kept))
    whole = _together(found.images, sizes) + sum(mapped.values())
    return Usage(tuple(map(measured, found.images)), whole, whole - used, found.damaged)


def _layers(image: Image) -> frozenset[str]:
    return frozenset(diff_id for record in image.records for diff_id in record.diff_ids)


def _layers_of(images: Iterable[Image]) -> frozenset[str]:
    return frozenset().union(*map(_layers, images))


def _together(images: Iterable[Image], sizes: dict[str, int]) -> int:
    """The bytes of all layers of the images, and of what else belongs to each."""
    layers: set[str] = set()
    rest = 0
    for image in images:
        layers |= _layers(image)
        rest += max(image.record.size_bytes - sum(sizes[diff_id] for diff_id in image.record.diff_ids), 0)
    return rest + sum(sizes[diff_id] for diff_id in layers)


def _size(store: Store, diff_id: str) -> int:
    try:
        return store.layers.meta(diff_id).size_bytes
    except ArgosyError:
        return 0

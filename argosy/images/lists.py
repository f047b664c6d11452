"""`images`: which images there are, filtered and sorted."""

from __future__ import annotations

from argosy.errors import ArgosyError
from argosy.images.inventory import Family, Image, Inventory, inventory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from argosy.images.filters import Filters
    from argosy.images.resolve import LoadRegistries
    from argosy.oci.reference import Reference
    from argosy.storage.store import Store

    Row = tuple[Image, Reference | None]

NONE = "<none>"
_KEYS: dict[str, tuple[Callable[[Row], object], bool]] = {
    "created": (lambda row: row[0].created_ns, True),
    "id": (lambda row: row[0].id, False),
    "repository": (lambda row: repository(row[1]), False),
    "size": (lambda row: row[0].record.size_bytes, False),
    "tag": (lambda row: tag(row[1]), False),
}


def images(
    store: Store,
    registries: LoadRegistries,
    filters: Sequence[str] = (),
    *,
    everything: bool = False,
    users: bool = False,
) -> Inventory:
    """The images that all filters accept.

    Those that only serve others as their lower part (no name, but children) are left out unless `everything` is set;
    `users` asks for the containers of each image.
    """
    found = inventory(store, users=users or any(text.startswith("containers") for text in filters))
    if store.shelf("manifests").ids():
        from argosy.images.listimages import listed

        found = found.replace(images=(*found.images, *listed(store)))
    kept = list(found.images)
    if not everything and any(image.dangling for image in kept):
        family = Family(store, found.images)
        kept = [image for image in kept if not (image.dangling and family.children(image))]
    if filters:
        from argosy.images.filters import Filters

        kept, unreadable = _accepted(Filters(store, registries, filters, found.images), kept)
        found = found.replace(damaged=(*found.damaged, *unreadable))
    return found.replace(images=tuple(kept))


def _accepted(filters: Filters, images: list[Image]) -> tuple[list[Image], list[ArgosyError]]:
    """The images that the filters accept, and why some could not be asked."""
    kept, unreadable = [], []
    for image in images:
        try:
            if filters.accepts(image):
                kept.append(image)
        except ArgosyError as error:
            unreadable.append(ArgosyError(f"image {image.id[:12]}: {error}"))
    return kept, unreadable


def rows(found: Iterable[Image], sort: str = "created") -> list[Row]:
    """One row for each name of each image, and one for an image without any, in the order of a column.

    Names by digest are shown only where an image has no tag, and then the first of them.
    """
    if sort not in _KEYS:
        raise ArgosyError(f'"{sort}" is not a valid field for sorting. Choose from: {", ".join(_KEYS)}')
    listed = [(image, name) for image in sorted(found, key=lambda image: image.id) for name in _shown_names(image)]
    key, descending = _KEYS[sort]
    return sorted(listed, key=key, reverse=descending)  # type: ignore[arg-type]  # each column has one type


def _shown_names(image: Image) -> Iterable[Reference | None]:
    tagged = [name for name in image.names if name.tag]
    return tagged or image.names[:1] or (None,)


def repository(name: Reference | None) -> str:
    """The column REPOSITORY."""
    return name.name if name else NONE


def tag(name: Reference | None) -> str:
    """The column TAG."""
    return (name and name.tag) or NONE

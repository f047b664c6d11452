"""`history`: how the layers of an image came about, the newest first."""

from __future__ import annotations

from argosy.errors import ArgosyError
from argosy.images import timestamps
from argosy.images.resolve import config
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from argosy.oci.reference import Reference
    from argosy.storage.images import ImageRecord
    from argosy.storage.store import Store

MISSING = "<missing>"


class Step(Value):
    """One entry.  `id` is the image's for the topmost entry, "<missing>" for those that have no image of their own."""

    id: str
    created: str
    created_by: str
    size_bytes: int
    comment: str = ""
    tags: tuple[str, ...] = ()

    @property
    def created_ns(self) -> int:
        """When it was made, in nanoseconds since the epoch; 0 when it does not say."""
        return timestamps.parse_or_zero(self.created)


def history(store: Store, record: ImageRecord, names: tuple[Reference, ...] = ()) -> tuple[Step, ...]:
    """The entries of the image's config; a layer without an entry gets an empty one, as podman shows it."""
    found = config(store, record)
    sizes = _sizes(store, record)
    steps: list[Step] = []
    for entry in found.history:
        size = 0 if entry.empty_layer else next(sizes, 0)
        steps.append(Step(MISSING, entry.created, entry.created_by, size, entry.comment))
    steps += [Step(MISSING, "", "", size) for size in sizes]
    steps.reverse()
    if steps:
        steps[0] = steps[0].replace(id=record.config_digest.partition(":")[2], tags=tuple(map(str, names)))
    return tuple(steps)


def _sizes(store: Store, record: ImageRecord) -> Iterator[int]:
    """The size of each layer, the lowest first; 0 for one that cannot be read."""
    for diff_id in record.diff_ids:
        try:
            yield store.layers.meta(diff_id).size_bytes
        except ArgosyError:
            yield 0

"""`history`: how the layers of an image came about, the newest first."""

from __future__ import annotations

from argosy.errors import ArgosyError
from argosy.images import timestamps
from argosy.images.inventory import Family, inventory
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
    """The entries of the image's config.  The last entry of an image that this one was made from has that one's id."""
    found = config(store, record)
    sizes = _sizes(store, record)
    ids = _parents(store, record, len(found.history))
    steps = [
        Step(
            ids.get(position, MISSING),
            entry.created,
            entry.created_by,
            0 if entry.empty_layer else next(sizes, 0),
            entry.comment,
        )
        for position, entry in enumerate(found.history)
    ]
    steps.reverse()
    if steps:
        steps[0] = steps[0].replace(id=record.config_digest.partition(":")[2], tags=tuple(map(str, names)))
    return tuple(steps)


def _parents(store: Store, record: ImageRecord, count: int) -> dict[int, str]:
    """The ids of the images that this one was made from, by the position of their last entry."""
    if count < 2:
        return {}
    everything = inventory(store, users=False).images
    family = Family(store, everything)
    own = next((image for image in everything if f"sha256:{image.id}" == record.config_digest), None)
    return {} if own is None else {family.steps(parent) - 1: parent.id for parent in family.parents(own)}


def _sizes(store: Store, record: ImageRecord) -> Iterator[int]:
    """The size of each layer, the lowest first; 0 for one that cannot be read."""
    for diff_id in record.diff_ids:
        try:
            yield store.layers.meta(diff_id).size_bytes
        except ArgosyError:
            yield 0

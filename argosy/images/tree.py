"""`image tree`: the layers of an image, or the images that lie on top of it."""

from __future__ import annotations

from argosy.errors import ArgosyError
from argosy.images.inventory import inventory
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.storage.images import ImageRecord
    from argosy.storage.store import Store


class Layer(Value):
    """One layer at its place above others; `names` are those of the images that it is the top of."""

    diff_id: str
    size_bytes: int
    names: tuple[str, ...] = ()
    above: tuple[Layer, ...] = ()


def layers(store: Store, record: ImageRecord) -> tuple[Layer, ...]:
    """The layers of an image, the lowest first, each without what lies above it."""
    tops = _tops(store)
    return tuple(_layer(store, record.diff_ids[: count + 1], tops) for count in range(len(record.diff_ids)))


def dependents(store: Store, record: ImageRecord) -> tuple[Layer, ...]:
    """The topmost layer of an image, and the layers of other images right above it, with all above those."""
    if not record.diff_ids:
        return ()
    tops = _tops(store)
    below: dict[tuple[str, ...], set[tuple[str, ...]]] = {}
    for chain in tops:
        for count in range(1, len(chain)):
            below.setdefault(chain[:count], set()).add(chain[: count + 1])

    # From the top down, so that each layer finds those above it made.
    made: dict[tuple[str, ...], Layer] = {}
    chains = {chain for above in below.values() for chain in above}
    for chain in sorted(chains, key=lambda chain: (-len(chain), chain)):
        made[chain] = _layer(store, chain, tops).replace(above=tuple(made[a] for a in sorted(below.get(chain, ()))))
    own = _layer(store, record.diff_ids, tops)
    return (own, *(made[chain] for chain in sorted(below.get(record.diff_ids, ()))))


def _tops(store: Store) -> dict[tuple[str, ...], tuple[str, ...]]:
    """The chains of layers of all images, with the names of the images that have just these."""
    tops: dict[tuple[str, ...], tuple[str, ...]] = {}
    for image in inventory(store, users=False).images:
        names = tuple(map(str, image.names)) or (f"<none>@{image.id[:12]}",)
        chain = image.record.diff_ids
        tops[chain] = (*tops.get(chain, ()), *names)
    return tops


def _layer(store: Store, chain: tuple[str, ...], tops: dict[tuple[str, ...], tuple[str, ...]]) -> Layer:
    try:
        size = store.layers.meta(chain[-1]).size_bytes
    except ArgosyError:
        size = 0  # `system check` names the damage
    return Layer(chain[-1], size, tops.get(chain, ()))

"""Keeping the cache within bounds: what was used last longest ago goes first.

The time of an object's last use is that of its file in `cached/`: whoever serves it touches that.
"""

from __future__ import annotations

from argosy.errors import NotFound
from argosy.storage import gc
from argosy.storage.repositories import CACHED, Repositories

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from argosy.oci.digest import Digest
    from argosy.storage.repositories import Repository
    from argosy.storage.store import Store


def trim(store: Store, limit_bytes: int, *, spared: Collection[str] = ()) -> int:
    """Take the least recently used out of the cache until the rest is no larger than `limit_bytes`: how many objects.

    What several repositories have counts once, and is as old as its last use in any.  `spared` are digests that stay.
    What also belongs to an image of the store, or to a repository of the registry, leaves the cache and not the store.
    """
    places: dict[Digest, list[tuple[Repository, Digest]]] = {}
    last_use: dict[Digest, float] = {}
    repositories = Repositories(store, CACHED)
    for name in repositories.names():
        repository = repositories.find(name)
        for used, digest, stored in repository.last_uses():
            places.setdefault(stored, []).append((repository, digest))
            last_use[stored] = max(used, last_use.get(stored, 0.0))
    sizes = {stored: _size(store, stored) for stored in places}
    total = sum(sizes.values())
    removed = 0
    for stored in sorted(sizes, key=lambda digest: last_use[digest]):
        if total <= limit_bytes:
            break
        if stored not in spared:
            for repository, digest in places[stored]:
                repository.remove(digest)
            total -= sizes[stored]
            removed += 1
    if removed:
        gc.collect(store)
    return removed


def _size(store: Store, digest: Digest) -> int:
    """The size of a blob; 0 for one that is on its way."""
    try:
        return store.blobs.size(digest)
    except NotFound:
        return 0

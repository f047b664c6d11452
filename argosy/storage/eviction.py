"""Keeping the cache within bounds: what was used last longest ago goes first.

The time of an object's last use is that of its file in `cached/`: whoever serves it touches that.  What broken
transfers have left counts as well, from its last byte on.
"""

from __future__ import annotations

import os

from argosy.errors import NotFound
from argosy.linux import files, locks
from argosy.storage import gc
from argosy.storage.blobs import INGEST_PREFIX
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
    places: dict[str, list[tuple[Repository, Digest]]] = {}
    last_use: dict[str, float] = {}
    repositories = Repositories(store, CACHED)
    for name in repositories.names():
        repository = repositories.find(name)
        for used, digest, stored in repository.last_uses():
            places.setdefault(stored, []).append((repository, digest))
            last_use[stored] = max(used, last_use.get(stored, 0.0))
    sizes = {stored: _size(store, stored) for stored in places}
    unfinished = _unfinished(store)
    total = sum(sizes.values()) + sum(size for _, size in unfinished.values())
    removed = 0
    ages = {**last_use, **{path: at for path, (at, _) in unfinished.items()}}
    for name in sorted(ages, key=lambda name: ages[name]):
        if total <= limit_bytes:
            break
        if name in unfinished:
            total -= unfinished[name][1] if _dropped(name) else 0
        elif name not in spared:
            for repository, digest in places[name]:
                repository.remove(digest)
            total -= sizes[name]
            removed += 1
    if removed:
        gc.collect(store)
    return removed


def _unfinished(store: Store) -> dict[str, tuple[float, int]]:
    """The files of transfers into the cache (see `storage.blobs`): when the last byte came, and how large they are."""
    found = {}
    for name in os.listdir(store.tmp) if os.path.isdir(store.tmp) else ():
        if name.startswith(INGEST_PREFIX) and "-" in name[len(INGEST_PREFIX) :]:
            try:
                status = os.lstat(f"{store.tmp}/{name}")
            except FileNotFoundError:
                continue
            found[f"{store.tmp}/{name}"] = status.st_mtime, status.st_size
    return found


def _dropped(path: str) -> bool:
    """Remove what a broken transfer has left; false when it goes on, or is gone."""
    try:
        lock = locks.acquire(path, wait=False)
    except FileNotFoundError:
        return False
    if lock is None:
        return False
    files.unlink_missing(path)
    lock.release()
    return True


def _size(store: Store, digest: str) -> int:
    """The size of a blob; 0 for one that is on its way."""
    try:
        return store.blobs.size(digest)
    except NotFound:
        return 0

"""The sweep: what dead processes have left in tmp/.  Alive is who holds the flock; everything else is garbage.

Two things are worth keeping: a download or upload that can be continued, for a day, and the list of objects that a
process could not make stable any more, which a helper does now.
"""

from __future__ import annotations

import os
import time

from argosy.errors import ArgosyError
from argosy.linux import files, locks, mounts
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.storage.store import Store

LOWERS = "lowers"  # a directory of mounts, see storage.idmaps
_KEEP_TRANSFERS_S = 24 * 3600


class Swept(Value):
    """The paths of what was removed (or finished), and of what could not be, with the reason."""

    removed: tuple[str, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()


def sweep(store: Store, *, everything: bool = False) -> Swept:
    """Remove what dead processes have left.

    `everything` takes transfers as well, and makes lists of unstable objects good before it returns.  What cannot be
    removed now stays for the next sweep.
    """
    from argosy.storage import places

    failed = places.sweep(store)
    swept = [sweep_root(root, everything=everything) for root in (store.root, *places.temporary(store))]
    return Swept(
        tuple(path for one in swept for path in one.removed),
        (*failed, *(pair for one in swept for pair in one.failed)),
    )


def sweep_root(root: str, *, everything: bool = False) -> Swept:
    """As `sweep`, for a store that is not open."""
    removed, failed = [], []
    for name in _entries(f"{root}/tmp"):
        path = f"{root}/tmp/{name}"
        lock = _free(path)
        if lock is None:
            continue
        with lock:
            try:
                if _sweep_one(root, name, lock, everything=everything):
                    removed.append(path)
            except (ArgosyError, OSError) as error:
                failed.append((path, str(error)))
    return Swept(tuple(removed), tuple(failed))


def dead(store: Store) -> tuple[str, ...]:
    """The paths of what dead processes have left."""
    from argosy.storage import places

    found = []
    directories = [f"{root}/tmp" for root in (store.root, *places.temporary(store))]
    for path in [f"{directory}/{name}" for directory in directories for name in _entries(directory)]:
        lock = _free(path)
        if lock is not None:
            lock.release()
            found.append(path)
    return tuple(found)


def _entries(*parts: str) -> list[str]:
    try:
        return os.listdir("/".join(parts))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _free(path: str) -> locks.Lock | None:
    """The lock on something in tmp/ that nobody holds; None when it is in use, or gone."""
    try:
        return locks.acquire(path, wait=False)
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not os.path.islink(path):
            return None
        # no file and no directory: nothing that argosy makes there, nobody can hold it
        return locks.Lock(-1, path)


def _sweep_one(root: str, name: str, lock: locks.Lock, *, everything: bool) -> bool:
    from argosy.storage import blobs, durable, uploads

    path = f"{root}/tmp/{name}"
    if name.startswith((blobs.INGEST_PREFIX, uploads.PREFIX)):
        if not everything and time.time() - os.lstat(path).st_mtime < _KEEP_TRANSFERS_S:
            return False
    elif os.path.lexists(f"{path}/{durable.LIST}") and durable.made_here(root, path):
        sync_fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            if everything:
                return durable.settle_list(root, name, sync_fd)
            durable.start_helper(root, name, lock, sync_fd)
            return False
        finally:
            os.close(sync_fd)
    if os.path.lexists(f"{path}/mounts"):
        from argosy.storage import staged

        staged.discard(path)  # what a step of a build mounts
    merged = f"{path}/merged"
    if os.path.lexists(merged):
        mounts.unmount(merged)  # of a container, a stage of a build, or a trial
    for lower in _entries(path, LOWERS):
        mounts.unmount(f"{path}/{LOWERS}/{lower}")
    files.remove_tree(path)
    return True

"""The sweep: what dead processes have left in tmp/.  Alive is who holds the flock; everything else is garbage.

Two things are worth keeping: a download that can be continued, for a day, and the list of objects that a process could
not make stable any more, which a helper does now.
"""

from __future__ import annotations

import os
import time

from argosy.errors import ArgosyError
from argosy.linux import files, locks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.storage.store import Store

_KEEP_DOWNLOADS_S = 24 * 3600


def sweep(store: Store, *, everything: bool = False) -> tuple[str, ...]:
    """Remove what dead processes have left; returns the paths of what was removed or finished.

    `everything` takes downloads as well, and makes lists of unstable objects good before it returns.  What cannot be
    removed now stays for the next sweep.
    """
    try:
        names = os.listdir(store.tmp)
    except FileNotFoundError:
        return ()
    swept = []
    for name in names:
        path = f"{store.tmp}/{name}"
        try:
            lock = locks.acquire(path, wait=False)
        except OSError:
            if not os.path.islink(path):
                continue  # gone, or not ours to open
            lock = locks.Lock(-1, path)
        if lock is None:
            continue
        try:
            if _sweep_one(store.root, name, lock, everything=everything):
                swept.append(path)
        except (ArgosyError, OSError):
            continue  # `system check` tries again and tells the reason
        finally:
            lock.release()
    return tuple(swept)


def _sweep_one(root: str, name: str, lock: locks.Lock, *, everything: bool) -> bool:
    from argosy.storage import blobs, durable

    path = f"{root}/tmp/{name}"
    if name.startswith(blobs.INGEST_PREFIX):
        if not everything and time.time() - os.lstat(path).st_mtime < _KEEP_DOWNLOADS_S:
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
    files.remove_tree(path)
    return True

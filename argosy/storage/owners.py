"""Whom the files of a layer belong to."""

from __future__ import annotations

import os

from argosy.linux import files
from argosy.oci import digest as digests

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.storage.store import Store


def highest_id(store: Store, diff_id: str) -> int:
    """The highest user or group id that owns something in the layer; -1 when it is not there.

    A layer never changes: what was found is kept in the run directory.
    """
    cache = f"{store.run}/cache/owners/{digests.parse(diff_id, 'diff id').hex}"
    try:
        return int(files.read(cache, 32))
    except (OSError, ValueError):
        pass
    highest = _highest_id(store.layers.path(diff_id))
    if highest >= 0:
        files.make_directories(os.path.dirname(cache))
        files.write_atomic(cache, str(highest).encode())
    return highest


def _highest_id(tree: str) -> int:
    highest = -1
    waiting = [tree]
    while waiting:
        directory = waiting.pop()
        try:
            with os.scandir(directory) as entries:
                found = list(entries)
        except FileNotFoundError:
            continue
        for entry in found:
            status = entry.stat(follow_symlinks=False)
            highest = max(highest, status.st_uid, status.st_gid)
            if entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
    return highest

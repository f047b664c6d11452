"""Whom the files of a layer belong to."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.storage.store import Store


def highest_id(store: Store, diff_id: str) -> int:
    """The highest user or group id that owns something in the layer; -1 when it is not there."""
    highest = -1
    waiting = [store.layers.path(diff_id)]
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

"""The changes of a whole tree against the layers that it was copied from, as overlay's upper directory would hold them.

A store of the driver vfs keeps no changes apart: whoever commits has to find them.
"""

from __future__ import annotations

import os
import stat

from argosy.storage import changes
from argosy.storage.drivers.copying import copy_metadata

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def is_changed(newer: str, older: Sequence[str], xattrs: str) -> bool:
    """Whether the tree differs from what the layers, topmost first, make."""
    return next(changes.changes((newer,), older, xattrs), None) is not None


def extract(newer: str, older: Sequence[str], target: str, xattrs: str) -> None:
    """Move what is new in the tree `newer` into the new directory `target`; what is gone becomes whiteouts there.

    Nobody changes the tree meanwhile, and it is good for nothing afterwards.
    """
    os.mkdir(target, 0o700)
    made = {"": os.lstat(newer)}
    for change in changes.changes((newer,), older, xattrs):
        _ensure(made, os.path.dirname(change.path).rstrip("/"), newer, target)
        place = target + change.path
        if change.kind == changes.DELETED:
            os.mknod(place, stat.S_IFCHR, 0)
        elif stat.S_ISDIR(os.lstat(newer + change.path).st_mode):
            _ensure(made, change.path, newer, target)
        else:
            os.rename(newer + change.path, place)
    for path, status in reversed(made.items()):
        copy_metadata(newer + path, target + path, status, xattrs)


def _ensure(made: dict[str, os.stat_result], path: str, newer: str, target: str) -> None:
    """Make the directory and those above it, and note how it was before anything is moved out of it.

    Each comes after the one that it is in.
    """
    if path in made:
        return
    _ensure(made, os.path.dirname(path).rstrip("/"), newer, target)
    os.mkdir(target + path, 0o700)
    made[path] = os.lstat(newer + path)

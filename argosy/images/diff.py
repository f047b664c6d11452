"""`image diff`: the tree of an image and that of its parent, for `storage.changes`."""

from __future__ import annotations

from argosy.storage.changes import Stack
from argosy.storage.rootfs import lower_directories

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.storage.images import ImageRecord
    from argosy.storage.store import Store


def stack(store: Store, record: ImageRecord) -> Stack:
    """The layers of an image; its parent is all but the topmost.  Raises ArgosyError when one cannot be relied on.

    The directories in `chains/` are left out: where a layer leaves a directory's metadata unsaid, it has something in
    that directory, which has changed for that reason.
    """
    layers = record.diff_ids
    whole = lower_directories(store, layers, "", fixed=False)
    return Stack(tuple(whole), tuple(lower_directories(store, layers[:-1], "", fixed=False)))

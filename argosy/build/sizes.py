"""How much room the build cache takes, and what of it has to go where that is too much."""

from __future__ import annotations

import os

from argosy import jsontext
from argosy.build.cache import FILE, MOUNTS, Made
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.records.shelf import Shelf
    from argosy.storage.store import Store


class Part(Value):
    """A step, or the directory of a cache mount, and when it was used last.  `layer` is what the step keeps."""

    used: float
    step: str = ""
    layer: str = ""
    mount: str = ""
    size_bytes: int = 0


class Room(Value):
    """How much the cache may take: at most `most_bytes`, and so little that `free_bytes` of the disk are free.

    It need not shrink below `least_bytes`.  None says nothing; where none of them is said, nothing stays.
    """

    most_bytes: int | None = None
    free_bytes: int | None = None
    least_bytes: int | None = None

    def kept_bytes(self, used_bytes: int, available_bytes: int) -> int:
        """How many bytes may stay of those that it uses; `available_bytes` are free now."""
        bounds = []
        if self.most_bytes is not None:
            bounds.append(self.most_bytes)
        if self.free_bytes is not None:
            bounds.append(used_bytes - max(0, self.free_bytes - available_bytes))
        return max(min(bounds, default=0), self.least_bytes or 0)


def surplus(store: Store, shelf: Shelf, room: Room) -> list[Part]:
    """What has to go so that the rest fits the room, the longest unused first.

    A layer that several steps made goes with the last of them.
    """
    parts = sorted([*_steps(store, shelf), *_mounts(store)], key=lambda part: part.used)
    holders: dict[str, int] = {}
    total = sum(part.size_bytes for part in parts if part.mount)
    for part in parts:
        if part.layer:
            total += 0 if part.layer in holders else part.size_bytes
            holders[part.layer] = holders.get(part.layer, 0) + 1
    status = os.statvfs(store.root)
    keep_bytes = room.kept_bytes(total, status.f_bavail * status.f_frsize)
    found = []
    for part in parts:
        if total <= keep_bytes:
            break
        if not part.size_bytes:
            continue
        found.append(part)
        if part.layer:
            holders[part.layer] -= 1
        if not part.layer or not holders[part.layer]:
            total -= part.size_bytes
    return found


def _steps(store: Store, shelf: Shelf) -> list[Part]:
    held = {layer for record in store.images.all().records for layer in record.diff_ids}
    found = []
    for step in shelf.ids():
        try:
            made = Made.from_json(jsontext.decode(shelf.read(step, FILE)))
            used = os.stat(shelf.path(step)).st_mtime
            counts = made.layer and made.layer not in held
            size = store.layers.meta(made.layer).size_bytes if counts else 0
        except (ArgosyError, OSError):
            continue  # it is gone, or is found by nobody
        found.append(Part(used, step=step, layer=made.layer, size_bytes=size))
    return found


def _mounts(store: Store) -> list[Part]:
    parent = f"{store.root}/buildcache/{MOUNTS}"
    names = os.listdir(parent) if os.path.isdir(parent) else []
    paths = [f"{parent}/{name}" for name in names]
    return [Part(os.stat(path).st_mtime, mount=path, size_bytes=_tree_bytes(path)) for path in paths]


def _tree_bytes(tree: str) -> int:
    """What the files of a tree take up on the disk; one with several names counts once."""
    total, seen, pending = 0, set(), [tree]
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    status = entry.stat(follow_symlinks=False)
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
                    if status.st_ino not in seen:
                        seen.add(status.st_ino)
                        total += status.st_blocks * 512
        except OSError:
            continue  # who uses the mount removes it right now
    return total

"""What differs between two trees, each given as directories that lie one above the other as in an overlay.

A tree that was made on top of another shares its directories: only what lies above them is read.
"""

from __future__ import annotations

import os

from argosy.linux.idmap import IdMap
from argosy.storage.drivers import merging
from argosy.storage.drivers.merging import Merged
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

ADDED = "added"
CHANGED = "changed"
DELETED = "deleted"
NO_MAPS: Mapping[str, IdMap] = {}


class Stack(Value):
    """The directories of a tree, topmost first; `parent` are those of the tree that it was made from.

    `ignored` are paths at which the tree's own state is none of the user's doing.  `id_map` is the map under which the
    topmost directory was written: its files have the ids outside, those of the others the ids inside.
    """

    directories: tuple[str, ...]
    parent: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    id_map: IdMap | None = None


class Change(Value):
    """`kind` is added, changed or deleted; `path` begins with a slash."""

    kind: str
    path: str


def changes(
    newer: Sequence[str],
    older: Sequence[str],
    xattrs: str,
    ignored: Collection[str] = (),
    id_maps: Mapping[str, IdMap] = NO_MAPS,
    *,
    marked: bool = False,
) -> Iterator[Change]:
    """What became of `older` in `newer`, a directory before what is in it; paths in `ignored` are left out.

    A directory has changed when something in it has.  All that is in an added directory is added; what was in one that
    is gone is not listed.  Where `newer` lies on top of `older`, a file that it holds itself counts as changed even if
    it says the same again; else files are compared by type, mode, owner, size and time, as the peers do.  `id_maps` has
    the directories whose files have the ids outside; `marked` is for trees that fuse-overlayfs has made.
    """
    on_top = bool(older) and tuple(newer[-len(older) :]) == tuple(older)
    comparison = _Comparison(xattrs, frozenset(ignored), id_maps, on_top=on_top, marked=marked)
    return comparison.directory("", tuple(newer), tuple(older))


class _Comparison:
    def __init__(
        self, xattrs: str, ignored: frozenset[str], id_maps: Mapping[str, IdMap], *, on_top: bool, marked: bool
    ) -> None:
        self._marked = marked
        self._id_maps = id_maps
        self._xattrs = xattrs
        self._ignored = ignored
        self._on_top = on_top

    def directory(self, path: str, newer: tuple[str, ...], older: tuple[str, ...]) -> Iterator[Change]:
        """The changes below a directory; each side may be empty, where there is none."""
        pending = [self._entries(path, newer, older)]
        waiting: list[Change] = []  # directories that are told as soon as something in them is
        while pending:
            change = next(pending[-1], None)
            if change is None:
                pending.pop()
                del waiting[-1:]
            elif isinstance(change, Change):
                yield from (above for above in waiting if above.kind)
                waiting = [above.replace(kind="") for above in waiting]
                yield change
            else:
                kind, name, below, before = change
                waiting.append(Change(kind, name))
                pending.append(self._entries(name, below, before))

    def _entries(
        self, path: str, newer: tuple[str, ...], older: tuple[str, ...]
    ) -> Iterator[Change | tuple[str, str, tuple[str, ...], tuple[str, ...]]]:
        """The changes in one directory, and the directories in it that are to be looked at next."""
        now = merging.entries(newer, self._xattrs, marked=self._marked)
        before = merging.entries(older, self._xattrs, marked=self._marked)
        for name in sorted({*now, *before}):
            child = f"{path}/{name}"
            if child in self._ignored:
                continue
            new, old = now.get(name), before.get(name)
            if new is None:
                yield Change(DELETED, child)
                continue
            kind = ADDED if old is None else CHANGED if self._differ(new, old) else ""
            if kind:
                yield Change(kind, child)
            below = old.paths if old is not None and old.is_directory else ()
            if new.is_directory and new.paths != below:
                yield "" if kind else CHANGED, child, new.paths, below

    def _differ(self, new: Merged, old: Merged) -> bool:
        if new.paths[0] == old.paths[0]:
            return False
        if self._on_top and not (new.is_directory and old.is_directory):
            return True
        return self._essence(new) != self._essence(old)

    def _essence(self, entry: Merged) -> tuple[int, ...]:
        status: os.stat_result = entry.status
        size = 0 if entry.is_directory else status.st_size
        owner = status.st_uid, status.st_gid
        for directory, id_map in self._id_maps.items():
            if entry.paths[0].startswith(f"{directory}/"):
                owner = id_map.seen_inside(*owner)
        return status.st_mode, *owner, status.st_rdev, size, status.st_mtime_ns

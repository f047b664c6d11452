"""The build cache: what a step made, under a key that is made of all that the step depends on.

    <root>/buildcache/<key>/step.json   Made
                            pins        the digest of its layer, which garbage collection then keeps
    <root>/buildcache/.mounts/<digest>/ a cache mount: its flock is held by who uses it
    <root>/tmp/step-<key>/              locked by who makes the step; another build waits and then finds it

A key is a digest over the key of the step before, the instruction, the variables that it uses, and the content that it
copies: names, modes and content count, times do not.
"""

from __future__ import annotations

import os
import time

from argosy import jsontext
from argosy.build import explain
from argosy.errors import ArgosyError, Exists, NotFound
from argosy.linux import files, locks
from argosy.oci import digest as digests
from argosy.storage.layers import Claim
from argosy.storage.work import PINS
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.build.sizes import Room
    from argosy.storage.store import Store

    Others = tuple[Callable[[str], "Made | None"], ...]

FILE = "step.json"
_USED = "used"
FORMAT = "1"
_RECENT_S = 24 * 3600.0
_SCARCE = 20  # when less than one part in so many of the disk is free
MOUNTS = ".mounts"  # what RUN --mount=type=cache shows, by the digest of the cache's id


class Made(Value):
    """step.json: the layer that a step made ("" for none), when, and the words of its history entry."""

    layer: str = ""
    created: str = ""
    created_by: str = ""


def key(*parts: str) -> str:
    """The key of a step that depends on these."""
    return digests.of_bytes("\0".join((FORMAT, *parts)).encode("utf-8", "surrogateescape")).hex


class Cache:
    """The cache of a store.  With `reads` false nothing is found in it (--no-cache), with `writes` false nothing kept.

    Entries older than `ttl_s` seconds are not found.  What is not in it is asked of `others` in turn (--cache-from).
    `met` are the steps that were found or kept.
    """

    def __init__(
        self, store: Store, *, reads: bool = True, writes: bool = True, ttl_s: float | None = None, others: Others = ()
    ) -> None:
        self._store = store
        self._shelf = store.shelf("buildcache")
        self._reads = reads
        self._writes = writes
        self._ttl_s = ttl_s
        self._others = others
        self.met: dict[str, Made] = {}

    def find(self, step: str) -> Made | None:
        """What the step made, if that is there and can be relied on; marks it as used."""
        if not self._reads:
            return None
        made = self._own(step)
        for other in self._others:
            if made is None:
                made = other(step)
                if made is not None:
                    self.keep(step, made)
        if made is not None:
            self.met[step] = made
        return made

    def _own(self, step: str) -> Made | None:
        try:
            data = self._shelf.read(step, FILE)
            made = Made.from_json(jsontext.decode(data))
            path = f"{self._shelf.path(step)}/{FILE}"
            age_s = time.time() - os.stat(path).st_mtime
            if self._ttl_s is not None and age_s > self._ttl_s:
                return None
            os.utime(self._shelf.path(step))
        except (NotFound, ArgosyError, OSError):
            return None
        if made.layer and not self._store.layers.has(made.layer):
            return None
        return made

    def keep(self, step: str, made: Made) -> None:
        """Remember what the step made, in place of what was remembered."""
        self.met[step] = made
        if not self._writes:
            return
        with self._shelf.stage(step) as staged:
            staged.write(FILE, jsontext.encode(made.to_json()))
            staged.write(PINS, f"{made.layer}\n".encode() if made.layer else b"")
            try:
                staged.commit()
            except Exists:
                self._shelf.remove(step)
                staged.commit()

    def claim(self, step: str) -> Claim:
        """Hold the step, as a context, while it is made; waits for another build that makes it."""
        return Claim(self._store.tmp, f"step-{step}")

    def shrink(self, room: Room, *, older_than_s: float = 0.0) -> int:
        """Forget what was not used for the longest time, until the rest fits the room; returns how many steps.

        What was used within `older_than_s` stays.  Layers count that no image has: those of others take no room of the
        cache's.
        """
        from argosy.build import sizes

        count = 0
        for part in sizes.surplus(self._store, self._shelf, room):
            if time.time() - part.used < older_than_s:
                continue
            if part.mount:
                _prune_mount(part.mount, 0.0)
                continue
            try:
                self._shelf.remove(part.step)
                count += 1
            except NotFound:
                continue
        return count

    def make_room(self) -> int:
        """Where the disk is nearly full, forget what no build has used for a day; returns how many steps."""
        status = os.statvfs(self._store.root)
        if status.f_bavail * _SCARCE >= status.f_blocks:
            return 0
        return self.prune(older_than_s=_RECENT_S)

    def prune(self, *, older_than_s: float = 0.0) -> int:
        """Forget the entries that were not used for so long; returns how many."""
        count = 0
        _prune_mounts(f"{self._shelf.directory}/{MOUNTS}", older_than_s)
        if not older_than_s:
            files.remove_tree(f"{self._shelf.directory}/{explain.DIRECTORY}")
        for step in self._shelf.ids():
            try:
                unused_s = time.time() - os.stat(self._shelf.path(step)).st_mtime
                if unused_s >= older_than_s:
                    self._shelf.remove(step)
                    count += 1
            except (OSError, NotFound):
                continue
        return count


def _prune_mounts(parent: str, older_than_s: float) -> None:
    """Remove the cache mounts that nobody uses now, nor has for so long."""
    try:
        names = os.listdir(parent)
    except FileNotFoundError:
        return
    for name in names:
        _prune_mount(f"{parent}/{name}", older_than_s)


def _prune_mount(path: str, older_than_s: float) -> None:
    try:
        lock = locks.acquire(path, wait=False)
    except OSError:
        return
    if lock is not None:
        with lock:
            if time.time() - os.stat(path).st_mtime >= older_than_s:
                files.remove_tree(path)

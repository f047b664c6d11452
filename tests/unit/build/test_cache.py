"""The cache: what is found again, what is not, and what is forgotten."""

from __future__ import annotations

import os
import threading
import time

import pytest

from argosy.build.cache import MOUNTS, Cache, Made, key
from argosy.build.sizes import Room
from argosy.storage import gc
from argosy.storage.store import Store
from tests.unit.storage.making import add_layer

STEP = key("base", "RUN", "x")


def test_keys_tell_parts_apart() -> None:
    assert key("a", "b") == key("a", "b")
    assert len({key("a", "b"), key("ab"), key("b", "a"), key("a", "b", ""), key("a\0b")}) == 4


def test_what_was_kept_is_found(store: Store) -> None:
    layer = add_layer(store, {"f": b"1"})
    made = Made(layer, "2026-01-01T00:00:00Z", "/bin/sh -c x")
    cache = Cache(store)
    assert cache.find(STEP) is None
    cache.keep(STEP, made)
    assert cache.find(STEP) == made
    cache.keep(STEP, made.replace(created="later"))
    assert cache.find(STEP) == made.replace(created="later")


def test_a_step_is_not_found_without_its_layer(store: Store) -> None:
    cache = Cache(store)
    cache.keep(STEP, Made("sha256:" + "0" * 64, "", ""))
    assert cache.find(STEP) is None


@pytest.mark.parametrize("damage", [b"", b"{}", b"nonsense"])
def test_a_damaged_entry_is_not_found_and_replaced(store: Store, damage: bytes) -> None:
    cache = Cache(store)
    cache.keep(STEP, Made("", "", "x"))
    with open(f"{store.root}/buildcache/{STEP}/step.json", "wb") as file:
        file.write(damage)
    assert cache.find(STEP) is None
    cache.keep(STEP, Made("", "", "y"))
    assert cache.find(STEP) == Made("", "", "y")


def test_the_longest_unused_goes_first(store: Store) -> None:
    cache = Cache(store)
    layers = [add_layer(store, {f"f{number}": bytes(50_000)}) for number in range(3)]
    for number, layer in enumerate((*layers, layers[0])):  # two steps have made the first layer
        step = key("step", str(number))
        cache.keep(step, Made(layer, "", ""))
        os.utime(f"{store.root}/buildcache/{step}", (number + 1, number + 1))
    mount = f"{store.root}/buildcache/{MOUNTS}/{'0' * 64}"
    os.makedirs(f"{mount}/data")
    with open(f"{mount}/data/large", "wb") as file:
        file.write(os.urandom(100_000))
    os.utime(mount, (2.5, 2.5))

    def left() -> list[int]:
        return [number for number in range(4) if cache.find(key("step", str(number)))]

    def shrunk(keep_bytes: int, older_than_s: float = 0.0) -> list[int]:
        cache.shrink(Room(keep_bytes), older_than_s=older_than_s)
        found = sorted(os.listdir(f"{store.root}/buildcache"))
        return [number for number in range(4) if key("step", str(number)) in found]

    assert shrunk(10 << 20) == [0, 1, 2, 3]
    assert shrunk(1000, older_than_s=time.time()) == [0, 1, 2, 3]
    assert shrunk(220_000) == [2, 3] and os.path.isdir(mount)
    assert shrunk(120_000) == [2, 3] and not os.path.isdir(mount)
    assert shrunk(60_000) == [3]
    assert shrunk(1) == []
    assert left() == []


@pytest.mark.parametrize(
    ("room", "kept"),
    [
        (Room(), 0),
        (Room(most_bytes=70), 70),
        (Room(least_bytes=70), 70),
        (Room(free_bytes=40), 100),
        (Room(free_bytes=60), 90),
        (Room(free_bytes=500), 0),
        (Room(most_bytes=80, free_bytes=60), 80),
        (Room(most_bytes=80, free_bytes=80), 70),
        (Room(most_bytes=10, least_bytes=30), 30),
    ],
)
def test_how_much_is_kept(room: Room, kept: int) -> None:
    assert room.kept_bytes(100, 50) == kept


def test_a_disk_that_is_nearly_full_takes_what_was_not_used_for_a_day(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = key("old")
    for step in (STEP, old):
        Cache(store).keep(step, Made())
    day_ago = time.time() - 25 * 3600
    os.utime(f"{store.root}/buildcache/{old}", (day_ago, day_ago))
    shown = os.statvfs(store.root)

    def free(part: int) -> None:
        values = [*shown]
        values[2], values[4] = 1000, 1000 // part  # f_blocks and f_bavail
        monkeypatch.setattr(os, "statvfs", lambda _path: os.statvfs_result(values))

    free(15)
    assert Cache(store).make_room() == 0
    free(25)
    assert Cache(store).make_room() == 1
    assert Cache(store).find(STEP) == Made()


def test_switches(store: Store) -> None:
    Cache(store, writes=False).keep(STEP, Made())
    assert Cache(store).find(STEP) is None
    Cache(store).keep(STEP, Made())
    assert Cache(store, reads=False).find(STEP) is None
    assert Cache(store, ttl_s=100).find(STEP) == Made()
    os.utime(f"{store.root}/buildcache/{STEP}/step.json", (1, 1))
    assert Cache(store, ttl_s=100).find(STEP) is None


def test_layers_of_the_cache_are_no_garbage(store: Store) -> None:
    kept, lost = add_layer(store, {"f": b"1"}), add_layer(store, {"g": b"2"})
    Cache(store).keep(STEP, Made(kept, "", ""))
    assert [digest for kind, digest in gc.find(store).objects if kind == "layer"] == [lost]
    assert Cache(store).prune() == 1
    assert len(gc.find(store).objects) == 2


def test_pruning_by_age(store: Store) -> None:
    old = key("old")
    for step in (STEP, old):
        Cache(store).keep(step, Made())
    os.utime(f"{store.root}/buildcache/{old}", (1, 1))
    for name in ("used", "unused"):
        os.makedirs(f"{store.root}/buildcache/{MOUNTS}/{name}")
    os.utime(f"{store.root}/buildcache/{MOUNTS}/unused", (1, 1))
    assert Cache(store).prune(older_than_s=1000) == 1
    assert Cache(store).find(STEP) == Made()
    assert os.listdir(f"{store.root}/buildcache/{MOUNTS}") == ["used"]
    assert Cache(store).prune() == 1
    assert os.listdir(f"{store.root}/buildcache/{MOUNTS}") == []


def test_a_step_that_is_found_was_used(store: Store) -> None:
    Cache(store).keep(STEP, Made())
    os.utime(f"{store.root}/buildcache/{STEP}", (1, 1))
    assert Cache(store).find(STEP) == Made()
    assert Cache(store).prune(older_than_s=1000) == 0


def test_the_same_step_is_made_once(store: Store) -> None:
    made: list[str] = []
    begun = threading.Event()

    def build(name: str) -> None:
        cache = Cache(store)
        with cache.claim(STEP):
            begun.set()
            if cache.find(STEP) is None:
                made.append(name)
                cache.keep(STEP, Made())

    threads = [threading.Thread(target=build, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1

"""Many processes that bring in, name, mount, remove and collect images over shared layers: no unexpected error.

ARGOSY_STRESS_S raises how long.
"""

from __future__ import annotations

import os
import random
import signal
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from argosy.errors import Exists, NotFound
from argosy.oci.reference import parse
from argosy.storage import check, gc, rootfs, sweep
from argosy.storage.images import ImageRecord
from argosy.storage.store import Store
from tests.rig import host
from tests.unit.storage.making import add_container, add_image, add_layer, make_store, reopened

SECONDS = float(os.environ.get("ARGOSY_STRESS_S", "3"))
PROCESSES = 8


class Worker:
    """One process: does something at random until the time is over."""

    def __init__(self, store: Store, seed: int) -> None:
        self.store = reopened(store)
        self.random = random.Random(seed)
        self.held: set[str] = set()

    def run(self, until: float) -> None:
        actions = (self.pull, self.pull, self.tag, self.run_container, self.remove_image, self.collect, self.list_all)
        while time.monotonic() < until:
            self.random.choice(actions)()

    def pull(self) -> None:
        numbers = sorted(self.random.sample(range(6), 3))
        trees = [{f"dir{number}/file": b"x" * 5000 * number, "shared": bytes([number])} for number in numbers]
        with self.store.work() as work:
            layers = tuple(
                add_layer(self.store, tree, whiteouts=(f"dir{number}",), pin=work.pin)
                for number, tree in zip(numbers, trees, strict=True)
            )
            image = add_image(self.store, layers, pin=work.pin)
            if self.random.random() < 0.3:
                work.settle()
            self.store.refs.set(parse(f"registry.example/image{self.random.randrange(5)}"), image.manifest_digest)

    def image(self) -> ImageRecord | None:
        found = self.store.images.all()
        assert found.damaged == ()
        return self.random.choice(found.records) if found.records else None

    def tag(self) -> None:
        if image := self.image():
            name = parse(f"registry.example/deep/er/tag{self.random.randrange(3)}")
            self.store.refs.set(name, image.manifest_digest)
            if self.random.random() < 0.7:
                self.store.refs.remove(name)

    def run_container(self) -> None:
        image = self.image()
        if image is None:
            return
        container = os.urandom(32).hex()
        with self.store.collection_lock():
            if not self.store.images.exists(image.manifest_digest):
                return
            try:
                add_container(self.store, image, container, f"name{self.random.randrange(20)}")
            except Exists:
                return
        path = self.store.containers.path(container)
        with self.store.containers.lock(container):
            merged = rootfs.mount(self.store, path, image.diff_ids, image.chain_id, image.fixed, volatile=True)
            top = image.diff_ids[-1]
            with open(f"{merged}/shared", "rb") as file, open(f"{self.store.layers.path(top)}/shared", "rb") as layer:
                assert file.read() == layer.read()
            assert sorted(name for name in os.listdir(merged) if name.startswith("dir")) != []
            assert rootfs.unmount(path)
            self.store.containers.remove(container)

    def remove_image(self) -> None:
        if self.random.random() < 0.5 and (image := self.image()):
            try:
                self.store.images.remove(image.manifest_digest)
            except NotFound:
                return

    def collect(self) -> None:
        gc.collect(self.store)

    def list_all(self) -> None:
        for container in self.store.containers.ids():
            try:
                self.store.containers.read(container, "container.json")
            except NotFound:
                continue
        assert self.store.refs.all().damaged == ()
        self.store.containers.names()


def _in_child(function: Callable[[], object]) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        function()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


@host.needs_root
@pytest.mark.parametrize("kills", [False, True])
def test_many_processes(tmp_path: Path, kills: bool) -> None:
    """With `kills`, every now and then one dies in the middle of what it does."""
    store = make_store(str(tmp_path))
    until = time.monotonic() + SECONDS
    workers = (Worker(store, seed) for seed in range(10_000))

    def start() -> int:
        worker = next(workers)
        return _in_child(lambda: worker.run(until))

    pids = {start() for _ in range(PROCESSES)}
    chance = random.Random(0)
    while kills and time.monotonic() < until:
        time.sleep(chance.random() / 10)
        victim = chance.choice(sorted(pids))
        os.kill(victim, signal.SIGKILL)
        os.waitpid(victim, 0)
        pids.remove(victim)
        pids.add(start())
    statuses = [os.waitpid(pid, 0)[1] for pid in pids]
    assert statuses == [0] * PROCESSES
    later = reopened(store)
    for container in later.containers.ids():
        rootfs.unmount(later.containers.path(container))
    deadline = time.monotonic() + 30
    while os.listdir(later.tmp):
        sweep.sweep(later, everything=True)  # what helpers still have in hand is theirs
        assert time.monotonic() < deadline
        time.sleep(0.02)
    gc.collect(later)
    check.check(later, repair=True)
    later.unstable.settle()
    assert check.check(later) == []

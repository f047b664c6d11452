"""A power cut: what was reported as done is there byte for byte; the rest is whole, absent, or not trusted.

The boot id stays the same, as it does when a disk is pulled: only the mount's id tells that time has passed.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from argosy.oci.reference import parse
from argosy.storage import check, gc, sweep
from argosy.storage.store import Store
from tests.faults import tracing
from tests.faults.disk import Disk, can_cut
from tests.faults.injection import spread
from tests.unit.storage.making import add_container, add_image, add_layer, make_store, reopened, sha256

pytestmark = [
    tracing.needs_ptrace,
    pytest.mark.skipif(not can_cut(), reason="needs root, loop devices and mkfs.ext4"),
]

NAME = parse("registry.example/a")
CONTAINER = "c" * 64
CONTENT = bytes(range(256)) * 500
TREE = {f"dir{number}/file": CONTENT + bytes([number]) for number in range(5)}
DATA = b"a blob" * 40_000
DIGEST = sha256(DATA)
POINTS = int(os.environ.get("ARGOSY_FAULT_POINTS", "25"))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with Disk(str(tmp_path)) as made:
        yield made


@pytest.fixture
def store(disk: Disk) -> Store:
    made = make_store(disk.path)
    os.sync()
    return made


def bring_in(store: Store, *, durable: bool) -> None:
    """What import does; or without `durable` pull, which ends the process before a helper makes it stable."""
    with store.work((DIGEST,)) as work:
        store.blobs.put(DATA)
        image = add_image(store, (add_layer(store, TREE, whiteouts=("dir0",)),), durable=durable)
        if durable:
            work.settle()
        store.refs.set(NAME, image.manifest_digest, durable=durable)
        if not durable:
            os._exit(0)


def pulled(store: Store) -> None:
    """Bring it in without waiting for the disk, in a process of its own."""
    tracing.run(lambda: bring_in(store, durable=False))


def judge(store: Store) -> None:
    """All that `bring_in` brings, as it was brought."""
    image = store.images.get(str(store.refs.get(NAME)))
    assert store.layers.untrusted(image.diff_ids) == ()
    for path, content in TREE.items():
        with open(f"{store.layers.path(image.diff_ids[0])}/{path}", "rb") as file:
            assert file.read() == content
    assert os.path.isdir(f"{store.chains.fix(image.chain_id, image.diff_ids)}/dir0")
    for digest in (image.manifest_digest, image.config_digest, DIGEST, *(layer.blob for layer in image.layers)):
        assert store.blobs.matches(digest)


def clean(store: Store) -> None:
    """After the repair nothing is wrong and nothing left over."""
    check.check(store, repair=True)
    store.unstable.settle()
    assert check.check(store) == []
    assert os.listdir(store.tmp) == []


def test_the_cut_does_cut(disk: Disk) -> None:
    """Without this the others would prove nothing."""
    for name, synced in (("kept", True), ("lost", False)):
        with open(f"{disk.path}/{name}", "wb") as file:
            file.write(CONTENT)
            if synced:
                file.flush()
                os.fsync(file.fileno())
    disk.cut()
    with open(f"{disk.path}/kept", "rb") as file:
        assert file.read() == CONTENT
    assert not os.path.exists(f"{disk.path}/lost") or os.stat(f"{disk.path}/lost").st_size == 0


def test_what_was_reported_as_done_is_there(disk: Disk, store: Store) -> None:
    bring_in(store, durable=True)
    image = store.images.get(str(store.refs.get(NAME)))
    with store.containers.stage(CONTAINER) as staged:
        staged.write("container.json", b'{"durable":true}')
        staged.commit("web", durable=True)
    store.containers.write(CONTAINER, "last.json", b'{"exit_code":7}', durable=True)
    disk.cut()
    later = reopened(store)
    judge(later)
    assert later.images.get(image.manifest_digest) == image
    assert later.containers.find("web") == CONTAINER
    assert later.containers.read(CONTAINER, "container.json") == b'{"durable":true}'
    assert later.containers.read(CONTAINER, "last.json") == b'{"exit_code":7}'


def test_each_durable_step_is_durable_by_itself(disk: Disk, store: Store) -> None:
    """The cut comes right behind each one, so that none lives from the syncing of the next."""
    layer = add_layer(store, TREE)
    store.unstable.settle()
    disk.cut()
    image = add_image(reopened(store), (layer,), durable=True)
    disk.cut()
    assert reopened(store).images.get(image.manifest_digest) == image
    store.images.put(image.replace(repo_digests=("a@b",)), durable=True)
    disk.cut()
    assert reopened(store).images.get(image.manifest_digest).repo_digests == ("a@b",)
    for digest in (image.manifest_digest, image.config_digest):
        store.refs.set(NAME, digest, durable=True)
        disk.cut()
        assert reopened(store).refs.get(NAME) == digest
    _put_container(store)
    disk.cut()
    assert reopened(store).containers.find("web") == CONTAINER
    store.containers.write(CONTAINER, "last.json", b'{"exit_code":7}', durable=True)
    disk.cut()
    assert reopened(store).containers.read(CONTAINER, "last.json") == b'{"exit_code":7}'


def test_a_durable_removal_stays_removed(disk: Disk, store: Store) -> None:
    with store.containers.stage(CONTAINER) as staged:
        staged.write("container.json", b"{}")
        staged.commit("web", durable=True)
    store.containers.remove(CONTAINER, durable=True)
    disk.cut()
    assert reopened(store).containers.ids() == []
    assert reopened(store).containers.names() == {}


def test_the_helper_makes_it_stable(disk: Disk, store: Store) -> None:
    with store.work():
        store.blobs.put(DATA)
        layer = add_layer(store, TREE)
    deadline = time.monotonic() + 30
    while os.listdir(store.tmp):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    disk.cut()
    later = reopened(store)
    # The marks themselves are not synced: without them the content is compared once more.
    assert later.blobs.has(DIGEST)
    with open(f"{later.layers.path(layer)}/dir3/file", "rb") as file:
        assert file.read() == TREE["dir3/file"]
    later.unstable.settle()


def test_what_was_not_stable_yet_is_never_taken_for_good(disk: Disk, store: Store) -> None:
    pulled(store)
    image = store.images.get(str(store.refs.get(NAME)))
    assert reopened(store).layers.untrusted(image.diff_ids) == ()
    disk.cut()
    later = reopened(store)
    assert later.layers.untrusted(image.diff_ids) == image.diff_ids
    for digest in (DIGEST, image.manifest_digest, image.config_digest):
        if later.blobs.has(digest):
            assert later.blobs.matches(digest)
    later.images.all()
    later.refs.all()
    gc.find(later)
    check.check(later)
    later.unstable.settle()
    bring_in(later, durable=True)
    judge(later)
    clean(later)


def written_back(store: Store) -> None:
    """The names reach the disk, the content does not: what a power cut leaves on many file systems."""
    for path, _, names in os.walk(f"{store.root}/blobs"):
        for name in names:
            os.truncate(f"{path}/{name}", 0)
    for path, _, names in os.walk(f"{store.root}/layers"):
        for name in names:
            if name != "layer.json":
                os.truncate(f"{path}/{name}", 0)
    os.sync()


def test_names_without_content_are_never_taken_for_good(disk: Disk, store: Store) -> None:
    pulled(store)
    image = store.images.get(str(store.refs.get(NAME)))
    written_back(store)
    disk.cut()
    later = reopened(store)
    assert later.images.exists(image.manifest_digest)
    assert later.layers.untrusted(image.diff_ids) == image.diff_ids
    assert not later.blobs.has(DIGEST)
    assert not later.blobs.has(image.manifest_digest)
    sweep.sweep(later)
    assert later.layers.untrusted(image.diff_ids) == image.diff_ids
    bring_in(later, durable=True)
    judge(later)
    clean(later)


def _put_container(store: Store) -> None:
    with store.containers.stage(CONTAINER) as staged:
        staged.write("container.json", b'{"whole":true}')
        staged.commit("web", durable=True)


@pytest.mark.parametrize("durable", [True, False])
def test_killed_and_cut_anywhere(disk: Disk, durable: bool) -> None:
    """The process dies at some call and the power goes with it."""
    numbers = itertools.count()

    def prepare() -> tuple[Store, Callable[[], object]]:
        store = make_store(f"{disk.path}/{next(numbers)}")
        os.sync()

        def operation() -> None:
            _put_container(store)
            bring_in(store, durable=durable)

        return store, operation

    total = tracing.run(prepare()[1])
    for number in spread(total, POINTS):
        store, operation = prepare()
        tracing.run(operation, number)
        disk.cut()
        later = reopened(store)
        sweep.sweep(later, everything=True)
        assert os.listdir(later.tmp) == []
        if durable:
            assert later.images.all().damaged == ()
            assert later.refs.all().damaged == ()
            if later.refs.get(NAME):
                judge(later)
        if later.containers.ids():
            assert later.containers.read(CONTAINER, "container.json") == b'{"whole":true}'
        else:
            _put_container(later)
        assert later.containers.find("web") == CONTAINER
        bring_in(later, durable=True)
        judge(later)
        check.check(later, repair=True)
        later.unstable.settle()
        left = [finding for finding in check.check(later) if CONTAINER not in finding.path]
        assert left == []


def test_a_container_keeps_its_layers_through_a_cut(disk: Disk, store: Store) -> None:
    bring_in(store, durable=True)
    image = store.images.get(str(store.refs.get(NAME)))
    add_container(store, image, CONTAINER, "web")
    os.sync()
    disk.cut()
    later = reopened(store)
    assert gc.find(later).objects == (("blob", DIGEST),)
    judge(later)

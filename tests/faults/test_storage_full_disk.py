"""A full disk in every phase: the failure says so, nothing half is seen, and with room again all succeeds."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from argosy.errors import ArgosyError
from argosy.oci.reference import parse
from argosy.records.shelf import Shelf
from argosy.storage import check, gc, sweep
from argosy.storage.store import Store
from tests.faults.disk import Disk, can_cut
from tests.unit.storage.making import add_image, add_layer, make_store, reopened, sha256

pytestmark = pytest.mark.skipif(not can_cut(), reason="needs root, loop devices and mkfs.ext4")

NAME = parse("registry.example/some/repository")
CONTAINER = "c" * 64
DATA = b"a blob" * 20_000
DIGEST = sha256(DATA)
STEP = 4096
ROOM = tuple(range(0, 24 * STEP, STEP)) + tuple(range(24 * STEP, 100 * STEP, 9 * STEP))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with Disk(str(tmp_path), size_mib=8) as made:
        yield made


def put_blob(store: Store) -> None:
    with store.work((DIGEST,)) as work:
        with store.blobs.ingest(DIGEST, len(DATA)) as ingest:
            ingest.write(DATA[ingest.offset :])
            ingest.commit()
        work.settle()


def bring_in(store: Store) -> None:
    with store.work() as work:
        layer = add_layer(store, {f"dir{number}/file": bytes(10_000) for number in range(5)}, whiteouts=("dir0",))
        image = add_image(store, (layer,), durable=True)
        work.settle()
        store.refs.set(NAME, image.manifest_digest, durable=True)


def put_container(store: Store) -> None:
    with store.containers.stage(CONTAINER) as staged:
        staged.write("container.json", b'{"padding":"%s"}' % (b"x" * 9000))
        staged.commit("web", durable=True)


def fails_of_fullness(operation: Callable[[Store], None], store: Store) -> bool:
    """Whether it failed for want of room; any other failure is one of the test."""
    try:
        operation(store)
    except ArgosyError as error:
        assert "No space left" in str(error) or (error.__cause__ and "No space left" in str(error.__cause__))
        return True
    except OSError as error:
        assert error.errno == errno.ENOSPC
        return True
    return False


def remove_all(store: Store) -> None:
    for record in store.images.all().records:
        store.images.remove(record.manifest_digest)
    for container in store.containers.ids():
        store.containers.remove(container)
    for reference, _ in store.refs.all().refs:
        store.refs.remove(reference)
    gc.collect(store)


def swept_clean(store: Store) -> None:
    """A helper that makes things stable may still be at its work."""
    deadline = time.monotonic() + 20
    sweep.sweep(store, everything=True)
    while left := os.listdir(store.tmp):
        assert time.monotonic() < deadline, left
        time.sleep(0.02)
        sweep.sweep(store, everything=True)


@pytest.mark.parametrize("operation", [put_blob, bring_in, put_container])
def test_full_in_every_phase(disk: Disk, operation: Callable[[Store], None]) -> None:
    store = make_store(disk.path)
    failures = 0
    for room in ROOM:
        filling = disk.fill(leave_bytes=room)
        failed = fails_of_fullness(operation, store)
        failures += failed
        store.unstable.settle_later()
        later = reopened(store)
        assert later.images.all().damaged == ()
        assert later.refs.all().damaged == ()
        for record in later.images.all().records:
            assert later.layers.untrusted(record.diff_ids) == ()
        for container in later.containers.ids():
            assert later.containers.read(container, "container.json")
        assert not later.blobs.has(DIGEST) or later.blobs.matches(DIGEST)
        os.unlink(filling)
        if failed:
            operation(later)
        later.unstable.settle()
        swept_clean(later)
        assert check.check(later, repair=True) == []
        remove_all(later)
        assert os.listdir(f"{later.root}/layers") == []
    assert failures > 2, "the disk was never full"


def test_removing_and_collecting_need_no_room(disk: Disk) -> None:
    store = make_store(disk.path)
    bring_in(store)
    put_container(store)
    put_blob(store)
    disk.fill()
    remove_all(store)
    for place in ("blobs/sha256", "layers", "chains", "images", "containers", "tmp"):
        assert os.listdir(f"{store.root}/{place}") == []


def test_a_full_disk_leaves_no_name_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name is made before the object is renamed in: where that fails, it goes again."""
    shelf = Shelf(f"{tmp_path}/containers", f"{tmp_path}/tmp", "container")

    def no_room(_old: str, _new: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OSError, match="No space"), shelf.stage(CONTAINER) as staged:
        staged.write("container.json", b"{}")
        monkeypatch.setattr(os, "rename", no_room)
        staged.commit("web")
    assert os.listdir(shelf.names_directory) == []
    assert os.listdir(shelf.tmp) == []

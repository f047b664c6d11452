"""kill -9 of everything that changes the store, at each of its system calls.

Afterwards: what it made or removed is there whole or not at all, nothing else has changed, the same again succeeds, and
after a sweep (or `system check --repair`) nothing is left over.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from argosy.config.locations import Locations
from argosy.errors import Exists, NotFound
from argosy.linux import mounts
from argosy.linux.idmap import identity
from argosy.oci.reference import parse
from argosy.records.shelf import Shelf
from argosy.storage import check, creation, gc, sweep
from argosy.storage.images import ImageRecord
from argosy.storage.store import Store, read_record
from tests.faults.tracing import everywhere, needs_ptrace
from tests.rig import host
from tests.unit.storage.making import add_container, add_image, add_layer, make_store, reopened, sha256

pytestmark = needs_ptrace

A, B = "a" * 64, "b" * 64
DATA = b"blob" * 50_000
DIGEST = sha256(DATA)

Prepare = Callable[[Store], Callable[[], object]]


class Fresh:
    """A new store for each kill; the last one is `store`."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._numbers = itertools.count()
        self.store: Store

    def __call__(self, prepare: Prepare) -> Callable[[], Callable[[], object]]:
        def next_one() -> Callable[[], object]:
            if hasattr(self, "store"):
                shutil.rmtree(os.path.dirname(self.store.root))
            self.store = make_store(f"{self._directory}/{next(self._numbers)}")
            operation = prepare(self.store)
            self.store.unstable.settle()
            return operation

        return next_one


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[str]:
    """A directory in memory where there is one: what is killed here is the process, not the power, so that syncing
    proves nothing and takes a minute."""
    if not os.access("/dev/shm", os.W_OK):
        yield str(tmp_path)
        return
    directory = tempfile.mkdtemp(dir="/dev/shm")
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def fresh(memory: str) -> Fresh:
    return Fresh(memory)


def settled(store: Store) -> Store:
    """The store for the next command, swept; nothing of the killed one may be left in tmp/."""
    other = reopened(store)
    sweep.sweep(other, everything=True)
    assert os.listdir(store.tmp) == []
    return other


def whole(store: Store) -> None:
    """Nothing in the store is damaged, and a repair has nothing to do but to tidy up."""
    damaged = [finding for finding in check.check(store, repair=True) if finding.kind not in ("temporary file", "name")]
    assert [finding for finding in damaged if "without a tag" not in finding.problem] == []
    store.unstable.settle()
    assert check.check(store) == []
    assert os.listdir(store.tmp) == []


def put(shelf: Shelf, object_id: str, name: str, *, durable: bool = False) -> None:
    with shelf.stage(object_id) as staged:
        staged.write("container.json", b'{"whole":true}')
        os.mkdir(f"{staged.path}/upper")
        staged.commit(name, durable=durable)


@pytest.mark.parametrize("durable", [False, True])
def test_an_object_is_put_on_the_shelf(fresh: Fresh, durable: bool) -> None:
    for _ in everywhere(fresh(lambda store: lambda: put(store.containers, A, "web", durable=durable))):
        store = settled(fresh.store)
        there = store.containers.ids() == [A]
        if there:
            assert store.containers.read(A, "container.json") == b'{"whole":true}'
            assert store.containers.find("web") == A
            with pytest.raises(Exists):
                put(store.containers, B, "web")
        else:
            assert store.containers.ids() == []
            with pytest.raises(NotFound):
                store.containers.find("web")
            put(store.containers, B, "web")
            assert store.containers.find("web") == B
        whole(store)


def test_an_object_is_removed(fresh: Fresh) -> None:
    def prepare(store: Store) -> Callable[[], object]:
        put(store.containers, A, "web")
        put(store.containers, B, "other")

        def remove() -> None:
            with store.containers.lock(A):
                store.containers.remove(A, durable=True)

        return remove

    for _ in everywhere(fresh(prepare)):
        store = settled(fresh.store)
        if A in store.containers.ids():
            assert store.containers.read(A, "container.json") == b'{"whole":true}'
            assert store.containers.find("web") == A
            store.containers.remove(A)
        assert store.containers.ids() == [B]
        put(store.containers, "c" * 64, "web")
        assert store.containers.find("other") == B
        whole(store)


def test_an_object_is_renamed(fresh: Fresh) -> None:
    def prepare(store: Store) -> Callable[[], object]:
        put(store.containers, A, "old")
        return lambda: store.containers.rename(A, "new")

    for _ in everywhere(fresh(prepare)):
        store = settled(fresh.store)
        assert store.containers.names() in ({"old": A}, {"new": A})
        store.containers.rename(A, "new")
        assert store.containers.names() == {"new": A}
        whole(store)


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_of_an_object_is_replaced(fresh: Fresh, durable: bool) -> None:
    def prepare(store: Store) -> Callable[[], object]:
        put(store.containers, A, "web")
        store.containers.write(A, "last.json", b'{"old":1}')

        def write() -> None:
            with store.containers.lock(A):
                store.containers.write(A, "last.json", b'{"new":2}', durable=durable)

        return write

    for _ in everywhere(fresh(prepare)):
        store = settled(fresh.store)
        assert store.containers.read(A, "last.json") in (b'{"old":1}', b'{"new":2}')
        store.containers.write(A, "last.json", b'{"new":2}')
        whole(store)
        assert sorted(os.listdir(store.containers.path(A))) == ["container.json", "last.json", "upper"]


def test_a_blob_is_stored(fresh: Fresh) -> None:
    def prepare(store: Store) -> Callable[[], object]:
        def ingest() -> None:
            with store.work((DIGEST,)) as work:
                with store.blobs.ingest(DIGEST, len(DATA)) as ingest:
                    for start in range(0, len(DATA), 50_000):
                        ingest.write(DATA[start : start + 50_000])
                    ingest.commit()
                work.settle()

        return ingest

    for _ in everywhere(fresh(prepare)):
        store = reopened(fresh.store)
        if store.blobs.has(DIGEST):
            assert store.blobs.read(DIGEST) == DATA
        with store.blobs.ingest(DIGEST, len(DATA)) as ingest:
            if not ingest.present:
                ingest.write(DATA[ingest.offset :])
                ingest.commit()
        assert store.blobs.read(DIGEST) == DATA
        store.unstable.settle()
        whole(settled(store))


def test_a_layer_is_stored(fresh: Fresh) -> None:
    tree = {"etc/a": b"x", "usr/bin/b": b"yy"}

    def prepare(store: Store) -> Callable[[], object]:
        def add() -> None:
            add_layer(store, tree)
            store.unstable.settle()

        return add

    for _ in everywhere(fresh(prepare)):
        store = settled(fresh.store)
        for diff_id in store.layers.ids():
            assert store.layers.has(diff_id)
            assert sorted(os.listdir(store.layers.path(diff_id))) == ["etc", "usr"]
        diff_id = add_layer(store, tree)
        assert store.layers.has(diff_id)
        store.unstable.settle()
        whole(store)


def test_a_chain_is_made(fresh: Fresh) -> None:
    def prepare(store: Store) -> Callable[[], object]:
        layer = add_layer(store, {"a/b/c": b"x"}, whiteouts=("a/b",))
        return lambda: store.chains.ensure_fix((layer,))

    for _ in everywhere(fresh(prepare)):
        store = settled(fresh.store)
        (layer,) = store.layers.ids()
        assert store.chains.ensure_fix((layer,)).fixed
        assert os.path.isdir(f"{store.chains.fix(layer, (layer,))}/a/b")
        store.unstable.settle()
        whole(store)


def image_of(store: Store, salt: str = "") -> ImageRecord:
    return add_image(store, (add_layer(store, {"a": b"x"}),), salt=salt)


def test_an_image_comes_in_whole(fresh: Fresh) -> None:
    """Blobs, layer, record and name, as an import does it: when the name is there, all is, and is stable."""
    name = parse("registry.example/a")

    def bring_in(store: Store) -> None:
        with store.work() as work:
            image = add_image(store, (add_layer(store, {"a": b"x"}),), durable=True)
            work.settle()
            store.refs.set(name, image.manifest_digest, durable=True)

    for _ in everywhere(fresh(lambda store: lambda: bring_in(store))):
        store = settled(fresh.store)
        digest = store.refs.get(name)
        for record in store.images.all().records:
            assert store.layers.untrusted(record.diff_ids) == ()
            assert store.blobs.has(record.manifest_digest)
            assert store.blobs.has(record.config_digest)
        assert store.images.all().damaged == ()
        if digest is not None:
            assert store.images.get(digest).manifest_digest == digest
        gc.collect(store)
        if digest is not None:
            assert store.images.get(digest)
        bring_in(store)
        assert store.images.get(str(store.refs.get(name)))
        whole(store)


def test_an_image_record_is_joined_with_a_newer_one(fresh: Fresh) -> None:
    def prepare(store: Store) -> Callable[[], object]:
        image = image_of(store)
        return lambda: store.images.put(image.replace(repo_digests=("a@b",)))

    for _ in everywhere(fresh(prepare)):
        store = settled(fresh.store)
        (record,) = store.images.all().records
        assert record.repo_digests in ((), ("a@b",))
        assert store.images.put(record.replace(repo_digests=("a@b",))).repo_digests == ("a@b",)
        whole(store)


def test_an_image_is_removed_and_collected(fresh: Fresh) -> None:
    def prepare(store: Store) -> Callable[[], object]:
        keep, remove = image_of(store, "keep"), image_of(store, "remove")
        add_container(store, keep, A, "web")

        def both() -> None:
            store.images.remove(remove.manifest_digest)
            gc.collect(store)

        return both

    for _ in everywhere(fresh(prepare)):
        store = settled(fresh.store)
        for record in store.images.all().records:
            assert store.blobs.has(record.config_digest)
            assert store.layers.untrusted(record.diff_ids) == ()
        assert store.images.all().damaged == ()
        assert len(store.images.all().records) in (1, 2)
        gc.collect(store)
        whole(store)


@pytest.mark.parametrize("old", [None, sha256(b"old")])
def test_a_reference_is_set(fresh: Fresh, old: str | None) -> None:
    name, new = parse("registry.example/deep/er/name:tag"), sha256(b"new")

    def prepare(store: Store) -> Callable[[], object]:
        if old:
            store.refs.set(name, old)
        return lambda: store.refs.set(name, new, durable=True)

    for _ in everywhere(fresh(prepare)):
        store = settled(fresh.store)
        assert store.refs.get(name) in (old, new)
        assert store.refs.all().damaged == ()
        store.refs.set(name, new)
        assert store.refs.get(name) == new


def test_a_reference_is_removed(fresh: Fresh) -> None:
    name, other = parse("registry.example/a/b"), parse("registry.example/a")

    def prepare(store: Store) -> Callable[[], object]:
        store.refs.set(name, sha256(b"1"))
        store.refs.set(other, sha256(b"2"))
        return lambda: store.refs.remove(name)

    for _ in everywhere(fresh(prepare)):
        store = settled(fresh.store)
        assert store.refs.get(name) in (None, sha256(b"1"))
        assert store.refs.get(other) == sha256(b"2")
        store.refs.remove(name)
        assert [reference for reference, _ in store.refs.all().refs] == [other]
        store.refs.set(name, sha256(b"1"))


def test_the_sweep_and_its_settling(fresh: Fresh) -> None:
    def prepare(store: Store) -> Callable[[], object]:
        dead = reopened(store)
        dead.blobs.put(DATA)
        scratch = dead.unstable._scratch
        assert scratch
        scratch.lock.release()
        os.makedirs(f"{store.tmp}/{'0' * 32}/deep/er")
        return lambda: sweep.sweep(store, everything=True)

    for _ in everywhere(fresh(prepare)):
        store = settled(fresh.store)
        assert store.blobs.has(DIGEST)
        store.unstable.settle()
        whole(store)
        assert os.stat(store.blobs.path(DIGEST)).st_mode & 0o777 == 0o444


def test_a_reset_can_be_repeated(fresh: Fresh) -> None:
    def prepare(store: Store) -> Callable[[], object]:
        add_container(store, image_of(store), A, "web")
        return lambda: creation.remove(store.root)

    for _ in everywhere(fresh(prepare)):
        root = fresh.store.root
        creation.remove(root)
        assert not os.path.exists(root) or os.listdir(root) == []
        os.makedirs(root, exist_ok=True)


@host.needs_root
def test_a_store_is_made(memory: str) -> None:
    numbers = itertools.count()
    locations = Locations("", "")

    def prepare() -> Callable[[], object]:
        nonlocal locations
        base = f"{memory}/{next(numbers)}"
        locations = Locations(f"{base}/root", f"{base}/run")
        return lambda: Store.open(locations, rootless=False, id_map=identity())

    for _ in everywhere(prepare):
        store = Store.open(locations, rootless=False, id_map=identity())
        assert not read_record(store.root).lost
        sweep.sweep(store)
        assert os.listdir(store.tmp) == []
        assert [point.path for point in mounts.mountinfo() if point.path.startswith(store.root)] == []
        assert check.check(store, repair=True) == []

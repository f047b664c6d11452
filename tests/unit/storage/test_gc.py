"""Garbage: exactly what nothing refers to, without keeping anybody waiting."""

from __future__ import annotations

import os
import threading

import pytest

from argosy.errors import ArgosyError
from argosy.oci.reference import parse
from argosy.storage import gc
from argosy.storage.images import ImageRecord
from argosy.storage.store import Store
from tests.unit.storage.making import add_container, add_image, add_layer, reopened, sha256


@pytest.fixture
def image(store: Store) -> ImageRecord:
    layers = (add_layer(store, {"a/x": b"x"}), add_layer(store, {"b/y": b"yy"}, whiteouts=("b",)))
    made = add_image(store, layers)
    assert made.fixed
    store.unstable.settle()
    return made


def everything(store: Store) -> set[str]:
    found: set[str] = set()
    for place in ("blobs/sha256", "layers", "chains"):
        found.update(f"sha256:{name}" for name in os.listdir(f"{store.root}/{place}"))
    return found


def parts(image: ImageRecord) -> set[str]:
    blobs = {layer.blob for layer in image.layers}
    return {image.manifest_digest, image.config_digest, image.chain_id, *image.diff_ids, *blobs}


def test_an_image_keeps_all_its_parts(store: Store, image: ImageRecord) -> None:
    assert everything(store) == parts(image)
    assert gc.collect(store).objects == ()
    assert everything(store) == parts(image)


def test_nothing_of_a_removed_image_stays(store: Store, image: ImageRecord) -> None:
    store.images.remove(image.manifest_digest)
    plan = gc.find(store)
    assert everything(store) == parts(image), "a plan removes nothing"
    assert gc.collect(store) == plan
    assert {digest for _, digest in plan.objects} == parts(image)
    assert plan.size_bytes > 3
    assert everything(store) == set()
    assert os.listdir(store.tmp) == []


def test_shared_parts_stay(store: Store, image: ImageRecord) -> None:
    other = add_image(store, image.diff_ids[:1])
    store.images.remove(image.manifest_digest)
    gc.collect(store)
    assert everything(store) == parts(other)


def test_a_container_keeps_its_layers(store: Store, image: ImageRecord) -> None:
    add_container(store, image, "c" * 64, "web")
    store.images.remove(image.manifest_digest)
    gc.collect(store)
    blobs = {layer.blob for layer in image.layers}
    assert everything(store) == parts(image) - blobs


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'{"image":{"layers":7}}'])
def test_a_container_that_cannot_be_read_keeps_all_layers(store: Store, image: ImageRecord, content: bytes) -> None:
    add_container(store, image, "c" * 64, "web")
    store.images.remove(image.manifest_digest)
    with open(f"{store.containers.path('c' * 64)}/container.json", "wb") as file:
        file.write(content)
    garbage = gc.collect(store)
    assert set(image.diff_ids) | {image.chain_id} <= everything(store)
    assert len(garbage.kept) == 1
    assert "c" * 64 in garbage.kept[0]


def test_an_image_record_that_cannot_be_read_keeps_its_parts(store: Store, image: ImageRecord) -> None:
    with open(f"{store.root}/images/{image.manifest_digest[7:]}/image.json", "wb"):
        pass
    assert gc.collect(store).objects == ()
    assert everything(store) == parts(image)


def test_refs_keep_indexes(store: Store, image: ImageRecord) -> None:
    index = store.blobs.put(b'{"manifests":[]}')
    store.refs.set(parse("multi"), index)
    gc.collect(store)
    assert index in everything(store)
    store.refs.remove(parse("multi"))
    gc.collect(store)
    assert index not in everything(store)


def test_pins_keep_what_is_in_the_making(store: Store, image: ImageRecord) -> None:
    store.images.remove(image.manifest_digest)
    with store.work((image.manifest_digest,)) as work:
        gc.collect(reopened(store))
        assert everything(store) == parts(image), "a pinned manifest keeps what it names"
        lone = sha256(b"lone")
        work.pin(lone)
        store.blobs.put(b"lone")
        gc.collect(reopened(store))
        assert lone in everything(store)
        work.settle()
    gc.collect(store)
    assert everything(store) == set()


def test_pins_of_the_dead_keep_nothing(store: Store, image: ImageRecord) -> None:
    store.images.remove(image.manifest_digest)
    os.mkdir(f"{store.tmp}/dead")
    with open(f"{store.tmp}/dead/pins", "w") as file:
        file.write("".join(f"{digest}\n" for digest in parts(image)))
    gc.collect(store)
    assert everything(store) == set()


def test_a_pin_waits_for_a_collection_and_a_collection_for_no_work(store: Store) -> None:
    with store.work() as work:
        collector = threading.Thread(target=gc.collect, args=(reopened(store),))
        collector.start()
        collector.join(10)
        assert not collector.is_alive()
        pinned = threading.Event()

        def pin() -> None:
            work.pin(sha256(b"x"))
            pinned.set()

        with store.exclusive_lock():
            pinner = threading.Thread(target=pin)
            pinner.start()
            assert not pinned.wait(0.05)
        pinner.join()
        assert pinned.is_set()


def test_an_image_put_while_its_parts_are_collected_is_refused_or_kept(store: Store, image: ImageRecord) -> None:
    """Without pins a collection may come in between; then the record must not appear."""
    for _ in range(20):
        fresh = add_image(store, (add_layer(store, {"r": b"r"}),), salt="race")
        store.images.remove(fresh.manifest_digest)
        collector = threading.Thread(target=gc.collect, args=(reopened(store),))
        collector.start()
        try:
            store.images.put(fresh)
            refused = False
        except ArgosyError:
            refused = True
        collector.join()
        assert store.images.exists(fresh.manifest_digest) != refused
        gc.collect(store)
        assert parts(fresh) - everything(store) == set() or refused
        if not refused:
            store.images.remove(fresh.manifest_digest)
    store.unstable.settle()


def test_a_record_is_put_before_or_after_a_collection_but_not_during(store: Store, image: ImageRecord) -> None:
    store.images.remove(image.manifest_digest)
    for present in (False, True):
        with store.exclusive_lock():
            putter = threading.Thread(target=store.images.put, args=(image.replace(repo_digests=(f"{present}@x",)),))
            putter.start()
            putter.join(0.05)
            assert putter.is_alive()
            assert store.images.exists(image.manifest_digest) == present
        putter.join()


def test_what_is_not_named_as_ours_stays(store: Store) -> None:
    for place in ("blobs/sha256", "layers", "chains"):
        with open(f"{store.root}/{place}/note", "wb"):
            pass
    gc.collect(store)
    assert os.path.exists(f"{store.root}/layers/note")

"""Layers: applied once, put in whole."""

from __future__ import annotations

import os
import threading

import pytest

from argosy.errors import Invalid, NotFound
from argosy.records.shelf import Damaged
from argosy.storage.layers import LayerMeta
from argosy.storage.store import Store
from tests.unit.storage.making import add_layer, sha256

DIFF_ID = sha256(b"tar")


def test_a_layer_is_there_when_it_is_whole(store: Store) -> None:
    with store.layers.stage(DIFF_ID) as staged:
        assert not staged.present
        assert not store.layers.has(DIFF_ID)
        assert os.stat(staged.path).st_mode & 0o777 == 0o755
        store.layers.commit(staged, LayerMeta(DIFF_ID, 5, 2, ("etc",), ("var/lib",)))
        assert staged.present
    assert store.layers.has(DIFF_ID)
    assert store.layers.ids() == [DIFF_ID]
    assert store.layers.meta(DIFF_ID) == LayerMeta(DIFF_ID, 5, 2, ("etc",), ("var/lib",))
    with store.layers.stage(DIFF_ID) as staged:
        assert staged.present


def test_an_abandoned_layer_leaves_nothing(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.layers.stage(DIFF_ID) as staged:
        os.mkdir(f"{staged.path}/etc")
        raise ZeroDivisionError
    assert store.layers.untrusted((DIFF_ID,)) == (DIFF_ID,)
    assert store.layers.ids() == []


def test_what_a_dead_one_left_is_not_taken_over(store: Store) -> None:
    os.makedirs(f"{store.tmp}/layer-{DIFF_ID.removeprefix('sha256:')}/diff/half")
    with store.layers.stage(DIFF_ID) as staged:
        assert os.listdir(staged.path) == []
        store.layers.commit(staged, LayerMeta(DIFF_ID, 0))


def test_the_second_waits_and_finds_it(store: Store) -> None:
    found: list[bool] = []

    def second() -> None:
        with store.layers.stage(DIFF_ID) as staged:
            found.append(staged.present)

    with store.layers.stage(DIFF_ID) as staged:
        waiter = threading.Thread(target=second)
        waiter.start()
        waiter.join(0.05)
        assert waiter.is_alive()
        store.layers.commit(staged, LayerMeta(DIFF_ID, 0))
    waiter.join()
    assert found == [True]


@pytest.mark.parametrize("path", ["plain", "with blank", "ä/ö", "100%", "%41", "new\nline", os.fsdecode(b"\xff\xfe/x")])
def test_any_path_survives_layer_json(store: Store, path: str) -> None:
    layer = add_layer(store, {}, undeclared=(path,), whiteouts=(path, "other"))
    meta = store.layers.meta(layer)
    assert meta.undeclared == (path,)
    assert meta.whiteout_directories == (path, "other")


def test_meta_tells_absent_from_damaged(store: Store) -> None:
    with pytest.raises(NotFound):
        store.layers.meta(DIFF_ID)
    layer = add_layer(store, {"a": b"x"})
    path = f"{store.layers.directory(layer)}/layer.json"
    for content in (b"", b"{}", b"nonsense"):
        with open(path, "wb") as file:
            file.write(content)
        with pytest.raises(Damaged):
            store.layers.meta(layer)
        assert not store.layers.has(layer)
    os.unlink(path)
    with pytest.raises(Damaged, match="missing"):
        store.layers.meta(layer)


@pytest.mark.parametrize("diff_id", ["sha256:..", "../x", "sha256:" + "g" * 64])
def test_what_is_no_digest_never_becomes_a_path(store: Store, diff_id: str) -> None:
    with pytest.raises(Invalid):
        store.layers.path(diff_id)

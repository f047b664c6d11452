"""The store itself: made once, opened fast, refused when it is not ours to read."""

from __future__ import annotations

import multiprocessing
import os
import time
from pathlib import Path

import pytest

from argosy import jsontext
from argosy.config.locations import Locations
from argosy.errors import ArgosyError, Unsupported
from argosy.linux.idmap import IdMap, IdRange, identity
from argosy.records.shelf import Damaged, seal, unseal
from argosy.storage import creation
from argosy.storage.store import Store, read_record
from tests.rig import host
from tests.unit.storage.making import add_container, add_image, add_layer, make_store

ROOTLESS = IdMap(
    (IdRange(0, 1000, 1), IdRange(1, 100000, 65536)),
    (IdRange(0, 1000, 1), IdRange(1, 100000, 65536)),
)


def places(store: Store, run: str = "") -> Locations:
    return Locations(store.root, run or store.run)


def edit(root: str, **changes: object) -> None:
    path = f"{root}/store.json"
    with open(path, "rb") as file:
        record = jsontext.decode(unseal(file.read(), "store", path))
    record.update(changes)
    with open(path, "wb") as file:
        file.write(seal(jsontext.encode(record)))


def test_opening_makes_no_lists_and_few_calls(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("listdir", "scandir", "stat", "lstat", "mkdir"):
        monkeypatch.setattr(os, name, lambda *_args, _name=name: pytest.fail(f"called {_name}"))
    opened = Store.open(places(store), rootless=False, id_map=identity())
    monkeypatch.undo()
    assert opened.record == store.record


def test_opening_is_quick(store: Store) -> None:
    def once() -> float:
        begin = time.perf_counter()
        Store.open(places(store), rootless=False, id_map=identity())
        return time.perf_counter() - begin

    assert min(once() for _ in range(20)) < 0.001


@host.needs_root
def test_the_first_use_makes_it(tmp_path: Path) -> None:
    locations = Locations(f"{tmp_path}/some/where/root", f"{tmp_path}/run")
    store = Store.open(locations, rootless=False, id_map=identity())
    assert store.driver == "overlay"
    assert store.xattrs == "trusted"
    assert os.stat(store.root).st_mode & 0o777 == 0o700
    assert os.stat(store.run).st_mode & 0o777 == 0o700
    assert os.listdir(store.tmp) == []
    assert read_record(store.root) == store.record
    assert not store.record.lost


def _open(root: str, run: str) -> str:
    return repr(Store.open(Locations(root, run), rootless=False, id_map=identity()).record)


@host.needs_root
def test_many_make_it_at_once(tmp_path: Path) -> None:
    with multiprocessing.get_context("fork").Pool(8) as pool:
        records = pool.starmap(_open, [(f"{tmp_path}/root", f"{tmp_path}/run")] * 16)
    assert len(set(records)) == 1
    assert os.listdir(f"{tmp_path}/root/tmp") == []


def test_an_unknown_version_refuses(store: Store) -> None:
    edit(store.root, format=99, something="new")
    with pytest.raises(Unsupported, match=r"format 99.*knows format 1") as caught:
        Store.open(places(store), rootless=False, id_map=identity())
    assert "--root" in caught.value.hint


@host.needs_root
def test_a_damaged_store_file_is_made_again(store: Store) -> None:
    path = f"{store.root}/store.json"
    with open(path, "rb") as file:
        whole = file.read()
    os.mkdir(f"{store.root}/images/{'a' * 64}")
    for damaged in (b"", whole[:40], whole.replace(b"overlay", b"overlai"), b"\xff" + whole[1:]):
        with open(path, "wb") as file:
            file.write(damaged)
        opened = Store.open(places(store), rootless=False, id_map=identity())
        assert opened.record == store.record.replace(lost=True)
        with open(f"{path}.damaged", "rb") as file:
            assert file.read() == damaged


def test_a_store_file_with_other_fields_is_not_replaced(store: Store) -> None:
    edit(store.root, extra=1)
    with pytest.raises(Damaged, match="store"):
        Store.open(places(store), rootless=False, id_map=identity())


@pytest.mark.parametrize("number", [2, "x"])
def test_a_damaged_store_file_that_may_be_of_another_version_is_named(store: Store, number: object) -> None:
    path = f"{store.root}/store.json"
    with open(path, "wb") as file:
        file.write(jsontext.encode({"format": number, "new": True}))
    with pytest.raises(Damaged, match="damaged store") as caught:
        Store.open(places(store), rootless=False, id_map=identity())
    assert caught.value.details == path
    assert "check --repair" in caught.value.hint


def test_another_run_directory_is_written_down(store: Store) -> None:
    elsewhere = f"{store.root}/../elsewhere"
    opened = Store.open(places(store, elsewhere), rootless=False, id_map=identity())
    assert opened.run == elsewhere
    assert read_record(store.root).run == elsewhere


def test_an_id_map_that_grew_is_fine_and_one_that_moved_is_not(store: Store) -> None:
    creation.write(store.root, store.record.replace(id_map=ROOTLESS))
    grown = IdMap((*ROOTLESS.uids, IdRange(65537, 900000, 10)), ROOTLESS.gids)
    for id_map in (ROOTLESS, grown):
        Store.open(places(store), rootless=True, id_map=id_map)
    moved = IdMap(ROOTLESS.uids, (IdRange(0, 1000, 1), IdRange(1, 200000, 65536)))
    shrunk = IdMap((IdRange(0, 1000, 1), IdRange(1, 100000, 1000)), ROOTLESS.gids)
    for id_map in (moved, shrunk, identity()):
        with pytest.raises(Unsupported, match="other subordinate ids") as caught:
            Store.open(places(store), rootless=True, id_map=id_map)
        assert "subuid" in caught.value.hint


def test_an_unknown_driver_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="btrfs"):
        Store.open(
            Locations(f"{tmp_path}/root", f"{tmp_path}/run"),
            rootless=False,
            id_map=identity(),
            wanted=lambda: (("btrfs",), ""),
        )
    assert not os.path.exists(f"{tmp_path}/root/store.json")


@host.needs_root
def test_the_configured_driver_is_asked_for_a_new_store_only(tmp_path: Path) -> None:
    locations = Locations(f"{tmp_path}/root", f"{tmp_path}/run")
    store = Store.open(locations, rootless=False, id_map=identity(), wanted=lambda: (("vfs", "overlay"), ""))
    assert store.driver == "vfs"
    again = Store.open(locations, rootless=False, id_map=identity(), wanted=lambda: pytest.fail("asked again"))
    assert again.driver == "vfs"


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ArgosyError, match="cannot make the store") as caught:
        Store.open(Locations(f"{tmp_path}/file/root", f"{tmp_path}/run"), rootless=False, id_map=identity())
    assert "--root" in caught.value.hint


def test_reset_removes_all_of_the_store_and_nothing_else(tmp_path: Path) -> None:
    store = make_store(str(tmp_path))
    image = add_image(store, (add_layer(store, {"a": b"x"}),))
    add_container(store, image, "c" * 64, "web")
    store.unstable.settle()
    (tmp_path / "root" / "mine").write_bytes(b"keep")
    store.reset()
    assert os.listdir(store.root) == ["mine"]
    store.reset()
    assert os.listdir(store.root) == ["mine"]


def test_reset_of_what_is_no_store_removes_nothing(tmp_path: Path) -> None:
    for name in ("layers", "images", "tmp", "volumes"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "precious").write_bytes(b"keep")
    creation.remove(str(tmp_path))
    assert len(list(tmp_path.glob("*/precious"))) == 4


def test_reset_leaves_no_directory_behind(tmp_path: Path) -> None:
    store = make_store(str(tmp_path))
    store.reset()
    assert not os.path.exists(store.root)

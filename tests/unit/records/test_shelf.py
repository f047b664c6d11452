"""The shelf: whole objects only, names, locks, damage."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from argosy.errors import Exists, Invalid, NotFound
from argosy.records.scratch import Scratch
from argosy.records.shelf import Damaged, Shelf, seal, unseal, valid_id

A, B = "a" * 64, "a" * 63 + "b"


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    for name in ("containers", "tmp"):
        (tmp_path / name).mkdir()
    return Shelf(f"{tmp_path}/containers", f"{tmp_path}/tmp", "container")


def put(shelf: Shelf, object_id: str, name: str = "", *, durable: bool = False) -> None:
    with shelf.stage(object_id) as staged:
        staged.write("container.json", b'{"a":1}')
        staged.commit(name, durable=durable)


def leftovers(shelf: Shelf) -> list[str]:
    return os.listdir(shelf.tmp)


@pytest.mark.parametrize("durable", [False, True])
def test_commit_makes_the_object_visible_with_its_name(shelf: Shelf, durable: bool) -> None:
    with shelf.stage(A) as staged:
        staged.write("container.json", b'{"a":1}')
        assert shelf.ids() == []
        staged.commit("web", durable=durable)
        assert shelf.lock(A, wait=False) is None, "its maker holds the lock to the end of the context"
    assert shelf.ids() == [A]
    assert shelf.names() == {"web": A}
    assert shelf.read(A, "container.json") == b'{"a":1}'
    assert leftovers(shelf) == []


def test_what_is_abandoned_leaves_nothing(shelf: Shelf) -> None:
    with pytest.raises(ZeroDivisionError), shelf.stage(A) as staged:
        staged.write("container.json", b"{}")
        raise ZeroDivisionError
    assert shelf.ids() == []
    assert leftovers(shelf) == []


def test_a_name_has_one_holder(shelf: Shelf) -> None:
    put(shelf, A, "web")
    with pytest.raises(Exists, match=r"web.*in use") as caught:
        put(shelf, B, "web")
    assert caught.value.holder == A
    assert shelf.ids() == [A]
    assert leftovers(shelf) == []


def test_an_id_has_one_holder_and_the_second_leaves_no_name(shelf: Shelf) -> None:
    put(shelf, A, "web")
    with pytest.raises(Exists):
        put(shelf, A, "other")
    assert shelf.names() == {"web": A}


def test_a_name_without_object_is_free(shelf: Shelf) -> None:
    put(shelf, A, "web")
    os.rename(shelf.path(A), f"{shelf.tmp}/gone")
    with pytest.raises(NotFound):
        shelf.find("web")
    put(shelf, B, "web")
    assert shelf.find("web") == B


def test_find_by_name_id_and_unique_prefix(shelf: Shelf) -> None:
    put(shelf, A, "web")
    put(shelf, B)
    put(shelf, "c" * 64)
    assert shelf.find("web") == A
    assert shelf.find(A) == A
    assert shelf.find("ccc") == "c" * 64
    with pytest.raises(Invalid, match="more than one container"):
        shelf.find("aaa")


@pytest.mark.parametrize("text", ["nothing", "", "..", ".", "a/b", "/etc", "..\0", "\x1b[31m", "x" * 300])
def test_find_nothing(shelf: Shelf, text: str) -> None:
    with pytest.raises(NotFound, match="no such container"):
        shelf.find(text)


def test_find_of_a_full_name_lists_nothing(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    put(shelf, A, "web")
    monkeypatch.setattr(Shelf, "ids", lambda _self: pytest.fail("listed"))
    assert shelf.find("web") == A
    assert shelf.find(A) == A


@pytest.mark.parametrize("text", ["..", ".hidden", "a/b", "", "new\nline"])
def test_ids_and_names_that_are_no_file_names(shelf: Shelf, text: str) -> None:
    assert not valid_id(text)
    with pytest.raises(Invalid):
        shelf.path(text)
    put(shelf, A)
    with pytest.raises(Invalid):
        shelf.rename(A, text)


def test_rename(shelf: Shelf) -> None:
    put(shelf, A, "web")
    put(shelf, B, "other")
    shelf.rename(A, "site")
    shelf.rename(A, "site")
    assert shelf.names() == {"site": A, "other": B}
    with pytest.raises(Exists):
        shelf.rename(A, "other")
    with pytest.raises(NotFound):
        shelf.rename("d" * 64, "new")
    assert shelf.names() == {"site": A, "other": B}


def test_rename_over_a_name_without_object_and_of_a_nameless_object(shelf: Shelf) -> None:
    put(shelf, A)
    os.makedirs(shelf.names_directory)
    os.symlink(B, f"{shelf.names_directory}/web")
    shelf.rename(A, "web")
    assert shelf.names() == {"web": A}


def test_remove_frees_the_name(shelf: Shelf) -> None:
    put(shelf, A, "web")
    put(shelf, B, "other")
    with shelf.lock(A):
        shelf.remove(A, durable=True)
    assert shelf.ids() == [B]
    assert shelf.names() == {"other": B}
    assert leftovers(shelf) == []
    with pytest.raises(NotFound):
        shelf.remove(A)


def test_remove_with_its_name_looks_at_no_other(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in ("1", "2"):
        with shelf.stage(f"id{number}") as staged:
            staged.commit(f"name{number}")
    shelf.rename("id2", "other")
    with monkeypatch.context() as patch:
        patch.setattr(shelf, "names", lambda: pytest.fail("all names are looked through"))
        shelf.remove("id1", name="name1")
    assert shelf.names() == {"other": "id2"}
    shelf.remove("id2", name="name2")  # the name that it had before
    assert shelf.names() == {}


def test_write_replaces_a_file_in_one_step(shelf: Shelf) -> None:
    put(shelf, A)
    for durable in (False, True):
        shelf.write(A, "changes.json", b'{"durable":true}', durable=durable)
    shelf.write(A, "note", b"plain")
    assert shelf.read(A, "changes.json") == b'{"durable":true}'
    assert shelf.read(A, "note") == b"plain"
    with pytest.raises(NotFound):
        shelf.write(B, "changes.json", b"{}")


def test_read_tells_absent_from_damaged(shelf: Shelf) -> None:
    with pytest.raises(NotFound):
        shelf.read(A, "container.json")
    put(shelf, A)
    with pytest.raises(Damaged, match=r"last.json of container a+: the file is missing"):
        shelf.read(A, "last.json")
    os.unlink(f"{shelf.path(A)}/container.json")
    os.mkdir(f"{shelf.path(A)}/container.json")
    with pytest.raises(Damaged, match="cannot be read"):
        shelf.read(A, "container.json")


def test_lock_waits_and_notices_a_removal(shelf: Shelf) -> None:
    put(shelf, A)
    outcome: list[str] = []

    def second() -> None:
        try:
            shelf.lock(A).release()
        except NotFound:
            outcome.append("gone")

    with shelf.lock(A):
        waiter = threading.Thread(target=second)
        waiter.start()
        assert shelf.lock(A, wait=False) is None
        shelf.remove(A)
    waiter.join()
    assert outcome == ["gone"]
    with pytest.raises(NotFound):
        shelf.lock(A)


def test_many_makers_of_one_name(shelf: Shelf) -> None:
    made, refused = [], []

    def make(number: int) -> None:
        try:
            put(shelf, f"{number:064x}", "web")
            made.append(number)
        except Exists:
            refused.append(number)

    threads = [threading.Thread(target=make, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert len(refused) == 15
    assert shelf.ids() == [f"{made[0]:064x}"]
    assert leftovers(shelf) == []


def test_shelves_without_directories_work(tmp_path: Path) -> None:
    shelf = Shelf(f"{tmp_path}/volumes", f"{tmp_path}/tmp", "volume")
    assert shelf.ids() == []
    assert shelf.names() == {}
    put(shelf, "names")
    put(shelf, "data")
    assert sorted(shelf.ids()) == ["data", "names"]
    assert shelf.find("data") == "data"


def test_scratch_survives_a_sweep_before_its_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    mkdir = os.mkdir

    def mkdir_then_sweep(path: str, mode: int = 0o777) -> None:
        mkdir(path, mode)
        if not made:
            os.rmdir(path)
        made.append(path)

    monkeypatch.setattr(os, "mkdir", mkdir_then_sweep)
    with Scratch(str(tmp_path)) as scratch:
        assert len(made) == 2
        assert scratch.path == made[1]
    assert os.listdir(tmp_path) == []


def test_a_seal_is_json_white_space() -> None:
    import json

    sealed = seal(b'{"a":1}')
    assert json.loads(sealed) == {"a": 1}
    assert unseal(sealed, "it", "path") == b'{"a":1}'


def test_no_changed_or_missing_byte_goes_unseen() -> None:
    sealed = seal(b'{"name":"web"}')
    for length in range(len(sealed)):
        with pytest.raises(Damaged):
            unseal(sealed[:length], "it", "path")
    for index in range(len(sealed)):
        for bit in range(8):
            flipped = bytearray(sealed)
            flipped[index] ^= 1 << bit
            with pytest.raises(Damaged, match="it"):
                unseal(bytes(flipped), "it", "path")

"""Marks, lists and whom they make trust what."""

from __future__ import annotations

import os
import time

import pytest

from argosy.storage import durable, sweep
from argosy.storage.layers import LayerMeta
from argosy.storage.store import Store
from tests.unit.storage.making import add_layer, reopened, sha256

DATA = b"content"
DIGEST = sha256(DATA)
HEX = DIGEST.removeprefix("sha256:")


def mode(path: str) -> int:
    return os.stat(path).st_mode & 0o777


def list_of(store: Store) -> str:
    return next(
        f"{store.tmp}/{name}" for name in os.listdir(store.tmp) if os.path.exists(f"{store.tmp}/{name}/unstable")
    )


def wait_for_helper(store: Store) -> None:
    deadline = time.monotonic() + 20
    while os.listdir(store.tmp):
        assert time.monotonic() < deadline, os.listdir(store.tmp)
        time.sleep(0.01)


def forget_witness(store: Store, text: str = "another boot 7") -> None:
    """Let all lists speak of another mount."""
    path = f"{list_of(store)}/unstable"
    with open(path, "rb") as file:
        lines = file.read().split(b"\n")
    with open(path, "wb") as file:
        file.write(b"\n".join([text.encode(), *lines[1:]]))


def die(store: Store) -> Store:
    """What is left when the process that has `store` open is killed: no lock, everything else as it is."""
    scratch = store.unstable._scratch
    assert scratch
    store.unstable._scratch = None
    scratch.lock.release()
    return reopened(store)


def test_settle_marks_blobs_layers_and_chains(store: Store) -> None:
    store.blobs.put(DATA)
    layer = add_layer(store, {"a/b": b"x"}, whiteouts=("a",))
    chain = store.chains.ensure_fix((layer,))
    assert chain.fixed
    paths = [store.blobs.path(DIGEST), f"{store.layers.directory(layer)}/layer.json"]
    paths.append(f"{store.chains.directory(chain.chain_id)}/chain.json")
    assert [mode(path) for path in paths] == [0o600] * 3
    store.unstable.settle()
    assert [mode(path) for path in paths] == [0o444] * 3
    assert os.listdir(store.tmp) == []


def test_the_helper_marks_after_the_command(store: Store) -> None:
    with store.work((DIGEST,)):
        store.blobs.put(DATA)
        layer = add_layer(store, {"a": b"x"})
        assert mode(store.blobs.path(DIGEST)) == 0o600
    assert reopened(store).layers.has(layer), "vouched for without a gap"
    wait_for_helper(store)
    assert mode(store.blobs.path(DIGEST)) == 0o444
    assert mode(f"{store.layers.directory(layer)}/layer.json") == 0o444


def test_work_that_made_nothing_starts_no_helper(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durable, "start_helper", lambda *_args: pytest.fail("started"))
    with store.work():
        store.blobs.has(DIGEST)
        with store.blobs.ingest(DIGEST):
            pass
    assert os.listdir(store.tmp) == []


def test_without_a_helper_a_later_command_does_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []
    with monkeypatch.context() as patch:
        patch.setattr(durable, "start_helper", lambda *args: started.append(args))
        with store.work():
            store.blobs.put(DATA)
    assert len(started) == 1
    assert mode(store.blobs.path(DIGEST)) == 0o600
    sweep.sweep(reopened(store))
    wait_for_helper(store)
    assert mode(store.blobs.path(DIGEST)) == 0o444


def test_the_helper_has_nothing_of_ours(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from argosy.linux import process

    seen: dict[str, object] = {}

    def spawn(argv: list[str], *, fds: dict[int, int], setsid: bool) -> int:
        seen.update(fds=fds, setsid=setsid, targets={n: os.readlink(f"/proc/self/fd/{fd}") for n, fd in fds.items()})
        return os.posix_spawn("/bin/true", ["true"], {})

    monkeypatch.setattr(process, "spawn", spawn)
    store.blobs.put(DATA)
    path = list_of(store)
    store.unstable.settle_later()
    assert seen["setsid"]
    assert seen["targets"] == {0: "/dev/null", 1: "/dev/null", 2: "/dev/null", 3: store.root, 4: path}
    # The kernel wakes the parent of a vfork a moment before it closes the child's close-on-exec descriptors.
    while os.listdir(store.tmp):
        sweep.sweep(store, everything=True)


def test_the_helper_removes_its_list_and_nothing_else(store: Store) -> None:
    """Whatever it is called with: a directory with anything else in it stays."""
    victim = f"{store.tmp}/victim"
    os.mkdir(victim)
    for name in ("precious", "unstable"):
        with open(f"{victim}/{name}", "wb"):
            pass
    fd = os.open(store.root, os.O_RDONLY)
    try:
        with pytest.raises(OSError, match="not empty"):
            durable.settle_list(store.root, "victim", fd)
    finally:
        os.close(fd)
    assert os.listdir(victim) == ["precious"]
    os.unlink(f"{victim}/precious")
    os.rmdir(victim)


@pytest.mark.skipif(not durable.witness("/"), reason="this kernel has no unique mount ids (6.8 and later have)")
def test_a_dead_process_is_vouched_for_by_the_mount(store: Store) -> None:
    store.blobs.put(DATA)
    layer = add_layer(store, {"a": b"x"})
    later = die(store)
    assert later.unstable.trusts("blob", HEX)
    assert later.layers.untrusted((layer,)) == ()
    sweep.sweep(later, everything=True)
    assert mode(store.blobs.path(DIGEST)) == 0o444


def test_after_a_remount_a_living_process_vouches(store: Store) -> None:
    store.blobs.put(DATA)
    forget_witness(store)
    assert reopened(store).unstable.trusts("blob", HEX)
    store.unstable.settle()


@pytest.mark.parametrize("text", ["another boot 7", ""])
def test_after_a_remount_nobody_vouches_for_the_dead(store: Store, text: str) -> None:
    store.blobs.put(DATA)
    layer = add_layer(store, {"a": b"x"})
    forget_witness(store, text)
    later = die(store)
    assert not later.unstable.trusts("blob", HEX)
    assert later.layers.untrusted((layer,)) == (layer,)
    sweep.sweep(later)
    assert os.listdir(store.tmp) == []
    assert mode(store.blobs.path(DIGEST)) == 0o600, "no mark for what may be lost"


def test_an_untrusted_blob_is_verified_and_then_vouched_for(store: Store) -> None:
    store.blobs.put(DATA)
    forget_witness(store)
    later = die(store)
    sweep.sweep(later)
    assert later.blobs.has(DIGEST)
    assert later.unstable.trusts("blob", HEX)
    later.unstable.settle()
    assert mode(store.blobs.path(DIGEST)) == 0o444


@pytest.mark.parametrize("content", [b"", b"other", DATA + b"\0"])
def test_an_untrusted_blob_that_differs_goes(store: Store, content: bytes) -> None:
    store.blobs.put(DATA)
    with open(store.blobs.path(DIGEST), "wb") as file:
        file.write(content)
    forget_witness(store)
    later = die(store)
    sweep.sweep(later)
    assert not later.blobs.has(DIGEST)
    assert not os.path.exists(store.blobs.path(DIGEST))
    later.blobs.put(DATA)
    assert later.blobs.read(DIGEST) == DATA
    later.unstable.settle()


def test_an_untrusted_layer_is_replaced(store: Store) -> None:
    layer = add_layer(store, {"a": b"x"})
    forget_witness(store)
    later = die(store)
    sweep.sweep(later)
    with later.layers.stage(layer) as staged:
        assert not staged.present
        with open(f"{staged.path}/new", "wb"):
            pass
        later.layers.commit(staged, LayerMeta(layer, 0))
    assert os.listdir(later.layers.path(layer)) == ["new"]
    later.unstable.settle()
    assert later.layers.has(layer)


def test_an_unmarked_unlisted_layer_is_untrusted_even_when_readable(store: Store) -> None:
    layer = add_layer(store, {"a": b"x"})
    store.unstable.settle()
    os.chmod(f"{store.layers.directory(layer)}/layer.json", 0o600)
    assert store.layers.untrusted((layer,)) == (layer,)


def test_a_mark_that_is_set_while_one_looks_counts(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = add_layer(store, {"a": b"x"})
    store.blobs.put(DATA)
    looking = reopened(store)
    lists = durable._lists

    def finish_first(tmp: str) -> object:
        store.unstable.settle()
        return lists(tmp)

    monkeypatch.setattr(durable, "_lists", finish_first)
    assert looking.layers.untrusted((layer,)) == ()
    assert looking.unstable.trusts("blob", HEX)


def test_errors_count_from_before_the_first_byte(store: Store) -> None:
    """The descriptor for syncfs is opened before anything is written: errors before that would go unreported."""
    for begin in (lambda: store.blobs.ingest(DIGEST), lambda: store.layers.stage(DIGEST)):
        with begin():
            assert store.unstable._sync_fd >= 0
        store.unstable.settle()
        assert store.unstable._sync_fd < 0


def test_a_failed_write_back_marks_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from argosy.linux import syscalls

    def lost(_fd: int) -> None:
        raise OSError(5, "Input/output error")

    store.blobs.put(DATA)
    monkeypatch.setattr(syscalls, "syncfs", lost)
    with pytest.raises(OSError, match="Input/output"):
        store.unstable.settle()
    assert mode(store.blobs.path(DIGEST)) == 0o600
    assert not reopened(store).unstable.trusts("blob", HEX)


def test_an_object_that_replaced_the_listed_one_gets_no_mark(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from argosy.linux import syscalls

    def replace(_fd: int) -> None:
        os.unlink(store.blobs.path(DIGEST))
        with open(store.blobs.path(DIGEST), "wb", opener=lambda path, flags: os.open(path, flags, 0o600)):
            pass

    store.blobs.put(DATA)
    monkeypatch.setattr(syscalls, "syncfs", replace)
    store.unstable.settle()
    assert mode(store.blobs.path(DIGEST)) == 0o600

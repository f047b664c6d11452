"""Blobs: verified, resumed, stored once."""

from __future__ import annotations

import os
import threading

import pytest

from argosy.errors import ArgosyError, Invalid, NotFound, Unsupported
from argosy.records.shelf import Damaged
from argosy.storage.blobs import DigestMismatch
from argosy.storage.store import Store
from tests.unit.storage.making import reopened, sha256

DATA = b"some bytes\n" * 100
DIGEST = sha256(DATA)


def partials(store: Store) -> list[str]:
    return [name for name in os.listdir(store.tmp) if name.startswith("ingest-")]


def test_put_and_read(store: Store) -> None:
    assert store.blobs.put(DATA) == DIGEST
    assert store.blobs.put(DATA) == DIGEST
    assert store.blobs.has(DIGEST)
    assert store.blobs.read(DIGEST) == DATA
    assert store.blobs.size(DIGEST) == len(DATA)
    fd = store.blobs.open(DIGEST)
    assert os.read(fd, 10) == DATA[:10]
    os.close(fd)


def test_the_empty_blob(store: Store) -> None:
    digest = store.blobs.put(b"")
    assert store.blobs.has(digest)
    assert store.blobs.read(digest) == b""


def test_absent(store: Store) -> None:
    assert not store.blobs.has(DIGEST)
    for look in (store.blobs.read, store.blobs.open, store.blobs.size, store.blobs.matches):
        with pytest.raises(NotFound):
            look(DIGEST)
    assert not store.blobs.verify(DIGEST)


@pytest.mark.parametrize("digest", ["sha256:../../etc/passwd", "sha256:" + "A" * 64, "md5:" + "0" * 32, "x", ""])
def test_what_is_no_digest_never_becomes_a_path(store: Store, digest: str) -> None:
    with pytest.raises(Invalid):
        store.blobs.path(digest)


def test_sha512_is_refused(store: Store) -> None:
    with pytest.raises(Unsupported, match="sha256"):
        store.blobs.ingest("sha512:" + "0" * 128)


def test_read_refuses_what_is_damaged_or_too_long(store: Store) -> None:
    store.blobs.put(DATA)
    with pytest.raises(Damaged):
        store.blobs.read(DIGEST, limit=10)
    with open(store.blobs.path(DIGEST), "r+b") as file:
        file.write(b"S")
    with pytest.raises(Damaged, match="does not have this digest"):
        store.blobs.read(DIGEST)


def test_an_interrupted_ingest_is_continued(store: Store) -> None:
    with store.blobs.ingest(DIGEST, len(DATA)) as ingest:
        ingest.write(DATA[:300])
    assert not store.blobs.has(DIGEST)
    other = reopened(store)
    with other.blobs.ingest(DIGEST, len(DATA)) as ingest:
        assert ingest.offset == 300
        ingest.write(DATA[300:])
        ingest.commit()
        assert ingest.present
    other.unstable.settle()
    assert store.blobs.verify(DIGEST)
    assert partials(store) == []


def test_an_ingest_of_nothing_leaves_nothing(store: Store) -> None:
    with store.blobs.ingest(DIGEST) as ingest:
        assert not ingest.present
    assert partials(store) == []


@pytest.mark.parametrize("data", [DATA[:-1], DATA + b"x", b"S" + DATA[1:], b""])
def test_wrong_bytes_are_refused_and_forgotten(store: Store, data: bytes) -> None:
    with pytest.raises(DigestMismatch, match="not what its digest says"), store.blobs.ingest(DIGEST) as ingest:
        ingest.write(data)
        ingest.commit()
    assert not store.blobs.has(DIGEST)
    assert partials(store) == []
    assert store.blobs.put(DATA) == DIGEST


def test_more_than_declared_is_refused_at_once(store: Store) -> None:
    with pytest.raises(DigestMismatch, match="declared"), store.blobs.ingest(DIGEST, 10) as ingest:
        ingest.write(b"12345")
        ingest.write(b"678901")
    assert partials(store) == []


def test_less_than_declared_is_refused(store: Store) -> None:
    with pytest.raises(DigestMismatch, match="declared"), store.blobs.ingest(DIGEST, len(DATA) + 1) as ingest:
        ingest.write(DATA)
        ingest.commit()


def test_a_partial_longer_than_declared_is_started_anew(store: Store) -> None:
    with open(f"{store.tmp}/ingest-{DIGEST.removeprefix('sha256:')}", "wb") as file:
        file.write(b"x" * (len(DATA) + 1))
    with store.blobs.ingest(DIGEST, len(DATA)) as ingest:
        assert ingest.offset == 0
        ingest.write(DATA)
        ingest.commit()


def test_a_bad_partial_costs_one_try(store: Store) -> None:
    with open(f"{store.tmp}/ingest-{DIGEST.removeprefix('sha256:')}", "wb") as file:
        file.write(b"y" * 20)
    with pytest.raises(DigestMismatch), store.blobs.ingest(DIGEST) as ingest:
        ingest.write(DATA[20:])
        ingest.commit()
    with store.blobs.ingest(DIGEST) as ingest:
        assert ingest.offset == 0
        ingest.write(DATA)
        ingest.commit()


def test_the_second_waits_and_finds_it(store: Store) -> None:
    found: list[bool] = []

    def second() -> None:
        with store.blobs.ingest(DIGEST) as ingest:
            found.append(ingest.present)

    with store.blobs.ingest(DIGEST) as ingest:
        waiter = threading.Thread(target=second)
        waiter.start()
        ingest.write(DATA)
        waiter.join(0.05)
        assert waiter.is_alive()
        ingest.commit()
    waiter.join()
    assert found == [True]
    assert partials(store) == []


def test_the_second_takes_over_from_one_that_gave_up(store: Store) -> None:
    offsets: list[int] = []

    def second() -> None:
        with store.blobs.ingest(DIGEST) as ingest:
            offsets.append(ingest.offset)
            ingest.write(DATA[ingest.offset :])
            ingest.commit()

    with store.blobs.ingest(DIGEST) as ingest:
        waiter = threading.Thread(target=second)
        waiter.start()
        ingest.write(DATA[:77])
    waiter.join()
    assert offsets == [77]
    assert store.blobs.matches(DIGEST)


def test_many_threads_store_many_blobs(store: Store) -> None:
    contents = [bytes([number]) * 5000 for number in range(12)]
    failures: list[BaseException] = []

    def put_all() -> None:
        try:
            for content in contents:
                store.blobs.put(content)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=put_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert all(store.blobs.matches(sha256(content)) for content in contents)


def test_a_full_disk_is_said_plainly(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with store.blobs.ingest(DIGEST) as ingest:

        def full(_fd: int, _data: object) -> int:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "write", full)
        with pytest.raises(ArgosyError, match="No space left") as caught:
            ingest.write(DATA)
        monkeypatch.undo()
        assert "prune" in caught.value.hint


def test_a_finished_file_is_adopted(store: Store) -> None:
    for _ in range(2):
        with store.work((DIGEST,)) as work:
            store.unstable.begin()
            with open(f"{work.path}/blob", "wb") as file:
                file.write(DATA)
            store.blobs.adopt(DIGEST, f"{work.path}/blob")
            assert not os.path.exists(f"{work.path}/blob")
            assert store.blobs.read(DIGEST) == DATA
            work.settle()
    assert os.stat(store.blobs.path(DIGEST)).st_mode & 0o777 == 0o444


def test_what_is_written_can_be_read_from_the_beginning(store: Store) -> None:
    with store.blobs.ingest(DIGEST) as ingest:
        ingest.write(DATA[:700])
        assert b"".join(ingest.written()) == DATA[:700]
        ingest.write(DATA[700:])
        assert b"".join(ingest.written()) == DATA
        ingest.commit()


def test_a_store_without_directories_still_works(store: Store) -> None:
    os.rmdir(f"{store.root}/blobs/sha256")
    os.rmdir(store.tmp)
    store.blobs.put(DATA)
    assert store.blobs.has(DIGEST)

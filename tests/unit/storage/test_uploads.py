"""Uploads: how far one came is the size of its file, whoever wrote it."""

from __future__ import annotations

import hashlib
import os

import pytest

from argosy.errors import Invalid
from argosy.oci import digest as digests
from argosy.storage import sweep
from argosy.storage.blobs import DigestMismatch
from argosy.storage.repositories import Repositories
from argosy.storage.store import Store
from argosy.storage.uploads import Upload, Uploads
from tests.unit.storage.making import sha256

DATA = b"0123456789" * 1000
DIGEST = digests.parse(sha256(DATA))


def opened(uploads: Uploads, upload_id: str) -> Upload:
    upload = uploads.open("a/b", upload_id)
    assert upload is not None
    return upload


@pytest.mark.parametrize("other", [False, True], ids=["one process", "another one goes on"])
def test_an_upload_goes_on_where_it_ends(store: Store, other: bool) -> None:
    uploads = Uploads(store.tmp)
    upload_id = uploads.begin("a/b")
    for start in range(0, len(DATA), 3000):
        if other:
            uploads = Uploads(store.tmp)
        with opened(uploads, upload_id) as upload:
            assert upload.offset == start
            upload.write(DATA[start : start + 3000])
    repository = Repositories(store).obtain("a/b")
    with opened(uploads, upload_id) as upload:
        repository.add_blob(DIGEST, upload.finish(DIGEST), upload.path)
    assert repository.blob(DIGEST) == DIGEST
    assert store.blobs.read(DIGEST) == DATA
    assert os.stat(store.blobs.path(DIGEST)).st_mode & 0o777 == 0o444
    with pytest.raises(FileNotFoundError):
        uploads.open("a/b", upload_id)


def test_an_upload_is_one_clients_at_a_time(store: Store) -> None:
    uploads = Uploads(store.tmp)
    upload_id = uploads.begin("a/b")
    with opened(uploads, upload_id) as upload:
        assert uploads.open("a/b", upload_id) is None
        sweep.sweep(store, everything=True)
        assert os.path.exists(upload.path)
    opened(uploads, upload_id).close()
    with pytest.raises(FileNotFoundError):
        uploads.open("a/c", upload_id)  # it belongs to its repository
    sweep.sweep(store)
    assert os.path.exists(upload.path)
    os.utime(upload.path, (0, 0))
    sweep.sweep(store)
    assert not os.path.exists(upload.path)


def test_what_is_not_the_digest_is_gone(store: Store) -> None:
    uploads = Uploads(store.tmp)
    upload_id = uploads.begin("a/b")
    with opened(uploads, upload_id) as upload:
        upload.write(DATA[1:])
        with pytest.raises(DigestMismatch):
            upload.finish(DIGEST)
    assert not os.path.exists(upload.path)
    assert not store.blobs.has(DIGEST)


def test_sha512_is_stored_by_its_sha256(store: Store) -> None:
    uploads = Uploads(store.tmp)
    long = digests.parse(f"sha512:{hashlib.sha512(DATA).hexdigest()}")
    with opened(uploads, uploads.begin("a/b")) as upload:
        upload.write(DATA)
        stored = upload.finish(long)
        repository = Repositories(store).obtain("a/b")
        repository.add_blob(long, stored, upload.path)
    assert stored == DIGEST
    assert repository.blob(long) == DIGEST
    assert repository.blob(DIGEST) is None


@pytest.mark.parametrize("upload_id", ["", "x", "../../etc/passwd", "0" * 31, "A" * 32, "0" * 33])
def test_what_is_no_id_never_becomes_a_path(store: Store, upload_id: str) -> None:
    with pytest.raises(Invalid):
        Uploads(store.tmp).open("a/b", upload_id)

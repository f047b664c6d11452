"""Blobs on their way into the store by themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.oci import digest as digests
from argosy.oci.descriptor import Descriptor
from argosy.registry.streams import BytesStream
from argosy.storage.blobs import DigestMismatch
from argosy.storage.work import Work
from argosy.transports.storage_destination import StoreDestination
from tests.unit.storage.making import make_store

DATA = b"the right bytes" * 100
DESCRIPTOR = Descriptor("application/octet-stream", digests.of_bytes(DATA), len(DATA))


def test_what_another_source_has_left_is_not_relied_on(tmp_path: Path) -> None:
    store = make_store(str(tmp_path))
    with store.blobs.ingest(DESCRIPTOR.digest, DESCRIPTOR.size) as ingest:
        ingest.write(b"wrong bytes")
    with Work(store) as work:
        destination = StoreDestination(store, work, "x")
        assert not destination.has_blob(DESCRIPTOR)
        destination.put_blob(DESCRIPTOR, lambda offset: BytesStream(DATA, offset), lambda _size: None)
        assert store.blobs.read(DESCRIPTOR.digest) == DATA


def test_a_source_that_lies_is_refused(tmp_path: Path) -> None:
    store = make_store(str(tmp_path))
    with Work(store) as work, pytest.raises(DigestMismatch):
        wrong = DATA[:-1] + b"x"
        StoreDestination(store, work, "x").put_blob(
            DESCRIPTOR, lambda offset: BytesStream(wrong, offset), lambda _size: None
        )
    assert not store.blobs.has(DESCRIPTOR.digest)

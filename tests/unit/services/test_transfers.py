"""Blobs that clients read while they come."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from argosy.errors import ArgosyError
from argosy.oci import digest as digests
from argosy.oci.descriptor import Descriptor
from argosy.services.cache.transfers import Transfers
from argosy.services.http.messages import ClientGone
from argosy.storage.repositories import CACHED, Repositories, Repository
from argosy.storage.store import Store
from tests.unit.storage.making import make_store

DATA = os.urandom(100_000)
DESCRIPTOR = Descriptor("application/octet-stream", digests.of_bytes(DATA), len(DATA))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return make_store(str(tmp_path))


def repository(store: Store) -> Repository:
    return Repositories(store, CACHED).obtain("a.example/b")


class Source:
    """A registry's blob in blocks: the second one waits until the test lets it go."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.go = threading.Event()
        self.asked: list[int] = []

    def __call__(self, offset: int) -> Any:
        self.asked.append(offset)
        return self

    def __enter__(self) -> Iterator[bytes]:
        yield self.data[:1000]
        assert self.go.wait(60)
        yield self.data[1000:]

    def __exit__(self, *_error: object) -> None:
        pass


async def collected(stream: Any, parts: list[bytes]) -> None:
    async for part in stream:
        parts.append(part)


def test_clients_read_along(store: Store) -> None:
    source = Source(DATA)
    ended: list[object] = []

    async def work() -> None:
        transfers = Transfers(store)
        transfer = transfers.join(DESCRIPTOR, "a.example", source, repository(store), ended.append)
        assert transfers.join(DESCRIPTOR, "a.example", source, repository(store), ended.append) is transfer
        await transfer.begun()
        parts: list[bytes] = []
        reader = asyncio.create_task(collected(transfer.read(10, 50_000), parts))
        while sum(map(len, parts)) < 990:
            await asyncio.sleep(0)
        assert not reader.done()
        assert transfers.digests() == {DESCRIPTOR.digest}
        source.go.set()
        await reader
        assert b"".join(parts) == DATA[10:50_010]
        while transfers.digests():
            await asyncio.sleep(0)

    asyncio.run(work())
    assert (source.asked, len(ended), store.blobs.read(DESCRIPTOR.digest)) == ([0], 1, DATA)


def test_wrong_bytes_are_cut_before_their_end(store: Store) -> None:
    """The reader neither gets the last byte nor waits for it for ever."""
    source = Source(DATA[:-1] + bytes([DATA[-1] ^ 1]))
    source.go.set()

    async def work() -> None:
        transfers = Transfers(store)
        transfer = transfers.join(DESCRIPTOR, "a.example", source, repository(store), lambda _: None)
        parts: list[bytes] = []
        with pytest.raises((ClientGone, ArgosyError)):
            await transfer.begun()
            await collected(transfer.read(0, len(DATA)), parts)
        assert len(b"".join(parts)) < len(DATA)
        while transfers.digests():
            await asyncio.sleep(0)
        assert "was not cached" in transfer.failure()

    asyncio.run(work())
    assert not store.blobs.has(DESCRIPTOR.digest)
    assert os.listdir(store.tmp) == []


def test_a_registry_that_lies_harms_no_other(store: Store) -> None:
    """It says that it has the blob, with a size of its own, sends something else and does not come to an end."""
    lies = Source(b"x" * len(DATA) * 2)
    honest = Source(DATA)
    honest.go.set()

    async def work() -> None:
        transfers = Transfers(store)
        wrong = transfers.join(
            DESCRIPTOR.replace(size=len(DATA) * 2), "evil.example", lies, repository(store), lambda _: None
        )
        await wrong.begun()
        assert not transfers.has(DESCRIPTOR, "a.example")
        right = transfers.join(DESCRIPTOR, "a.example", honest, repository(store), lambda _: None)
        assert transfers.has(DESCRIPTOR, "a.example")
        parts: list[bytes] = []
        await right.begun()
        await collected(right.read(0, len(DATA)), parts)
        assert b"".join(parts) == DATA
        lies.go.set()
        while transfers.digests():
            await asyncio.sleep(0)

    asyncio.run(work())
    assert (lies.asked, honest.asked) == ([0], [0])
    assert store.blobs.read(DESCRIPTOR.digest) == DATA


def test_a_registry_that_lets_us_wait_keeps_nobody_from_others(store: Store) -> None:
    waits = Source(DATA)
    honest = Source(DATA)
    honest.go.set()

    async def work() -> None:
        transfers = Transfers(store)
        for number in range(100):
            other = Descriptor("application/octet-stream", digests.of_bytes(str(number).encode()), len(DATA))
            transfers.join(other, "slow.example", waits, repository(store), lambda _: None)
        transfer = transfers.join(DESCRIPTOR, "a.example", honest, repository(store), lambda _: None)
        parts: list[bytes] = []
        async with asyncio.timeout(20):
            await transfer.begun()
            await collected(transfer.read(0, len(DATA)), parts)
        assert b"".join(parts) == DATA
        waits.go.set()
        while transfers.digests():
            await asyncio.sleep(0.01)

    asyncio.run(work())
    assert store.blobs.has(DESCRIPTOR.digest)

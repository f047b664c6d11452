"""Blobs on their way from a registry into the store, and the clients that read along.

There is one transfer of a blob from a registry, however many ask for it; another registry, which may lie about it, has
no part in that.  It goes on when they have left, and where an earlier one was broken off.  A client gets bytes as they
come, but for the last one: that follows when the whole has its digest, so that nobody takes wrong bytes for the blob.
"""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from argosy.errors import ArgosyError
from argosy.oci import digest as digests
from argosy.services.http.messages import ClientGone
from argosy.storage.blobs import DigestMismatch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from argosy.oci.descriptor import Descriptor
    from argosy.oci.digest import Digest
    from argosy.registry.blob import BlobReader
    from argosy.storage.blobs import Ingest
    from argosy.storage.repositories import Repository
    from argosy.storage.store import Store

    OpenBlob = Callable[[int], BlobReader]

_AT_ONCE = 16  # from one registry
_REGISTRIES = 64
_BLOCK_BYTES = 256 << 10


class Transfers:
    """All transfers under way; used by the event loop's thread alone."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._threads: dict[str, ThreadPoolExecutor] = {}
        self._under_way: dict[tuple[str, Digest, int], Transfer] = {}

    def digests(self) -> frozenset[str]:
        """What is on its way."""
        return frozenset(digest for _, digest, _ in self._under_way)

    def has(self, descriptor: Descriptor, registry: str) -> bool:
        """Whether this blob is on its way from this registry."""
        return (registry, descriptor.digest, descriptor.size) in self._under_way

    def join(
        self,
        descriptor: Descriptor,
        registry: str,
        source: OpenBlob,
        repository: Repository,
        done: Callable[[Transfer], None],
    ) -> Transfer:
        """The transfer of this blob, begun unless it is under way; `done` is called when a new one has ended.

        `repository` has the blob from then on.
        """
        key = registry, descriptor.digest, descriptor.size
        found = self._under_way.get(key)
        if found is None:
            found = self._under_way[key] = Transfer(descriptor, registry)
            task = asyncio.get_running_loop().run_in_executor(
                self._pool(registry), found.run, self._store, source, repository
            )
            task.add_done_callback(lambda _: self._end(found, done))
        return found

    def _pool(self, registry: str) -> ThreadPoolExecutor:
        """The threads of a registry, so that one that lets us wait keeps nobody from the others.

        Where there are very many registries, some share theirs.
        """
        if registry not in self._threads and len(self._threads) >= _REGISTRIES:
            registry = ""
        if registry not in self._threads:
            self._threads[registry] = ThreadPoolExecutor(_AT_ONCE, "transfer")
        return self._threads[registry]

    def _end(self, transfer: Transfer, done: Callable[[Transfer], None]) -> None:
        self._under_way.pop((transfer.registry, transfer.descriptor.digest, transfer.descriptor.size), None)
        if all(registry != transfer.registry for registry, _, _ in self._under_way):
            pool = self._threads.pop(transfer.registry, None)
            if pool is not None:
                pool.shutdown(wait=False)
        transfer.ended()
        done(transfer)


class Transfer:
    """One blob on its way.  `error` says why it failed."""

    def __init__(self, descriptor: Descriptor, registry: str) -> None:
        self.descriptor = descriptor
        self.registry = registry
        self.error: Exception | None = None
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._have = 0
        self._complete = False
        self._over = False
        self._file: _OpenFile | None = None

    def run(self, store: Store, source: OpenBlob, repository: Repository) -> None:
        """Fetch the blob; in a thread of its own."""
        try:
            digest, size = self.descriptor.digest, self.descriptor.size
            with store.blobs.ingest(digest, size, stable=True, source=self.registry) as ingest:
                if ingest.present:
                    self._prove(source)
                else:
                    self._fetch(ingest, source)
            if self._file is None:
                self._file = _OpenFile(store.blobs.open(digest))
            repository.add_blob(digest, digest)  # in vain when a collection was quicker: then it is not kept
            self._complete = True
        except Exception as error:  # noqa: BLE001 -- told to the clients, and to the log
            self.error = error

    def _prove(self, source: OpenBlob) -> None:
        """Make sure that the registry has what the store has already, from elsewhere.  Raises ArgosyError."""
        found = digests.hasher()
        size = 0
        with source(0) as reader:
            for block in reader:
                found.update(block)
                size += len(block)
                if size > self.descriptor.size:
                    break
        if f"sha256:{found.hexdigest()}" != self.descriptor.digest:
            raise DigestMismatch(self.descriptor.digest, found.hexdigest(), size, wanted_bytes=self.descriptor.size)

    def _fetch(self, ingest: Ingest, source: OpenBlob) -> None:
        self._file = _OpenFile(ingest.reader())
        self._told(ingest.offset)
        with source(ingest.offset) as reader:
            for block in reader:
                ingest.write(block)
                self._told(ingest.offset)
        ingest.commit()

    def _told(self, have: int) -> None:
        self._have = have
        self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def ended(self) -> None:
        """No more comes."""
        self._over = True
        self._wake()

    async def begun(self) -> None:
        """Wait for the first byte.  Raises the error of a transfer that failed before it."""
        while not self._over and not self._have:
            await self._news.wait()
        if self.error is not None:
            raise self.error

    async def read(self, offset: int, size: int) -> AsyncIterator[bytes]:
        """The bytes of a part, as they come.  Raises ClientGone when they will not: the client must not be answered."""
        at, end = offset, offset + size
        while at < end:
            have = self.descriptor.size if self._complete else min(self._have, self.descriptor.size - 1)
            if at < have and self._file is not None:
                chunk = os.pread(self._file.fd, min(_BLOCK_BYTES, have - at, end - at), at)
                if not chunk:
                    raise ClientGone  # the bytes were wrong, and are gone
                at += len(chunk)
                yield chunk
            elif self._over:
                raise ClientGone from self.error
            else:
                await self._news.wait()

    def failure(self) -> str:
        """Why it failed, for the log; "" when it did not."""
        if self.error is None:
            return ""
        kind = "" if isinstance(self.error, ArgosyError) else f"{type(self.error).__name__}: "
        return f"blob {self.descriptor.digest} was not cached: {kind}{self.error}"


class _OpenFile:
    """A descriptor that is closed when nobody reads along any more."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def __del__(self) -> None:
        os.close(self.fd)

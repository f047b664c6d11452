"""Blobs through the cache: from the store, or as they come from the registry."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from argosy.errors import ArgosyError, NotFound, escaped
from argosy.oci import manifest as documents
from argosy.oci.descriptor import Descriptor
from argosy.oci.manifest import Index
from argosy.services.cache.upstream import refusal
from argosy.services.http.messages import Response
from argosy.services.registry.blobs import digest_of, headers_of, length_of, part_of, span_of
from argosy.services.registry.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from argosy.oci.digest import Digest
    from argosy.oci.reference import Reference
    from argosy.registry.blob import BlobReader
    from argosy.services.cache.transfers import Transfer, Transfers
    from argosy.services.cache.upstream import Upstream
    from argosy.services.http.messages import Request
    from argosy.services.registry.routes import Route
    from argosy.storage.repositories import Repositories, Repository
    from argosy.storage.store import Store

_UNKNOWN_TYPE = "application/octet-stream"


class CachedBlobs:
    """The blobs of all repositories that clients ask for."""

    def __init__(
        self,
        store: Store,
        repositories: Repositories,
        upstream: Upstream,
        transfers: Transfers,
        notice: Callable[[str], None],
        *,
        max_bytes: int,
        make_room: Callable[[int], Awaitable[None]],
    ) -> None:
        self._store = store
        self._repositories = repositories
        self._upstream = upstream
        self._transfers = transfers
        self._notice = notice
        self._max_bytes = max_bytes
        self._make_room = make_room
        self._tasks: set[asyncio.Future[None]] = set()

    async def get(self, request: Request, route: Route) -> Response:
        """The blob, or the part that Range asks for; HEAD fetches nothing."""
        where = self._upstream.repository(route.name, request.query.get("ns", ""))
        digest = digest_of(route.selector)
        if digest.algorithm != "sha256":
            raise Fault("BLOB_UNKNOWN", "this cache holds blobs by their sha256 digest")
        fd, descriptor = await asyncio.to_thread(self._find, where, digest)
        if fd >= 0:
            return part_of(request, fd, digest)
        assert descriptor is not None
        offset, length = span_of(request, digest, descriptor.size)
        headers = (*headers_of(digest), *length_of(descriptor.size, offset, length))
        status = 200 if length == descriptor.size else 206
        if request.method == "HEAD":
            return Response(status, headers)
        if descriptor.size > self._max_bytes:
            raise Fault("UNAVAILABLE", f"{digest} has {descriptor.size} bytes: this cache is smaller", status=507)
        if not self._transfers.has(descriptor, where.registry):
            await self._make_room(descriptor.size)
        repository = await asyncio.to_thread(self._repositories.obtain, where.name)
        transfer = self._transfers.join(
            descriptor, where.registry, self._opener(where, descriptor), repository, self._ended
        )
        try:
            await transfer.begun()
        except ArgosyError as error:
            raise refusal(error, "BLOB_UNKNOWN") from error
        return Response(status, headers, stream=transfer.read(offset, length))

    def _opener(self, where: Reference, descriptor: Descriptor) -> Callable[[int], BlobReader]:
        return lambda offset: self._upstream.source(where).read_blob(descriptor, offset)

    def _find(self, where: Reference, digest: Digest) -> tuple[int, Descriptor | None]:
        """The blob, opened; or what it is, where it has to be fetched.

        A blob of the store counts once this repository is known to have it: by a manifest, or by the registry's word.
        That is the word of a registry which the cache's owner trusts, or has been proven by a transfer: else a client
        whose own registry names the digest would get an image of this store that no registry gave.
        """
        repository = self._named(where.name)
        try:
            if repository is not None and repository.blob(digest) is not None:
                return self._store.blobs.open(digest), None
        except NotFound:
            pass  # it went just now
        descriptor = self._described(where, repository, digest)
        try:
            proven = self._upstream.is_trusted(where.registry) or self._came_from(where.registry, digest)
            if proven and self._repositories.obtain(where.name).add_blob(digest, digest):
                return self._store.blobs.open(digest), None
        except NotFound:
            pass
        return -1, descriptor

    def _came_from(self, registry: str, digest: Digest) -> bool:
        """Whether a repository of this registry has the blob here."""
        names = (name for name in self._repositories.names() if name.startswith(f"{registry}/"))
        return any(known is not None and known.blob(digest) is not None for known in map(self._named, names))

    def _named(self, name: str) -> Repository | None:
        try:
            return self._repositories.find(name)
        except NotFound:
            return None

    def _described(self, where: Reference, repository: Repository | None, digest: Digest) -> Descriptor:
        """The blob's descriptor from a manifest that was fetched before, else what the registry tells."""
        for known in [] if repository is None else repository.manifests():
            for part in self._parts(repository, known):
                if part.digest == digest:
                    return part
        try:
            size = self._upstream.source(where).blob_size(digest)
        except ArgosyError as error:
            raise refusal(error, "BLOB_UNKNOWN") from error
        if size is None:
            raise Fault("UNAVAILABLE", f"the registry does not say how large {digest} is", status=502)
        return Descriptor(_UNKNOWN_TYPE, digest, size)

    def _parts(self, repository: Repository | None, digest: Digest) -> tuple[Descriptor, ...]:
        """What the manifest names; nothing where it is an index, or gone."""
        try:
            record = None if repository is None else repository.manifest(digest)
            if record is None:
                return ()
            parsed = documents.parse(self._store.blobs.read(record.stored), record.media_type, artifact=True)
        except ArgosyError:
            return ()
        return () if isinstance(parsed, Index) else (parsed.config, *parsed.layers)

    def _ended(self, transfer: Transfer) -> None:
        if transfer.error is not None:
            self._notice(escaped(transfer.failure()))
        task = asyncio.ensure_future(self._make_room(0))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

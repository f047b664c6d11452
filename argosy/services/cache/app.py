"""From a request to an answer: from the store where it can be, else from the registry behind."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from argosy.errors import ArgosyError, escaped
from argosy.services.cache.blobs import CachedBlobs
from argosy.services.cache.documents import CachedDocuments
from argosy.services.cache.transfers import Transfers
from argosy.services.registry.app import base, dispatch, failure
from argosy.services.registry.faults import Fault
from argosy.storage import eviction
from argosy.storage.repositories import CACHED, Repositories

if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.services.cache.upstream import Upstream
    from argosy.services.http.messages import Request, Response
    from argosy.services.registry.app import Answer
    from argosy.storage.store import Store


class CacheApp:
    """The cache over one store.  `notice` is told what no client is to blame for."""

    def __init__(
        self, store: Store, upstream: Upstream, notice: Callable[[str], None], *, max_bytes: int, ttl_s: float
    ) -> None:
        self._store = store
        self._notice = notice
        self._max_bytes = max_bytes
        self._trimming = asyncio.Lock()
        self._transfers = Transfers(store)
        repositories = Repositories(store, CACHED)
        documents = CachedDocuments(store, repositories, upstream, notice, ttl_s=ttl_s)
        blobs = CachedBlobs(
            store,
            repositories,
            upstream,
            self._transfers,
            notice,
            max_bytes=max_bytes,
            make_room=self.make_room,
        )
        self._answers: dict[str, dict[str, Answer]] = {
            "base": {"GET": base},
            "manifest": {"GET": documents.manifest},
            "tags": {"GET": documents.tags},
            "referrers": {"GET": documents.referrers},
            "blob": {"GET": blobs.get},
        }

    async def answer(self, request: Request) -> Response:
        """Answer one request."""
        try:
            return await dispatch(self._answers, request, _any_name)
        except Fault as fault:
            return fault.response()
        except (ArgosyError, OSError) as error:
            return failure(error, f"{request.method} {request.path}", self._notice)

    async def make_room(self, size_bytes: int = 0) -> None:
        """Let the least recently used go until so many bytes more are within the bounds."""
        async with self._trimming:
            limit = max(self._max_bytes - size_bytes, 0)
            spared = self._transfers.digests()
            try:
                await asyncio.to_thread(eviction.trim, self._store, limit, spared=spared)
            except (ArgosyError, OSError) as error:
                self._notice(escaped(f"the cache was not trimmed: {error}"))


def _any_name(_name: str) -> None:
    """A name may begin with a registry here: `Upstream.repository` checks it."""

"""One image at several places: mirrors first, then the place that its name says.

The first endpoint that has the manifest is the one whose blobs are read; should it not have a blob, those behind it are
asked, since a blob's digest says that it is the same one.
"""

from __future__ import annotations

import threading

from argosy.registry.faults import RegistryError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    from argosy.config.registries import Endpoint
    from argosy.oci.descriptor import Descriptor
    from argosy.oci.digest import Digest
    from argosy.registry.blob import BlobReader
    from argosy.registry.client import RawManifest, RegistryClient

    T = TypeVar("T")


class Mirrors:
    """The endpoints of one reference, each connected to when it is first needed.  Safe to use from several threads."""

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        connect: Callable[[Endpoint], RegistryClient],
        notice: Callable[[str], None] | None = None,
    ) -> None:
        self._endpoints = endpoints
        self._connect = connect
        self._notice = notice
        self._clients: dict[int, RegistryClient] = {}
        self._chosen = 0
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the connections to all endpoints."""
        with self._lock:
            clients, self._clients = self._clients, {}
        for client in clients.values():
            client.close()

    def own(self) -> RegistryClient:
        """The client of the place itself."""
        return self._client(len(self._endpoints) - 1)

    def manifest(self, digest: str = "") -> RawManifest:
        """The manifest that the reference names, or another one of the repository by its digest."""

        def ask(client: RegistryClient, position: int) -> RawManifest:
            return client.manifest(digest or self._endpoints[position].reference.selector)

        if digest:
            return self._first(self._chosen, ask)[1]
        self._chosen, found = self._first(0, ask)
        return found

    def digest(self) -> Digest | None:
        """The digest of the manifest that the reference's tag means, without fetching it; None: nobody says."""
        return self._first(0, lambda client, at: client.digest(self._endpoints[at].reference.tag))[1]

    def blob_size(self, digest: Digest) -> int | None:
        """How many bytes a blob has that no manifest here tells of; None: nobody says."""
        return self._first(self._chosen, lambda client, _: client.blob_size(digest))[1]

    def blob(self, descriptor: Descriptor, offset: int = 0) -> BlobReader:
        """The blob, from the endpoint that gave the manifest if it has it."""
        return self._first(self._chosen, lambda client, _: client.blob(descriptor, offset))[1]

    def fetch(self, descriptor: Descriptor, limit: int) -> bytes:
        """A small blob as a whole, verified."""
        return self._first(self._chosen, lambda client, _: client.fetch(descriptor, limit))[1]

    def tags(self) -> list[str]:
        """The tags at the place itself: mirrors may lag behind, or keep only what was asked of them."""
        return self.own().tags()

    def _first(self, start: int, ask: Callable[[RegistryClient, int], T]) -> tuple[int, T]:
        """Which endpoint from `start` on is the first to answer, and what; if none does, the last one's error."""
        failures: list[str] = []
        last = len(self._endpoints) - 1
        for position in range(start, last):
            try:
                return position, ask(self._client(position), position)
            except RegistryError as error:
                name = self._endpoints[position].reference.name
                failures.append(f"[{name}: {error}]")
                if self._notice is not None:
                    self._notice(f"{name} failed: {error}; trying the next place")
        try:
            return last, ask(self._client(last), last)
        except RegistryError as error:
            if failures:
                told = f"(Mirrors also failed: {' '.join(failures)})"
                error.details = f"{error.details}\n{told}" if error.details else told
            raise

    def _client(self, position: int) -> RegistryClient:
        with self._lock:
            client = self._clients.get(position)
            if client is None:
                client = self._clients[position] = self._connect(self._endpoints[position])
            return client

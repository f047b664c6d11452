"""Manifests, tags and referrers through the cache.

A digest means the same for ever; a tag is looked up again when its time has passed.  While the registry does not
answer, what is here is served, and the log says so; what the registry says is gone or denied is not.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from argosy import jsontext
from argosy.errors import ArgosyError, Invalid, NotFound, escaped
from argosy.oci import digest as digests
from argosy.oci import manifest as documents
from argosy.oci import mediatypes, reference
from argosy.oci.manifest import Index
from argosy.registry import referrers
from argosy.registry.faults import RegistryError, Unauthorized, Unknown
from argosy.services.cache.upstream import refusal
from argosy.services.http.messages import Response
from argosy.services.registry.blobs import digest_of
from argosy.services.registry.faults import API_HEADERS, JSON, Fault
from argosy.services.registry.listings import referrers_answer
from argosy.services.registry.manifests import document
from argosy.storage.repositories import ManifestRecord

if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.oci.digest import Digest
    from argosy.oci.reference import Reference
    from argosy.registry.client import RawManifest
    from argosy.services.cache.upstream import Upstream
    from argosy.services.http.messages import Request
    from argosy.services.registry.routes import Route
    from argosy.storage.repositories import Repositories, Repository
    from argosy.storage.store import Store


class CachedDocuments:
    """The documents of all repositories that clients ask for."""

    def __init__(
        self,
        store: Store,
        repositories: Repositories,
        upstream: Upstream,
        notice: Callable[[str], None],
        *,
        ttl_s: float,
    ) -> None:
        self._store = store
        self._repositories = repositories
        self._upstream = upstream
        self._notice = notice
        self._ttl_s = ttl_s

    async def manifest(self, request: Request, route: Route) -> Response:
        """The manifest with this tag or digest; for HEAD as well."""
        where = self._upstream.repository(route.name, request.query.get("ns", ""))
        if ":" in route.selector:
            digest = digest_of(route.selector)
            found = await asyncio.to_thread(self._by_digest, where, digest)
        else:
            try:
                tag = reference.check_tag(route.selector)
            except Invalid as error:
                raise Fault("MANIFEST_UNKNOWN", str(error)) from None
            found = await asyncio.to_thread(self._by_tag, where, tag)
        return document(request, *found)

    def _by_digest(self, where: Reference, digest: Digest) -> tuple[Digest, str, bytes]:
        kept = self._kept(self._known(where), digest)
        if kept is not None:
            return kept
        try:
            raw = self._upstream.source(where).manifest(digest)
        except ArgosyError as error:
            raise refusal(error) from error
        return self._keep(where, raw, digest)

    def _by_tag(self, where: Reference, tag: str) -> tuple[Digest, str, bytes]:
        repository = self._known(where)
        known = None if repository is None else repository.tag(tag)
        kept = None if known is None else self._kept(repository, known)
        if repository is not None and kept is not None and repository.tag_age_s(tag) < self._ttl_s:
            return kept
        try:
            return self._look_up(where, tag, kept)
        except (Unknown, Unauthorized) as error:
            if repository is not None:
                repository.remove_tag(tag)
            raise refusal(error) from error
        except ArgosyError as error:
            if repository is None or kept is None or not isinstance(error, RegistryError):
                raise refusal(error) from error
            self._notice(escaped(f"{where}:{tag} is served as it was {repository.tag_age_s(tag):.0f} s ago: {error}"))
            return kept

    def _look_up(self, where: Reference, tag: str, kept: tuple[Digest, str, bytes] | None) -> tuple[Digest, str, bytes]:
        """The manifest that the tag means now, fetched if it is not the one that is kept."""
        source = self._upstream.tagged(where, tag)
        try:
            if kept is not None and source.digest() == kept[0]:
                self._repositories.obtain(where.name).confirm_tag(tag)
                return kept
            raw = source.manifest()
        finally:
            source.close()
        return self._keep(where, raw, raw.digest, tag)

    def _known(self, where: Reference) -> Repository | None:
        try:
            return self._repositories.find(where.name)
        except NotFound:
            return None

    def _kept(self, repository: Repository | None, digest: Digest) -> tuple[Digest, str, bytes] | None:
        """The manifest from the store, if it is there."""
        try:
            record = None if repository is None else repository.manifest(digest)
            if repository is None or record is None:
                return None
            data = self._store.blobs.read(record.stored)
        except (NotFound, Invalid):
            return None  # gone, or damaged: it is fetched again
        repository.use_manifest(digest)
        return digest, record.media_type, data

    def _keep(self, where: Reference, raw: RawManifest, digest: Digest, tag: str = "") -> tuple[Digest, str, bytes]:
        """Have the manifest from now on.  Its parts come when they are asked for."""
        media_type = documents.parse(raw.data, raw.media_type, artifact=True).media_type
        record = ManifestRecord(stored=digests.of_bytes(raw.data), media_type=media_type, size=len(raw.data))
        self._repositories.obtain(where.name).add_manifest(digest, raw.data, record, tag=tag)
        return digest, media_type, raw.data

    async def tags(self, request: Request, route: Route) -> Response:
        """All tags that the registry has; those that are here while it does not answer."""
        where = self._upstream.repository(route.name, request.query.get("ns", ""))
        tags = await asyncio.to_thread(self._tags, where)
        return Response(200, (*API_HEADERS, JSON), jsontext.encode({"name": route.name, "tags": tags}))

    def _tags(self, where: Reference) -> list[str]:
        try:
            return self._upstream.source(where).tags()
        except (Unknown, Unauthorized) as error:
            raise refusal(error) from error
        except ArgosyError as error:
            repository = self._known(where)
            kept = [] if repository is None else repository.tags()
            if not kept:
                raise refusal(error) from error
            self._notice(escaped(f"of the tags of {where} those are served that were asked for: {error}"))
            return kept

    async def referrers(self, request: Request, route: Route) -> Response:
        """What refers to a manifest, as the registry says now."""
        where = self._upstream.repository(route.name, request.query.get("ns", ""))
        found = await asyncio.to_thread(self._referrers, where, digest_of(route.selector))
        entries = jsontext.decode(found.to_bytes())["manifests"]
        return referrers_answer(request, entries)

    def _referrers(self, where: Reference, digest: Digest) -> Index:
        try:
            return Index(mediatypes.OCI_INDEX, referrers.find(self._upstream.source(where).client(), digest))
        except ArgosyError as error:
            raise refusal(error) from error

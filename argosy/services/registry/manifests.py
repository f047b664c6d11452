"""Manifests and indexes: kept as the bytes that came, checked for what they refer to."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING

from argosy.errors import ArgosyError, Invalid, NotFound
from argosy.oci import digest as digests
from argosy.oci import manifest as documents
from argosy.oci import mediatypes, reference
from argosy.oci.manifest import Index
from argosy.services.http.messages import BodyTooLarge, Response
from argosy.services.registry.blobs import is_known, repository_of
from argosy.services.registry.faults import API_HEADERS, Fault
from argosy.storage.repositories import ManifestRecord

if TYPE_CHECKING:
    from typing import Any

    from argosy.oci.descriptor import Descriptor
    from argosy.oci.digest import Digest
    from argosy.oci.manifest import ImageManifest
    from argosy.services.http.messages import Request
    from argosy.services.registry.routes import Route
    from argosy.storage.repositories import Repositories, Repository
    from argosy.storage.store import Store


class Manifests:
    """The manifests of all repositories."""

    def __init__(self, store: Store, repositories: Repositories) -> None:
        self._store = store
        self._repositories = repositories

    async def get(self, request: Request, route: Route) -> Response:
        """The manifest with this tag or digest; for HEAD as well."""
        digest, record, data = await asyncio.to_thread(self._read, route)
        return document(request, digest, record.media_type, data)

    def _read(self, route: Route) -> tuple[Digest, ManifestRecord, bytes]:
        repository = repository_of(self._repositories, route.name)
        digest = _selected(repository, route.selector)
        record = None if digest is None else repository.manifest(digest)
        try:
            if digest is not None and record is not None:
                return digest, record, self._store.blobs.read(record.stored)
        except NotFound:
            pass  # removed meanwhile
        raise _unknown(route)

    async def put(self, request: Request, route: Route) -> Response:
        """Have the manifest under a tag, or by its digest."""
        try:
            data = await request.read(documents.SIZE_LIMIT)
        except BodyTooLarge:
            message = f"a manifest has at most {documents.SIZE_LIMIT >> 20} MiB"
            raise Fault("SIZE_INVALID", message, status=413) from None
        tag, digest = _destination(route.selector, data)
        try:
            parsed = documents.parse(data, request.header("content-type"), artifact=True)
        except ArgosyError as error:
            raise Fault("MANIFEST_INVALID", str(error)) from None
        record = ManifestRecord(
            stored=digests.of_bytes(data),
            media_type=parsed.media_type,
            size=len(data),
            parts=tuple(part.digest for part in _parts(parsed)),
            subject="" if parsed.subject is None else parsed.subject.digest,
        )
        referrer = None if parsed.subject is None else _entry(parsed, digest, len(data))
        repository = await asyncio.to_thread(self._repositories.obtain, route.name)
        await asyncio.to_thread(_check_sizes, repository, parsed)
        missing = await asyncio.to_thread(
            lambda: repository.add_manifest(digest, data, record, tag=tag, referrer=referrer)
        )
        if missing:
            raise Fault("MANIFEST_BLOB_UNKNOWN", f"{route.name} does not have {missing}, which the manifest names")
        headers = (("Location", f"/v2/{route.name}/manifests/{digest}"), ("Docker-Content-Digest", digest))
        subject = (("OCI-Subject", record.subject),) if record.subject else ()
        return Response(201, (*API_HEADERS, *headers, *subject))

    async def delete(self, _request: Request, route: Route) -> Response:
        """Forget a tag; or a manifest with all its tags, whose blobs stay in the repository."""
        repository = await asyncio.to_thread(repository_of, self._repositories, route.name)
        if ":" in route.selector:
            removed = await asyncio.to_thread(repository.remove_manifest, _digest(route.selector))
        else:
            removed = _is_tag(route.selector) and await asyncio.to_thread(repository.remove_tag, route.selector)
        if not removed:
            raise _unknown(route)
        return Response(202, API_HEADERS)


def document(request: Request, digest: Digest, media_type: str, data: bytes) -> Response:
    """A manifest as an answer, or 304 where the client has it."""
    tag = f'"{digest}"'
    headers = (*API_HEADERS, ("Docker-Content-Digest", digest), ("ETag", tag), ("Content-Type", media_type))
    return Response(304, headers) if is_known(request, tag) else Response(200, headers, data)


def _destination(selector: str, data: bytes) -> tuple[str, Digest]:
    """The tag, "" for none, and the digest that the manifest is to be known by."""
    if ":" not in selector:
        try:
            return reference.check_tag(selector), digests.of_bytes(data)
        except Invalid as error:
            raise Fault("TAG_INVALID", str(error)) from None
    digest = _digest(selector)
    found = f"{digest.algorithm}:{hashlib.new(digest.algorithm, data, usedforsecurity=False).hexdigest()}"
    if found != digest:
        raise Fault("DIGEST_INVALID", f"the manifest has the digest {found}, not {digest}")
    return "", digest


def _digest(selector: str) -> Digest:
    try:
        return digests.parse(selector)
    except Invalid as error:
        raise Fault("DIGEST_INVALID", str(error)) from None


def _is_tag(selector: str) -> bool:
    try:
        return bool(reference.check_tag(selector))
    except Invalid:
        return False


def _selected(repository: Repository, selector: str) -> Digest | None:
    if ":" in selector:
        return _digest(selector)
    return repository.tag(selector) if _is_tag(selector) else None


def _unknown(route: Route) -> Fault:
    return Fault("MANIFEST_UNKNOWN", f"{route.name} has no manifest {route.selector}")


def _parts(parsed: ImageManifest | Index) -> tuple[Descriptor, ...]:
    """What must be there: all that is named, but for layers that are kept elsewhere."""
    if isinstance(parsed, Index):
        return parsed.manifests
    layers = (layer for layer in parsed.layers if not (layer.urls or layer.media_type in mediatypes.FOREIGN))
    return (parsed.config, *layers)


def _check_sizes(repository: Repository, parsed: ImageManifest | Index) -> None:
    """Refuse a manifest whose parts are not as large as it says: no client could pull it.  Raises Fault."""
    for part in _parts(parsed):
        size = repository.size(part.digest)
        if size not in (None, part.size):
            raise Fault("MANIFEST_INVALID", f"{part.digest} has {size} bytes, and the manifest says {part.size}")


def _entry(parsed: ImageManifest | Index, digest: Digest, size: int) -> dict[str, Any]:
    """The manifest in the list of what refers to its subject ("Listing Referrers")."""
    kind = parsed.artifact_type
    if not kind and not isinstance(parsed, Index):
        kind = parsed.config.media_type
    entry: dict[str, Any] = {"mediaType": parsed.media_type, "digest": str(digest), "size": size}
    if kind:
        entry["artifactType"] = kind
    if parsed.annotations:
        entry["annotations"] = dict(parsed.annotations)
    return entry

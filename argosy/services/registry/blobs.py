"""Blobs: whole or in part, and their removal from a repository."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from argosy.errors import Invalid, NotFound
from argosy.oci import digest as digests
from argosy.services.http.messages import FilePart, Response
from argosy.services.registry import ranges
from argosy.services.registry.faults import API_HEADERS, Fault

if TYPE_CHECKING:
    from argosy.oci.digest import Digest
    from argosy.services.http.messages import Request
    from argosy.services.registry.routes import Route
    from argosy.storage.repositories import Repositories, Repository
    from argosy.storage.store import Store


class Blobs:
    """The blobs of all repositories."""

    def __init__(self, store: Store, repositories: Repositories) -> None:
        self._store = store
        self._repositories = repositories

    async def get(self, request: Request, route: Route) -> Response:
        """The blob, or the part that Range asks for; for HEAD as well."""
        digest = digest_of(route.selector)
        fd = await asyncio.to_thread(self._open, route.name, digest)
        return part_of(request, fd, digest)

    def _open(self, name: str, digest: Digest) -> int:
        stored = repository_of(self._repositories, name).blob(digest)
        try:
            if stored is not None:
                return self._store.blobs.open(stored)
        except NotFound:
            pass  # removed meanwhile
        raise Fault("BLOB_UNKNOWN", f"{name} has no blob {digest}")

    async def delete(self, _request: Request, route: Route) -> Response:
        """Take the blob out of the repository; its bytes go with the store's next prune."""
        digest = digest_of(route.selector)
        repository = await asyncio.to_thread(repository_of, self._repositories, route.name)
        if not await asyncio.to_thread(repository.remove_blob, digest):
            raise Fault("BLOB_UNKNOWN", f"{route.name} has no blob {digest}")
        return Response(202, API_HEADERS)


def part_of(request: Request, fd: int, digest: Digest) -> Response:
    """What Range and If-None-Match ask for of the open file `fd`, which is closed with the answer."""
    size = os.fstat(fd).st_size
    part = FilePart(fd, 0, size)
    try:
        if is_known(request, f'"{digest}"'):
            part.close()
            return Response(304, headers_of(digest))
        part.offset, part.size = span_of(request, digest, size)
    except Fault:
        part.close()
        raise
    headers = (*headers_of(digest), *length_of(size, part.offset, part.size))
    return Response(200 if part.size == size else 206, headers, file=part)


def headers_of(digest: Digest) -> tuple[tuple[str, str], ...]:
    """The headers of a blob, which means the same for ever."""
    return (
        *API_HEADERS,
        ("Docker-Content-Digest", digest),
        ("ETag", f'"{digest}"'),
        ("Accept-Ranges", "bytes"),
        ("Cache-Control", "max-age=31536000"),
        ("Content-Type", "application/octet-stream"),
    )


def length_of(size: int, offset: int, length: int) -> tuple[tuple[str, str], ...]:
    """The headers that say which part of a blob of `size` bytes comes."""
    headers = (("Content-Length", str(length)),)
    return headers if length == size else (*headers, ("Content-Range", f"bytes {offset}-{offset + length - 1}/{size}"))


def span_of(request: Request, digest: Digest, size: int) -> tuple[int, int]:
    """Offset and length of the part that is asked for, which may be the whole.  Raises Fault."""
    header = request.header("range") if request.header("if-range") in ("", f'"{digest}"') else ""
    try:
        return ranges.requested(header, size) or (0, size)
    except ranges.Unsatisfiable:
        headers = (("Content-Range", f"bytes */{size}"),)
        raise Fault("RANGE_INVALID", f"the blob has {size} bytes", headers=headers) from None


def is_known(request: Request, tag: str) -> bool:
    """Whether If-None-Match says that the client has this content already."""
    known = [text.strip().removeprefix("W/") for text in request.header("if-none-match").split(",")]
    return tag in known or "*" in known


def digest_of(text: str) -> Digest:
    """The digest in a path or parameter.  Raises Fault."""
    try:
        return digests.parse(text)
    except Invalid as error:
        raise Fault("DIGEST_INVALID", str(error)) from None


def repository_of(repositories: Repositories, name: str) -> Repository:
    """The repository of this name.  Raises Fault."""
    try:
        return repositories.find(name)
    except NotFound:
        raise Fault("NAME_UNKNOWN", f"there is no repository {name}") from None

"""Uploads: begun, sent in one or several pieces, finished, mounted from another repository (distribution-spec, "Push").

How far an upload came is the size of its file, which holds whatever arrived before a connection broke or a process was
killed: a client goes on from there.  Two requests for one upload take turns.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from argosy.errors import Invalid, NotFound
from argosy.numbers import natural
from argosy.services.http.messages import Response
from argosy.services.registry import ranges
from argosy.services.registry.blobs import digest_of
from argosy.services.registry.faults import API_HEADERS, Fault
from argosy.storage.blobs import DigestMismatch

if TYPE_CHECKING:
    from argosy.oci.digest import Digest
    from argosy.services.http.messages import Request
    from argosy.services.registry.routes import Route
    from argosy.storage.repositories import Repositories, Repository
    from argosy.storage.uploads import Upload, Uploads

_WRITE_BYTES = 1 << 20
_TURN_S = 30.0
_LOOK_S = 0.05


class Uploading:
    """The uploads to all repositories."""

    def __init__(self, repositories: Repositories, uploads: Uploads) -> None:
        self._repositories = repositories
        self._uploads = uploads

    async def begin(self, request: Request, route: Route) -> Response:
        """A new upload, or a blob at once: one mounted from another repository, or the body with its digest."""
        repository = await asyncio.to_thread(self._repositories.obtain, route.name)
        if request.query.get("mount"):
            digest = digest_of(request.query["mount"])
            if await asyncio.to_thread(self._mounted, repository, digest, request.query.get("from", "")):
                return _created(route.name, digest)
        wanted = digest_of(request.query["digest"]) if "digest" in request.query else None
        upload_id = await asyncio.to_thread(self._uploads.begin, route.name)
        if wanted is None:
            return _progress(202, route.name, upload_id, 0)
        async with _Turn(self._uploads, route.name, upload_id) as upload:
            try:
                await _receive(request, upload, None)
                await asyncio.to_thread(_finish, repository, upload, wanted)
            except BaseException:
                upload.discard()  # the client was not told its id, and cannot go on with it
                raise
        return _created(route.name, wanted)

    def _mounted(self, repository: Repository, digest: Digest, source: str) -> bool:
        """Have the blob of the repository `source` in this one as well; false when that has none."""
        try:
            stored = self._repositories.find(source).blob(digest)
        except NotFound:
            return False
        return stored is not None and repository.add_blob(digest, stored)

    async def status(self, _request: Request, route: Route) -> Response:
        """How far the upload came."""
        async with _Turn(self._uploads, route.name, route.selector) as upload:
            return _progress(204, route.name, route.selector, upload.offset)

    async def append(self, request: Request, route: Route) -> Response:
        """A chunk, which must follow on what has come."""
        async with _Turn(self._uploads, route.name, route.selector) as upload:
            await _receive(request, upload, _announced(request, route, upload))
            return _progress(202, route.name, route.selector, upload.offset)

    async def finish(self, request: Request, route: Route) -> Response:
        """The last chunk, if there is one, and the end: the upload becomes a blob of the repository."""
        digest = digest_of(request.query.get("digest", ""))
        repository = await asyncio.to_thread(self._repositories.obtain, route.name)
        async with _Turn(self._uploads, route.name, route.selector) as upload:
            await _receive(request, upload, _announced(request, route, upload))
            await asyncio.to_thread(_finish, repository, upload, digest)
        return _created(route.name, digest)

    async def cancel(self, _request: Request, route: Route) -> Response:
        """Forget the upload."""
        async with _Turn(self._uploads, route.name, route.selector) as upload:
            upload.discard()
        return Response(204, API_HEADERS)


class _Turn:
    """An upload that is ours for one request.  An earlier one may still be taking in what a broken client has sent."""

    def __init__(self, uploads: Uploads, name: str, upload_id: str) -> None:
        self._uploads = uploads
        self._name = name
        self._id = upload_id
        self._upload: Upload | None = None

    async def __aenter__(self) -> Upload:
        end = asyncio.get_running_loop().time() + _TURN_S
        while True:
            try:
                self._upload = self._uploads.open(self._name, self._id)
            except (FileNotFoundError, Invalid):
                raise Fault("BLOB_UPLOAD_UNKNOWN", "there is no such upload, or it has ended") from None
            if self._upload is not None:
                return self._upload
            if asyncio.get_running_loop().time() > end:
                message = "another request is sending to this upload"
                raise Fault("UNAVAILABLE", message, headers=(("Retry-After", "5"),))
            await asyncio.sleep(_LOOK_S)

    async def __aexit__(self, *_error: object) -> None:
        assert self._upload is not None
        self._upload.close()


async def _receive(request: Request, upload: Upload, announced: int | None) -> None:
    """Append the body, in blocks that a thread hashes and writes: the loop waits for no disk.

    What comes beyond the bytes that were announced is not taken.  Raises Fault when these are not what came.
    """
    block = bytearray()
    came = 0
    try:
        async for chunk in request.chunks():
            block += chunk if announced is None else chunk[: max(announced - came, 0)]
            came += len(chunk)
            if len(block) >= _WRITE_BYTES:
                full, block = block, bytearray()
                await asyncio.to_thread(upload.write, full)
    finally:
        if block:
            upload.write(block)  # what came before a connection broke counts
    if announced not in (None, came):
        raise Fault("SIZE_INVALID", f"Content-Range has {announced} bytes, and {came} came")


def _finish(repository: Repository, upload: Upload, digest: Digest) -> None:
    try:
        stored = upload.finish(digest)
    except DigestMismatch as error:
        raise Fault("DIGEST_INVALID", str(error)) from None
    repository.add_blob(digest, stored, upload.path)


def _announced(request: Request, route: Route, upload: Upload) -> int | None:
    """How many bytes Content-Range announces; None where there is none.

    A chunk that is not the next one is refused before any of it is read.  Raises Fault.
    """
    header = request.header("content-range")
    if not header:
        return None
    try:
        start, length = ranges.uploaded(header)
    except ranges.Unsatisfiable:
        start, length = -1, 0
    if start != upload.offset:
        message = f"a chunk must begin at byte {upload.offset}"
        raise Fault("RANGE_INVALID", message, headers=_place(route.name, route.selector, upload.offset))
    declared = request.header("content-length")
    if declared and natural(declared) != length:
        raise Fault("SIZE_INVALID", f"Content-Range has {length} bytes, Content-Length {declared}")
    return length


def _place(name: str, upload_id: str, offset: int) -> tuple[tuple[str, str], ...]:
    """The headers that say how far an upload came; one without a byte is told like one with a single byte."""
    location = f"/v2/{name}/blobs/uploads/{upload_id}"
    return (("Location", location), ("Range", f"0-{max(offset - 1, 0)}"), ("Docker-Upload-UUID", upload_id))


def _progress(status: int, name: str, upload_id: str, offset: int) -> Response:
    return Response(status, (*API_HEADERS, *_place(name, upload_id, offset)))


def _created(name: str, digest: Digest) -> Response:
    place = (("Location", f"/v2/{name}/blobs/{digest}"), ("Docker-Content-Digest", digest))
    return Response(201, (*API_HEADERS, *place))

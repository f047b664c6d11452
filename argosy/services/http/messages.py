"""A request as a handler gets it, and the response that it gives."""

from __future__ import annotations

import os
import urllib.parse
from typing import TYPE_CHECKING

from argosy.values import Value

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

    Handler = Callable[["Request"], Awaitable["Response"]]

_QUERY_FIELDS = 64


class BadRequest(Exception):
    """What the client sent is not HTTP as we serve it; the text says why."""


class ClientGone(Exception):
    """The client broke off, or sends nothing any more."""


class BodyTooLarge(Exception):
    """The body is larger than the handler wants."""


class Request:
    """One request.  `path` is decoded; `query` has the first value of each name; header names are in lower case."""

    def __init__(
        self,
        method: str,
        target: str,
        headers: Iterable[tuple[str, str]],
        body: Callable[[], AsyncIterator[bytes]],
    ) -> None:
        self.method = method
        self.target = target
        path, _, query = target.partition("?")
        try:
            self.path = urllib.parse.unquote(path, errors="strict")
            pairs = urllib.parse.parse_qsl(query, keep_blank_values=True, max_num_fields=_QUERY_FIELDS)
        except ValueError as error:
            raise BadRequest(str(error)) from None
        if not self.path.startswith("/") or not self.path.isprintable():
            raise BadRequest("the target is not a path")
        self.query: dict[str, str] = {}
        for name, value in pairs:
            self.query.setdefault(name, value)
        self._headers = tuple(headers)
        self.chunks = body

    def header(self, name: str) -> str:
        """The value of a header, several joined by commas; "" when it is not there."""
        return ", ".join(value for key, value in self._headers if key == name)

    async def read(self, limit: int) -> bytes:
        """The whole body.  Raises BodyTooLarge, ClientGone."""
        data = bytearray()
        async for chunk in self.chunks():
            data += chunk
            if len(data) > limit:
                raise BodyTooLarge
        return bytes(data)


class FilePart:
    """`size` bytes of an open file from `offset` on.  Whoever sends it closes it."""

    def __init__(self, fd: int, offset: int, size: int) -> None:
        self.fd = fd
        self.offset = offset
        self.size = size

    def close(self) -> None:
        """Close the file.  May be called twice."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


class Response(Value):
    """An answer.  The body is `body`, or a part of a file, or a stream whose length a Content-Length header tells."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    file: FilePart | None = None
    stream: AsyncIterator[bytes] | None = None

"""HTTP/1.1 on one connection, the client's side (RFC 9112): a request is written, then its answer is read.

Where the length of a body can be read in two ways, one of which would take what an attacker wrote for the next answer,
the answer is refused.  What an answer may make us keep in memory is bounded.
"""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

    from argosy.registry.streams import Readable

    class Socket(Protocol):
        """What a connection needs of a socket, be it plain or TLS."""

        def sendall(self, data: bytes, /) -> None: ...
        def recv(self, size: int, /) -> bytes: ...
        def close(self) -> None: ...
        def fileno(self) -> int: ...


_LINE_LIMIT = 64 << 10
_HEADERS_LIMIT = 100
_INTERIM_LIMIT = 20
_LINES_S = 120.0
_SEND_BLOCK_BYTES = 256 << 10
_RECEIVE_BYTES = 64 << 10
_NO_BODY = frozenset((204, 304))
_WITH_LENGTH = frozenset(("POST", "PUT", "PATCH"))


class BadAnswer(Exception):
    """What came is not an answer of HTTP/1.1, or ended in the middle."""


class Wire:
    """A connection over which requests go one after the other.  Used by one thread at a time."""

    def __init__(self, socket: Socket) -> None:
        self.socket = socket
        self._buffer = b""
        self._ends = 0.0  # when the lines that are being read must be there: each byte of them resets the time-out

    def close(self) -> None:
        """End the connection.  May be called twice."""
        self.socket.close()

    def ask(self, method: str, target: str, headers: Mapping[str, str], body: bytes | Readable | None) -> Head:
        """Send a request; the head of its answer.

        Raises ValueError for what cannot be sent, OSError, BadAnswer.  A server may answer, and hang up, before it
        has read the whole body: that answer is the one to hear.
        """
        head = _request(method, target, headers, body)
        broken: OSError | None = None
        try:
            if isinstance(body, bytes) or body is None:
                self._send(head + (body or b""))
            else:
                self._send(head)
                while data := body.read(_SEND_BLOCK_BYTES):
                    self._send(data)
        except _HungUp as error:
            broken = error.cause
        try:
            return self._head(method, last=broken is not None)
        except (OSError, BadAnswer):
            if broken is not None:
                raise broken from None
            raise

    def _send(self, data: bytes) -> None:
        """Send a piece of a request; what a body's source raises must not be taken for what the server did."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise _HungUp(error) from error

    def _head(self, method: str, *, last: bool) -> Head:
        self._ends = time.monotonic() + _LINES_S
        for _ in range(_INTERIM_LIMIT):
            version, status = _status(self._line())
            headers = self._headers()
            if status >= 200:
                return Head(version, status, headers, method, last=last)
        raise BadAnswer("there are only interim answers")

    def _headers(self) -> list[tuple[str, str]]:
        headers: list[tuple[str, str]] = []
        while line := self._line():
            if line[:1] in " \t":
                raise BadAnswer("a header goes on in the next line")
            name, colon, value = line.partition(":")
            if not colon or not name or name != name.strip():
                raise BadAnswer("there is a header that is none")
            headers.append((name.lower(), value.strip(" \t")))
            if len(headers) > _HEADERS_LIMIT:
                raise BadAnswer(f"it has more than {_HEADERS_LIMIT} headers")
        return headers

    def _line(self) -> str:
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > _LINE_LIMIT:
                break
            if time.monotonic() > self._ends:
                raise BadAnswer(f"its lines were not there within {_LINES_S:g} s")
            data = self.socket.recv(_RECEIVE_BYTES)
            if not data:
                raise BadAnswer("the server hung up" if not self._buffer else "it ends in the middle")
            self._buffer += data
        if not 0 <= end <= _LINE_LIMIT:
            raise BadAnswer(f"it has a line of more than {_LINE_LIMIT >> 10} KiB")
        line, self._buffer = self._buffer[:end], self._buffer[end + 1 :]
        return line.removesuffix(b"\r").decode("latin-1")

    def has_more(self) -> bool:
        """Whether something is here that no request asked for: what comes next would be taken for an answer."""
        pending = getattr(self.socket, "pending", None)  # of TLS: what was decrypted and not read
        return bool(self._buffer) or bool(pending and pending())

    def read(self, size: int) -> bytes:
        """What is there, at most `size` bytes; waits for the first one.  b"" when the server hung up."""
        if not self._buffer:
            return self.socket.recv(size)
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data

    def chunk(self, *, first: bool) -> int:
        """The size of the next chunk; 0 after the last one, whose trailer is read too."""
        self._ends = time.monotonic() + _LINES_S
        if not first and self._line():
            raise BadAnswer("a chunk is longer than it says")
        text = self._line().partition(";")[0].strip()
        if not text or len(text) > 16 or text.strip("0123456789abcdefABCDEF"):
            raise BadAnswer("the size of a chunk is none")
        size = int(text, 16)
        if not size:
            self._headers()
        return size


class Head:
    """Status and headers of an answer; names are in lower case.  `length` is the body's, None until its end shows."""

    def __init__(self, version: str, status: int, headers: list[tuple[str, str]], method: str, *, last: bool) -> None:
        self.status = status
        self.headers = headers
        codings = [word.strip().lower() for text in self.all("transfer-encoding") for word in text.split(",")]
        lengths = {text.strip() for text in self.all("content-length")}
        self.chunked = False
        self.length: int | None = None
        if method == "HEAD" or status in _NO_BODY:
            self.length = 0
        elif codings:
            if codings != ["chunked"]:
                raise BadAnswer("its transfer coding is not known")
            self.chunked = True
        elif lengths:
            self.length = _length(lengths)
        closes = "close" in [word.strip().lower() for text in self.all("connection") for word in text.split(",")]
        ends = self.length is not None or (self.chunked and not lengths)
        self.keeps = ends and not closes and not last and version == "HTTP/1.1"

    def all(self, name: str) -> list[str]:
        """The values of all headers of this name."""
        name = name.lower()
        return [value for key, value in self.headers if key == name]


class BodyReader:
    """The body of an answer, piece by piece."""

    def __init__(self, wire: Wire, head: Head) -> None:
        self._wire = wire
        self._chunked = head.chunked
        self._left = 0 if head.chunked else head.length
        self._first = True
        self.ended = not head.chunked and head.length == 0

    def read1(self, size: int) -> bytes:
        """What is there, at most `size` bytes; b"" at the end.  Raises BadAnswer where it ends too early, OSError."""
        if self.ended or not size:
            return b""
        if self._chunked and not self._left:
            self._left = self._wire.chunk(first=self._first)
            self._first = False
            if not self._left:
                self.ended = True
                return b""
        data = self._wire.read(size if self._left is None else min(size, self._left))
        if self._left is None:
            self.ended = not data
        elif not data:
            raise BadAnswer("the connection broke off in the middle of an answer")
        else:
            self._left -= len(data)
            self.ended = not self._left and not self._chunked
        return data


class _HungUp(Exception):
    """The server takes no more of the request."""

    def __init__(self, cause: OSError) -> None:
        super().__init__(str(cause))
        self.cause = cause


def _request(method: str, target: str, headers: Mapping[str, str], body: bytes | Readable | None) -> bytes:
    """A request up to its body, in which nothing can be smuggled."""
    lines = [f"{method} {target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if not any(name.lower() == "content-length" for name in headers):
        if isinstance(body, bytes) or (body is None and method in _WITH_LENGTH):
            lines.append(f"Content-Length: {len(body or b'')}")
        elif body is not None:
            raise ValueError("a body whose length is not known")
    if target.split() != [target] or any(c in line for line in lines for c in "\r\n\0"):
        raise ValueError("it has control characters")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _status(line: str) -> tuple[str, int]:
    version, _, rest = line.partition(" ")
    status = rest[:3]
    if version not in ("HTTP/1.1", "HTTP/1.0") or len(status) != 3 or not (status.isascii() and status.isdecimal()):
        raise BadAnswer("it does not begin as answers of HTTP/1.1 do")
    if rest[3:4].strip() or not 100 <= int(status) < 600:
        raise BadAnswer("its status is none")
    return version, int(status)


def _length(texts: set[str]) -> int:
    text = texts.pop()
    if texts or not (text.isascii() and text.isdecimal()) or len(text) > 19:
        raise BadAnswer("its length is none")
    return int(text)

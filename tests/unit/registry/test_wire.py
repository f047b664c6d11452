"""HTTP/1.1 on a connection: where answers end, what is refused, and whom a connection may be used again by."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from argosy.registry import wire as wire_module
from argosy.registry.wire import BadAnswer, BodyReader, Wire


@pytest.fixture
def pair() -> Iterator[tuple[Wire, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.settimeout(20)
    wire = Wire(ours)
    yield wire, theirs
    wire.close()
    theirs.close()


def asked(pair: tuple[Wire, socket.socket], raw: bytes, method: str = "GET") -> tuple[bytes, bool, bool]:
    """The body of the answer `raw`, whether it has ended, and whether the connection can be used again."""
    wire, theirs = pair
    theirs.sendall(raw)
    theirs.shutdown(socket.SHUT_WR)
    head = wire.ask(method, "/", {"Host": "x"}, None)
    reader = BodyReader(wire, head)
    body = b"".join(iter(lambda: reader.read1(3), b""))
    return body, reader.ended, head.keeps


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("raw", "body", "keeps"),
    [
        (OK + b"Content-Length: 5\r\n\r\nhello", b"hello", True),
        (OK + b"content-length:5\r\nContent-Length: 5\r\n\r\nhello", b"hello", True),
        (OK + b"Content-Length: 5\r\nConnection: Close\r\n\r\nhello", b"hello", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", b"hello", False),
        (OK + b"\r\nhello", b"hello", False),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nA: b\r\n\r\n", b"hello", True),
        (OK + b"Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n5\r\nhello\r\n0\r\n\r\n", b"hello", False),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204\r\n\r\n", b"", True),
        (b"HTTP/1.1 304 Not Modified\nContent-Length: 7\n\n", b"", True),
    ],
)
def test_where_an_answer_ends(pair: tuple[Wire, socket.socket], raw: bytes, body: bytes, keeps: bool) -> None:
    assert asked(pair, raw) == (body, True, keeps)


def test_the_answer_to_head_has_no_body(pair: tuple[Wire, socket.socket]) -> None:
    assert asked(pair, OK + b"Content-Length: 5\r\n\r\n", "HEAD") == (b"", True, True)


@pytest.mark.parametrize(
    "raw",
    [
        OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        OK + b"Content-Length: +5\r\n\r\nhello",
        OK + b"Content-Length: 5\r\n\r\nhell",
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        OK + b"A: b\r\n c\r\n\r\n",
        OK + b"A : b\r\n\r\n",
        OK + b"nothing\r\n\r\n",
        OK + b"A: b\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 099 OK\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 50,
        b"",
    ],
)
def test_what_is_refused(pair: tuple[Wire, socket.socket], raw: bytes) -> None:
    with pytest.raises(BadAnswer):
        asked(pair, raw)


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        ("/a b", {}),
        ("/a\r\nX: y", {}),
        ("", {}),
        ("/", {"X": "y\r\nZ: z"}),
        ("/", {"X": "y\0"}),
        ("/", {"X\n": "y"}),
        ("/", {"X": "\u2713"}),
    ],
)
def test_nothing_is_smuggled_into_a_request(
    pair: tuple[Wire, socket.socket], target: str, headers: dict[str, str]
) -> None:
    with pytest.raises(ValueError):
        pair[0].ask("GET", target, headers, None)
    pair[0].close()
    assert pair[1].recv(1) == b""


def test_lines_that_do_not_come_to_an_end(pair: tuple[Wire, socket.socket], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte is in time, and all of them would take days."""
    monkeypatch.setattr(wire_module, "_LINES_S", 0.3)
    wire, theirs = pair

    def drip() -> None:
        try:
            while True:
                theirs.sendall(b"a")
                time.sleep(0.05)
        except OSError:
            pass

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        with pytest.raises(BadAnswer, match="within"):
            wire.ask("GET", "/", {"Host": "x"}, None)
    finally:
        wire.close()
        thread.join()


class _Endless:
    def read(self, size: int = 1) -> bytes:
        return bytes(size)


def test_a_server_that_answers_before_it_has_read_the_body(pair: tuple[Wire, socket.socket]) -> None:
    """It hangs up then, and its answer is heard all the same; the connection is over."""
    wire, theirs = pair
    theirs.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
    theirs.shutdown(socket.SHUT_RD)
    head = wire.ask("PATCH", "/", {"Content-Length": "99999999999"}, _Endless())
    assert (head.status, head.keeps) == (413, False)


def test_what_is_sent(pair: tuple[Wire, socket.socket]) -> None:
    wire, theirs = pair
    theirs.sendall(OK + b"Content-Length: 0\r\n\r\n")
    wire.ask("PUT", "/x?y", {"Host": "h", "A": "b"}, b"body")
    assert theirs.recv(1000) == b"PUT /x?y HTTP/1.1\r\nHost: h\r\nA: b\r\nContent-Length: 4\r\n\r\nbody"

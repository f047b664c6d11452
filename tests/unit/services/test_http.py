"""The HTTP server: what a client may send, and how long it may take."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from argosy.errors import Invalid
from argosy.services.http import listeners
from argosy.services.http.connection import Limits
from argosy.services.http.messages import FilePart, Request, Response
from argosy.services.http.server import Server

LIMITS = Limits(connections=3, head_s=60.0, stall_s=60.0)
Client = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def echo(request: Request) -> Response:
    """The path, the query and the body."""
    body = await request.read(1 << 20)
    return Response(200, body=f"{request.method} {request.path} {request.query} ".encode() + body)


def served(
    client: Client, handle: Callable[[Request], Awaitable[Response]] = echo, limits: Limits = LIMITS
) -> list[str]:
    """Run a client against a server; what the server logged."""
    log: list[str] = []

    async def work() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            ready = asyncio.Event()
            running = asyncio.create_task(Server(handle, log=log.append, limits=limits).run([listener], ready.set))
            await ready.wait()
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.getsockname()[1])
            try:
                await asyncio.wait_for(client(reader, writer), 60)
            finally:
                writer.close()
                os.kill(os.getpid(), 15)
                await running

    asyncio.run(work())
    return log


async def answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Status line and body."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    size = next((int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length:")), 0)
    return head.split(b"\r\n", 1)[0], await reader.readexactly(size)


def test_requests_follow_each_other() -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"GET /a%20b?x=1&x=2&y= HTTP/1.1\r\nHost: x\r\n\r\nPUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nok"
        )
        assert (await answer(reader))[1] == b"GET /a b {'x': '1', 'y': ''} "
        assert (await answer(reader))[1] == b"PUT / {} ok"
        writer.write(b"PUT /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")
        assert (await answer(reader))[1] == b"PUT /c {} abc"
        writer.write(b"PUT /d HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n")
        assert (await answer(reader))[0].startswith(b"HTTP/1.1 100")
        writer.write(b"d")
        assert (await answer(reader))[1] == b"PUT /d {} d"

    assert served(client) == []


def test_a_length_and_chunks_are_refused() -> None:
    """Who stands before us may see the end of the body elsewhere, and the rest as another request."""

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
        writer.write(b"GET /b HTTP/1.1\r\nHost: x\r\n\r\n")
        said = await reader.read()
        assert said.startswith(b"HTTP/1.1 400") and said.count(b"HTTP/1.1") == 1

    assert served(client) == []


def test_a_body_that_nobody_reads() -> None:
    """A short one is skipped; a long one ends the connection, behind the answer."""

    async def refuse(_request: Request) -> Response:
        return Response(403)

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            writer.write(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n123456789")
            assert (await answer(reader))[0] == b"HTTP/1.1 403 Forbidden"
        writer.write(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n" + b"x" * 300_000)
        assert (await answer(reader))[0] == b"HTTP/1.1 403 Forbidden"
        assert await reader.read() == b""

    assert served(client, refuse) == []


def test_files_and_heads(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789" * 100_000)
    parts: list[FilePart] = []

    async def file(_request: Request) -> Response:
        parts.append(FilePart(os.open(path, os.O_RDONLY), 5, 500_000))
        return Response(200, file=parts[-1])

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await answer(reader))[1] == path.read_bytes()[5:500_005]
        writer.write(b"HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        head = await reader.read()
        assert b"content-length: 500000\r\n" in head.lower()
        assert head.endswith(b"\r\n\r\n")

    assert served(client, file) == []
    assert [part.fd for part in parts] == [-1, -1]


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET / HTTP/1.1\r\nHo", b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1"],
    ids=["", "head", "body"],
)
def test_who_is_slow_is_let_go(sent: bytes) -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(sent)
        assert await reader.read() == b""

    assert served(client, limits=Limits(head_s=0.05, stall_s=0.05)) == []


def test_who_sends_a_body_byte_by_byte_is_let_go() -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        ended = asyncio.create_task(reader.read())
        while not ended.done():
            writer.write(b"1\r\nx\r\n")
            await asyncio.sleep(0.01)
        assert isinstance(ended.exception(), ConnectionResetError) or ended.result() == b""

    assert served(client, limits=Limits(head_s=60, stall_s=0.2)) == []


@pytest.mark.parametrize("limits", [LIMITS, Limits(per_address=3)], ids=["all", "one address"])
def test_there_is_room_for_so_many(limits: Limits) -> None:
    """Who sends no request makes room for the next one; who is being answered stays."""
    answering = asyncio.Event()
    begun = asyncio.Semaphore(0)

    async def handle(_request: Request) -> Response:
        begun.release()
        await answering.wait()
        return Response(200)

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = writer.get_extra_info("peername")
        silent = [(reader, writer), *[await asyncio.open_connection(host, port) for _ in range(2)]]
        busy = []
        for gone, _ in silent:
            busy.append(await asyncio.open_connection(host, port))
            busy[-1][1].write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert await gone.read() == b""
            await begun.acquire()
        late, last = await asyncio.open_connection(host, port)
        assert (await late.read()).startswith(b"HTTP/1.1 503")
        answering.set()
        for found, _ in busy:
            assert (await answer(found))[0] == b"HTTP/1.1 200 OK"
        for _, other in (*silent, *busy, (late, last)):
            other.close()

    assert served(client, handle, limits) == []


def test_a_handler_that_fails_ends_no_service() -> None:
    async def fail(request: Request) -> Response:
        raise KeyError(request.path)

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            writer.write(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
            assert await answer(reader) == (b"HTTP/1.1 500 Internal Server Error", b"internal error\n")

    assert served(client, fail) == ["GET /x: KeyError: '/x'"] * 2


@pytest.mark.parametrize(
    ("text", "found"),
    [("127.0.0.1:80", ("127.0.0.1", 80)), ("[::1]:0", ("::1", 0)), ("localhost:5000", ("localhost", 5000))],
)
def test_addresses(text: str, found: tuple[str, int]) -> None:
    assert listeners.parse_address(text) == found


@pytest.mark.parametrize(
    "text", ["", ":", "x", "x:", ":80", "::1:80", "x:65536", "x:-1", "x:1_0", "x:99999999999999999999999"]
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(Invalid):
        listeners.parse_address(text)

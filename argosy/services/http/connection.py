"""One connection: requests one after the other, each within bounds of time and size (RFC 9112, by h11)."""

from __future__ import annotations

import asyncio
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING

import h11

from argosy.services.http.messages import BadRequest, ClientGone, Request, Response
from argosy.values import Value
from argosy.version import VERSION

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from typing import Any

    from argosy.services.http.messages import FilePart, Handler

READ_BYTES = 256 << 10
_PIECE_BYTES = 4 << 20
_UNREAD_BYTES = 64 << 10
_LINGER_S = 5.0


class Limits(Value):
    """What a client may take up.

    A request's head must be complete `head_s` after the connection was ready for it; of a body, `least_bytes` or its
    end must come in `stall_s`, and as much may pass for each piece of one that is sent.  `per_address` is how many
    connections one address may have.
    """

    connections: int = 512
    per_address: int = 128
    least_bytes: int = 16 << 10
    head_bytes: int = 32 << 10
    head_s: float = 60.0
    stall_s: float = 60.0


class Connection:
    """A connection that was accepted; `serve` it once.  `busy` while a request is being answered.

    `address` is the client's, "" for one at a Unix socket.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        handle: Handler,
        limits: Limits,
        log: Callable[[str], None],
    ) -> None:
        self.busy = False
        peer = writer.get_extra_info("peername")
        self.address = str(peer[0]) if isinstance(peer, tuple) else ""
        self._reader = reader
        self._writer = writer
        self._handle = handle
        self._limits = limits
        self._log = log
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=limits.head_bytes)

    async def serve(self) -> None:
        """Answer requests until either side has had enough."""
        try:
            while await self._exchange():
                self._http.start_next_cycle()
            await self._linger()
        except (ClientGone, TimeoutError, OSError, h11.ProtocolError):
            pass  # nobody is left to be told
        finally:
            self._writer.close()

    async def _exchange(self) -> bool:
        """One request and its answer; whether another one may follow."""
        try:
            async with asyncio.timeout(self._limits.head_s):
                event = await self._event(self._limits.head_bytes)
            if not isinstance(event, h11.Request):
                return False
            self.busy = True
            request = self._request(event)
        except h11.RemoteProtocolError as error:
            await self._refuse(error.error_status_hint, str(error))
            return False
        except BadRequest as error:
            await self._refuse(400, str(error))
            return False
        await self._send(await self._answer(request), head=request.method == "HEAD")
        self.busy = False
        return await self._is_read()

    async def _answer(self, request: Request) -> Response:
        try:
            return await self._handle(request)
        except (ClientGone, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001 -- the edge: one request must not end the service
            self._log(f"{request.method} {request.path}: {type(error).__name__}: {error}")
            return Response(500, (("Content-Type", "text/plain"),), b"internal error\n")

    def _request(self, event: h11.Request) -> Request:
        if {b"content-length", b"transfer-encoding"} <= {name for name, _ in event.headers}:
            raise BadRequest("a request has a length or chunks")  # a proxy before us may see its end elsewhere
        headers = ((name.decode("ascii"), value.decode("latin-1")) for name, value in event.headers)
        return Request(event.method.decode("ascii"), event.target.decode("ascii"), headers, self._body)

    async def _body(self) -> AsyncIterator[bytes]:
        """The body of the request under way.  Raises ClientGone."""
        if self._http.they_are_waiting_for_100_continue:
            self._write(h11.InformationalResponse(status_code=100, headers=[]))
        now = asyncio.get_running_loop().time
        came, waited = 0, 0.0
        while self._http.their_state is h11.SEND_BODY:
            since = now()
            try:
                async with asyncio.timeout(self._limits.stall_s - waited):
                    event = await self._event()
            except (TimeoutError, OSError, h11.RemoteProtocolError) as error:
                raise ClientGone from error
            waited += now() - since
            if isinstance(event, h11.Data):
                came += len(event.data)
                if came >= self._limits.least_bytes:
                    came, waited = 0, 0.0
                yield bytes(event.data)

    async def _event(self, at_once: int = READ_BYTES) -> Any:
        while True:
            event = self._http.next_event()
            if event is not h11.NEED_DATA:
                return event
            self._http.receive_data(await self._reader.read(at_once))

    async def _send(self, response: Response, *, head: bool) -> None:
        try:
            self._write(self._head(response))
            if not head and response.file is not None:
                await self._send_file(response.file)
            elif not head and response.stream is not None:
                async for chunk in response.stream:
                    self._write(h11.Data(data=chunk))
                    await self._drain()
            elif not head and response.body:
                self._write(h11.Data(data=response.body))
            self._write(h11.EndOfMessage())
            await self._drain()
        finally:
            if response.file is not None:
                response.file.close()

    def _head(self, response: Response) -> h11.Response:
        headers = [("Date", formatdate(usegmt=True)), ("Server", f"argosy/{VERSION}"), *response.headers]
        if not any(name.lower() == "content-length" for name, _ in response.headers):
            size = len(response.body) if response.file is None else response.file.size
            if response.status not in (204, 304):
                headers.append(("Content-Length", str(size)))
        if self._http.they_are_waiting_for_100_continue:
            headers.append(("Connection", "close"))  # whether the body comes is for the client to say
        reason = HTTPStatus(response.status).phrase
        return h11.Response(
            status_code=response.status,
            reason=reason.encode(),
            headers=[(name.encode("ascii"), value.encode("latin-1")) for name, value in headers],
        )

    async def _send_file(self, part: FilePart) -> None:
        """The kernel copies the file to the socket; h11 only counts the bytes."""
        self._http.send_with_data_passthrough(h11.Data(data=_Length(part.size)))  # type: ignore[arg-type]
        await self._drain()
        loop = asyncio.get_running_loop()
        at, end = part.offset, part.offset + part.size
        with open(part.fd, "rb", buffering=0, closefd=False) as file:
            while at < end:
                async with asyncio.timeout(self._limits.stall_s):
                    sent = await loop.sendfile(self._writer.transport, file, at, min(_PIECE_BYTES, end - at))
                if not sent:
                    raise ClientGone  # the file is shorter than it was
                at += sent

    def _write(self, event: Any) -> None:
        data = self._http.send(event)
        if data:
            self._writer.write(data)

    async def _drain(self) -> None:
        async with asyncio.timeout(self._limits.stall_s):
            await self._writer.drain()

    async def _is_read(self) -> bool:
        """Whether the request was read to its end, so that the next one can follow; a short rest is skipped."""
        left = _UNREAD_BYTES
        if self._http.our_state is h11.DONE:
            while self._http.their_state is h11.SEND_BODY and left > 0:
                async with asyncio.timeout(self._limits.stall_s):
                    event = await self._event()
                left -= len(event.data) if isinstance(event, h11.Data) else 0
        return self._http.our_state is h11.DONE and self._http.their_state is h11.DONE

    async def _refuse(self, status: int, why: str) -> None:
        if self._http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return
        headers = (("Content-Type", "text/plain"), ("Connection", "close"))
        await self._send(Response(status, headers, f"{why}\n".encode()), head=False)

    async def _linger(self) -> None:
        """Read on for a moment: to close with bytes unread would take our answer from the client (RFC 9112, 9.6)."""
        if self._http.their_state is h11.SEND_BODY or self._http.their_state is h11.ERROR:
            if self._writer.can_write_eof():
                self._writer.write_eof()
            async with asyncio.timeout(_LINGER_S):
                while await self._reader.read(READ_BYTES):
                    pass


class _Length:
    """What stands for the bytes of a file where only their number counts."""

    def __init__(self, size: int) -> None:
        self._size = size

    def __len__(self) -> int:
        return self._size

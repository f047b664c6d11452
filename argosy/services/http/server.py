"""The server: listening sockets, one task for each connection, a tidy end on SIGTERM and SIGINT."""

from __future__ import annotations

import asyncio
import signal
import ssl
from typing import TYPE_CHECKING

from argosy.errors import ArgosyError
from argosy.services.http.connection import READ_BYTES, Connection, Limits

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence
    from typing import Any

    from argosy.services.http.messages import Handler

_BACKLOG = 512
_GRACE_S = 5.0
_HANDSHAKE_S = 20.0
_FULL = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 5\r\nConnection: close\r\n\r\n"


class Server:
    """Serves `handle` on sockets that listen; with `context`, TLS."""

    def __init__(
        self,
        handle: Handler,
        *,
        log: Callable[[str], None],
        limits: Limits = Limits(),  # noqa: B008 -- frozen
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._handle = handle
        self._log = log
        self._limits = limits
        self._context = context
        self._open: dict[asyncio.Task[Any], Connection] = {}

    async def run(self, listeners: Sequence[socket.socket], ready: Callable[[], None]) -> None:
        """Serve until a signal ends it; `ready` is called once connections are accepted."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._complain)
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        servers = [
            await asyncio.start_server(
                self._connected,
                sock=listener,
                limit=READ_BYTES,
                backlog=_BACKLOG,
                ssl=self._context,
                ssl_handshake_timeout=_HANDSHAKE_S if self._context else None,
            )
            for listener in listeners
        ]
        ready()
        await stop.wait()
        for server in servers:
            server.close()
        await self._end()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connection = Connection(reader, writer, self._handle, self._limits, self._log)
        if not self._has_room(connection.address):
            writer.write(_FULL)
            writer.close()
            return
        self._open[task] = connection
        try:
            await connection.serve()
        except asyncio.CancelledError:
            pass  # the server ends, or somebody else needs the place
        finally:
            self._open.pop(task, None)

    def _has_room(self, address: str) -> bool:
        """Whether one more client is let in; where all is taken, the oldest connection without a request makes room."""
        count = sum(one.address == address for one in self._open.values()) if address else 0
        full = len(self._open) >= self._limits.connections
        if not full and count < self._limits.per_address:
            return True
        for task, one in self._open.items():
            if not one.busy and (count < self._limits.per_address or one.address == address):
                task.cancel()
                del self._open[task]
                return True
        return False

    async def _end(self) -> None:
        """Let requests under way finish for a moment; nothing that was acknowledged depends on it."""
        for task, connection in self._open.items():
            if not connection.busy:
                task.cancel()
        if self._open:
            _, late = await asyncio.wait(tuple(self._open), timeout=_GRACE_S)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)

    def _complain(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What no request is to blame for: a TLS handshake that failed, say."""
        error = context.get("exception")
        if not isinstance(error, OSError):
            self._log(f"{context.get('message')}: {error!r}")


def tls_context(certificate: str, key: str) -> ssl.SSLContext:
    """TLS with the certificate and key in these files.  Raises ArgosyError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ArgosyError(f"cannot use the certificate {certificate} with the key {key}", details=reason) from error
    return context

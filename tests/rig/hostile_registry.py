"""A server that says whatever a test wants said: lies, cuts, stalls, redirects.  Plain HTTP, or TLS with a context."""

from __future__ import annotations

import http.server
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from tests.rig.registry import Image, sha256


@dataclass(frozen=True)
class Seen:
    """One request that came in; names of headers in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Exchange:
    """One request and the means to answer it."""

    def __init__(self, handler: http.server.BaseHTTPRequestHandler, seen: Seen, over: threading.Event) -> None:
        self.method = seen.method
        self.path = seen.path
        self.headers = seen.headers
        self.body = seen.body
        self._handler = handler
        self._over = over

    def answer(
        self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None, *, length: int | None = None
    ) -> None:
        """A whole answer; `length` lies about that of the body."""
        self.start(status, {"Content-Length": str(len(body) if length is None else length), **(headers or {})})
        self.send(body)

    def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Status and headers; the body follows with `send`."""
        self._handler.send_response(status)
        for name, value in headers.items():
            self._handler.send_header(name, value)
        self._handler.end_headers()

    def send(self, data: bytes) -> None:
        """Raw bytes on the connection."""
        self._handler.wfile.write(data)
        self._handler.wfile.flush()

    def hang_up(self, *, reset: bool = False) -> None:
        """Close the connection after what was sent; with `reset`, by an RST, which may overtake it."""
        self._handler.close_connection = True
        connection = self._handler.connection
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        else:
            connection.shutdown(socket.SHUT_WR)

    def peer_certificate(self) -> Any:
        """The client's certificate; None or empty when it showed none."""
        connection = self._handler.connection
        return connection.getpeercert() if isinstance(connection, ssl.SSLSocket) else None

    def stall(self) -> None:
        """Say nothing more until the test is over."""
        self._over.wait(60)
        self._handler.close_connection = True


Script = Callable[[Exchange], None]


class Hostile:
    """A running server.  Use it as a context manager; the script runs in a thread for each connection."""

    def __init__(self, script: Script, context: ssl.SSLContext | None = None) -> None:
        self.script = script
        self.seen: list[Seen] = []
        self.faults: list[BaseException] = []
        self._over = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 30

            def do(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                headers = {name.lower(): value for name, value in self.headers.items()}
                seen = Seen(self.command, self.path, headers, self.rfile.read(length))
                outer.seen.append(seen)
                try:
                    outer.script(Exchange(self, seen, outer._over))
                except OSError:
                    self.close_connection = True  # the client went away
                except BaseException as fault:
                    outer.faults.append(fault)
                    self.close_connection = True

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_CONNECT = do

            def log_message(self, *_arguments: Any) -> None:
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_arguments: Any) -> None:
                pass  # handshakes that the client breaks off

        self._server = Server(("127.0.0.1", 0), Handler)
        if context is not None:
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.name = f"localhost:{self._server.server_address[1]}"
        self.url = f"{'http' if context is None else 'https'}://{self.name}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        assert not self.faults, self.faults

    def authorizations(self) -> list[str]:
        """The credentials that were sent here, in order."""
        return [seen.headers["authorization"] for seen in self.seen if "authorization" in seen.headers]

    def paths(self) -> list[str]:
        """What was asked for, in order, the version check left out."""
        return [seen.path for seen in self.seen if seen.path != "/v2/"]


def serves(image: Image) -> Script:
    """An honest registry of one image, under any repository and tag; tests change it in places."""

    def script(exchange: Exchange) -> None:
        path = exchange.path.partition("?")[0]
        if path == "/v2/":
            exchange.answer(200, b"{}")
            return
        for one in (image, *image.children):
            if path.endswith((f"/manifests/{one.digest}", "/manifests/latest")):
                headers = {"Content-Type": one.media_type, "Docker-Content-Digest": sha256(one.manifest)}
                exchange.answer(200, one.manifest, headers)
                return
            blob = one.blobs.get(path.rpartition("/")[2])
            if blob is not None:
                exchange.answer(200, blob)
                return
        body = b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown","detail":{}}]}'
        exchange.answer(404, body, {"Content-Type": "application/json"})

    return script

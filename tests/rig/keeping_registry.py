"""A registry that keeps what it got of an upload that broke off, as the specification has it; it counts what came.

Debian's docker-registry cancels such an upload.  Plain HTTP, one process, everything in memory.
"""

from __future__ import annotations

import http.server
import threading
import urllib.parse
from typing import Any, Self

from tests.rig.registry import sha256

_BLOCK = 64 << 10


class KeepingRegistry:
    """The registry, as a context.  `received` counts the bytes of blobs; `largest` refuses longer requests (413).

    It reads no further than to `allowed` of them in all.
    """

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, bytes] = {}
        self.uploads: dict[str, bytearray] = {}
        self.received = 0
        self.allowed = 1 << 60
        self.owners: dict[str, object] = {}
        self.begun = 0
        self.largest = 1 << 60
        self.authorizations: list[str] = []
        self.misplaced = 0  # so many requests are told that they go on at the wrong place
        self.arrived = threading.Condition()
        outer = self

        class Handler(_Handler):
            registry = outer

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_arguments: Any) -> None:
                pass  # clients that are killed

        self._server = Server(("127.0.0.1", 0), Handler)
        self.name = f"localhost:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def allow(self, count: int) -> None:
        """Let so many more bytes of blobs in, and no more until the next call."""
        with self.arrived:
            self.allowed = self.received + count
            self.arrived.notify_all()

    def wait(self) -> None:
        """Return once all that is allowed has come."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: self.received >= self.allowed, 60)

    def take(self, name: str, owner: object, data: bytes) -> bool:
        """Append to an upload; false when somebody else goes on with it."""
        with self.arrived:
            self.arrived.wait_for(lambda: self.received < self.allowed or self.owners[name] is not owner, 60)
            if self.owners[name] is not owner:
                return False
            self.uploads[name] += data
            self.received += len(data)
            self.arrived.notify_all()
            return True

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    registry: KeepingRegistry
    protocol_version = "HTTP/1.1"

    def log_message(self, *_arguments: Any) -> None:
        pass

    def parse_request(self) -> bool:
        parsed = super().parse_request()
        if parsed and "Authorization" in self.headers:
            self.registry.authorizations.append(self.headers["Authorization"])
        return parsed

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        kind, _, name = self.path.rpartition("/")
        if "/blobs/uploads/" in self.path:
            with self.registry.arrived:
                self.registry.owners[name] = self
                self.registry.arrived.notify_all()
            found = self.registry.uploads.get(name)
            if found is None:
                self._answer(404)
            else:
                self._answer(204, Range=f"0-{max(len(found) - 1, 0)}", Location=self.path)
        elif self.path == "/v2/":
            self._answer(200)
        else:
            data = (self.registry.blobs if kind.endswith("/blobs") else self.registry.manifests).get(name)
            self._answer(404) if data is None else self._answer(200, data)

    def do_POST(self) -> None:
        self.registry.begun += 1
        name = f"u{self.registry.begun}"
        self.registry.uploads[name] = bytearray()
        self._answer(202, Location=f"{self.path.partition('?')[0]}{name}")

    def do_PATCH(self) -> None:
        name = self.path.rpartition("/")[2]
        length = int(self.headers["Content-Length"])
        start = int((self.headers["Content-Range"] or "0-").partition("-")[0])
        status = 202
        if length > self.registry.largest:
            status = 413
        elif self.registry.misplaced or start != len(self.registry.uploads[name]):
            self.registry.misplaced = max(self.registry.misplaced - 1, 0)
            status = 416
        if status != 202:
            self.rfile.read(length)
            self._answer(status)
            return
        self.registry.owners[name] = self
        while length and (data := self.rfile.read1(min(length, _BLOCK))) and self.registry.take(name, self, data):
            length -= len(data)
        if not length:
            self._answer(202, Location=self.path)

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if "/manifests/" in self.path:
            self.registry.manifests[self.path.rpartition("/")[2]] = body
            self._answer(201)
            return
        path, _, query = self.path.partition("?")
        digest = urllib.parse.parse_qs(query)["digest"][0]
        data = bytes(self.registry.uploads.pop(path.rpartition("/")[2]))
        if sha256(data) != digest:
            self._answer(400, b'{"errors":[{"code":"DIGEST_INVALID"}]}')
        else:
            self.registry.blobs[digest] = data
            self._answer(201)

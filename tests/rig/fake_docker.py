"""The part of a docker daemon that images are copied through: save and load on a unix socket, lists, removal."""

from __future__ import annotations

import http.server
import io
import json
import os
import socketserver
import tarfile
import threading
import urllib.parse
from typing import Any, Self


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Any
    protocol_version = "HTTP/1.1"

    def log_message(self, *_arguments: Any) -> None:
        pass

    def address_string(self) -> str:
        return "local"

    def do_GET(self) -> None:
        path = urllib.parse.unquote(self.path)
        archives: dict[str, bytes] = self.server.daemon.archives
        if path.startswith("/images/") and path.endswith("/get"):
            name = path.removeprefix("/images/").removesuffix("/get").removeprefix("docker.io/library/")
            data = archives.get(name)
            if data is None:
                self._answer(404, b'{"message":"reference does not exist"}')
            else:
                self._answer(200, data)
        elif path == "/images/json":
            self._answer(200, json.dumps([{"RepoTags": [name]} for name in archives]).encode())
        elif path == "/volumes":
            self._answer(200, json.dumps({"Volumes": self.server.daemon.volumes}).encode())
        else:
            self._answer(404, b'{"message":"page not found"}')

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.daemon.refuse:
            self._answer(200, b'{"errorDetail":{"message":"no space"},"error":"no space"}')
            return
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            member = archive.extractfile("manifest.json")
            assert member is not None
            for entry in json.load(member):
                for name in entry["RepoTags"]:
                    self.server.daemon.archives[name.removeprefix("docker.io/library/")] = data
        self._answer(200, b'{"stream":"Loaded image"}\n')

    def do_DELETE(self) -> None:
        name = urllib.parse.unquote(self.path).removeprefix("/images/").removeprefix("docker.io/library/")
        found = self.server.daemon.archives.pop(name, None)
        self._answer(404 if found is None else 200, b"[]" if found else b'{"message":"No such image"}')

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    daemon: FakeDocker


class FakeDocker:
    """A daemon at the socket `path`; a context.  `refuse` makes it fail behind a status of 200, as docker does."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.host = f"unix://{path}"
        self.archives: dict[str, bytes] = {}
        self.volumes: list[dict[str, Any]] = []
        self.refuse = False

    def __enter__(self) -> Self:
        self._server = _Server(self.path, _Handler)
        self._server.daemon = self
        os.chmod(self.path, 0o666)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        os.unlink(self.path)

"""The docker daemon's API, as far as images need it: an archive of an image out, an archive in, the lists.

The daemon is reached through its unix socket, or by TCP with or without TLS (Docker Engine API, /images).
"""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import urllib.parse

from argosy import jsontext
from argosy.errors import ArgosyError, Invalid, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

DEFAULT_HOST = "unix:///var/run/docker.sock"
_TIMEOUT_S = 600.0  # an answer to `load` takes as long as unpacking does
_BLOCK = 1 << 20
_ANSWER_LIMIT = 64 << 20
_TLS_FILES = ("ca.pem", "cert.pem", "key.pem")


class Daemon:
    """A docker daemon at `host` (unix://PATH, tcp://, http:// or https://HOST:PORT).  Nothing is sent yet.

    `cert_dir` has ca.pem, cert.pem and key.pem.  Raises Invalid for another kind of address.
    """

    def __init__(self, host: str = "", *, cert_dir: str = "", tls_verify: bool = True) -> None:
        self.host = host or DEFAULT_HOST
        self._cert_dir = cert_dir
        self._tls_verify = tls_verify
        scheme, separator, address = self.host.partition("://")
        if not separator or scheme not in ("unix", "tcp", "http", "https") or not address:
            raise Invalid("docker daemon", self.host, "it is written unix://PATH, tcp://HOST:PORT or http://HOST:PORT")
        self._scheme, self._address = scheme, address

    def save(self, name: str, what: str) -> Iterator[bytes]:
        """The archive of an image (GET /images/{name}/get).  Raises ArgosyError, which begins with `what`."""
        connection, answer = self._ask("GET", f"/images/{urllib.parse.quote(name, safe='/:@')}/get", what)
        try:
            while block := self._read(answer, what):
                yield block
        finally:
            connection.close()

    def load(self, fd: int, what: str) -> None:
        """Load an archive (POST /images/load) from the beginning of a regular file.

        The daemon's answer is 200 before it has unpacked: what went wrong is in a line of it.
        """
        os.lseek(fd, 0, os.SEEK_SET)
        headers = {"Content-Type": "application/x-tar", "Content-Length": str(os.fstat(fd).st_size)}
        with open(os.dup(fd), "rb") as body:
            connection, answer = self._ask("POST", "/images/load?quiet=1", what, headers, body)
        try:
            for line in self._whole(answer, what).splitlines():
                document = jsontext.decode(line, "the daemon's answer") if line.strip() else {}
                if isinstance(document, dict) and document.get("error"):
                    raise ArgosyError(what, details=f"the daemon says {shown(str(document['error']))}")
        finally:
            connection.close()

    def get(self, path: str, what: str) -> Any:
        """A document of the API."""
        connection, answer = self._ask("GET", path, what)
        try:
            return jsontext.decode(self._whole(answer, what), "the daemon's answer")
        finally:
            connection.close()

    def _ask(
        self, method: str, path: str, what: str, headers: Mapping[str, str] | None = None, body: Any = None
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        connection = self._connect()
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            if answer.status not in (200, 201, 204):
                raise ArgosyError(what, details=f"the daemon says {shown(_message(answer))}")
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise self._fault(what, error) from error
        except BaseException:
            connection.close()
            raise
        return connection, answer

    def _connect(self) -> http.client.HTTPConnection:
        if self._scheme == "unix":
            return _UnixConnection(self._address)
        if self._scheme == "http":
            return http.client.HTTPConnection(self._address, timeout=_TIMEOUT_S)
        return http.client.HTTPSConnection(self._address, timeout=_TIMEOUT_S, context=self._tls())

    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if not self._tls_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        authority, certificate, key = (f"{self._cert_dir}/{name}" for name in _TLS_FILES)
        try:
            if self._cert_dir and os.path.exists(authority):
                context.load_verify_locations(cafile=authority)
            if self._cert_dir and os.path.exists(certificate):
                context.load_cert_chain(certificate, key)
        except OSError as error:
            raise ArgosyError(f"cannot use the certificates in {self._cert_dir}", details=str(error)) from error
        return context

    def _read(self, answer: http.client.HTTPResponse, what: str) -> bytes:
        try:
            return answer.read1(_BLOCK)
        except (OSError, http.client.HTTPException) as error:
            raise self._fault(what, error) from error

    def _whole(self, answer: http.client.HTTPResponse, what: str) -> bytes:
        body = bytearray()
        while block := self._read(answer, what):
            body += block
            if len(body) > _ANSWER_LIMIT:
                raise ArgosyError(what, details="the daemon's answer does not end")
        return bytes(body)

    def _fault(self, what: str, error: Exception) -> ArgosyError:
        why = str(error.strerror).lower() if isinstance(error, OSError) and error.strerror else str(error)
        return ArgosyError(
            what,
            details=f"the docker daemon at {self.host} does not answer: {why}",
            hint="is it running, and may this user talk to it? another address is given with a --daemon-host flag",
        )


def _message(answer: http.client.HTTPResponse) -> str:
    try:
        document = jsontext.decode(answer.read(64 << 10))
    except (Invalid, OSError, http.client.HTTPException):
        return f"{answer.status} {answer.reason}"
    text = document.get("message") if isinstance(document, dict) else None
    return str(text or f"{answer.status} {answer.reason}")


class _UnixConnection(http.client.HTTPConnection):
    """A connection through a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("docker", timeout=_TIMEOUT_S, blocksize=256 << 10)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_TIMEOUT_S)
        self.sock.connect(self._path)

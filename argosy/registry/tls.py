"""TLS with registries: what a connection trusts, how it shows who we are, and what goes wrong.  A home of `ssl`.

Imported where TLS is spoken only: `ssl` takes as long as a whole copy of a small image.
"""

from __future__ import annotations

import socket
import ssl

from argosy.errors import ArgosyError
from argosy.registry.faults import Unreachable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.registry.http import Connection
    from argosy.registry.wire import Socket

_RECORD_BYTES = 64 << 10
_PLAIN_ANSWERS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE")


def context(connection: Connection, *, client: bool) -> ssl.SSLContext:
    """The system's authorities and the registry's own; our certificates when `client`.

    Where nothing is verified the authorities are not read either, which takes longer than most requests.
    """
    if connection.insecure:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    else:
        made = default_context()
    made.set_alpn_protocols(["http/1.1"])
    for path in connection.certificates.authorities:
        try:
            made.load_verify_locations(cafile=path)
        except OSError as error:  # ssl.SSLError is one
            raise ArgosyError(f"cannot use the certificate authority {path}", details=_reason(error)) from error
    for certificate, key in connection.certificates.client if client else ():
        try:
            made.load_cert_chain(certificate, key, password="")
        except OSError as error:
            raise ArgosyError(f"cannot use the client certificate {certificate}", details=_reason(error)) from error
    return made


def default_context() -> ssl.SSLContext:
    """The system's authorities."""
    return ssl.create_default_context()


def wrap(connection: Socket, context: ssl.SSLContext, host: str) -> Socket:
    """Speak TLS over a connection, which may be one of TLS itself.  Raises OSError (ssl.SSLError is one)."""
    name = host.strip("[]").partition("%")[0]
    if isinstance(connection, socket.socket) and not isinstance(connection, ssl.SSLSocket):
        return context.wrap_socket(connection, server_hostname=name)
    return _Nested(connection, context, name)


class _Nested:
    """TLS inside of a connection of TLS: with a registry, through a proxy that is spoken to with TLS."""

    def __init__(self, outer: Socket, context: ssl.SSLContext, name: str) -> None:
        self._outer = outer
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._inner = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        while True:
            try:
                self._inner.do_handshake()
            except ssl.SSLWantReadError:
                self._exchange()
            else:
                self._flush()
                return

    def sendall(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self._inner.write(view) :]
            self._flush()

    def recv(self, size: int) -> bytes:
        while True:
            try:
                return self._inner.read(size)
            except ssl.SSLWantReadError:
                self._exchange()
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""

    def close(self) -> None:
        self._outer.close()

    def fileno(self) -> int:
        return self._outer.fileno()

    def pending(self) -> int:
        return self._inner.pending() + self._incoming.pending

    def _flush(self) -> None:
        if self._outgoing.pending:
            self._outer.sendall(self._outgoing.read())

    def _exchange(self) -> None:
        """Send what is to be sent, and take in what comes."""
        self._flush()
        data = self._outer.recv(_RECORD_BYTES)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()


def fault(host: str, error: OSError, insecure_hint: str) -> Unreachable | None:
    """What an error of TLS means; None for any other error."""
    if not isinstance(error, ssl.SSLError):
        return None
    if isinstance(error, ssl.SSLCertVerificationError):
        why = f"its certificate cannot be verified: {error.verify_message}"
        hint = f"put the authority's certificate into /etc/containers/certs.d/{host}/ca.crt; see `argosy doctor clock`"
        return Unreachable(host, why, hint=hint, transient=False)
    if isinstance(error, ssl.SSLEOFError):
        return Unreachable(host, "the connection broke off while TLS was spoken", hint=_client_hint(host))
    reason = (error.reason or str(error)).upper()
    if any(words in reason for words in _PLAIN_ANSWERS):
        why = "server gave HTTP response to HTTPS client"
        return Unreachable(host, why, hint=insecure_hint, transient=False, plain=True)
    if "CERTIFICATE_REQUIRED" in reason or "HANDSHAKE_FAILURE" in reason:
        return Unreachable(host, f"TLS: {_words(reason)}", hint=_client_hint(host), transient=False)
    return Unreachable(host, f"TLS: {_words(reason)}", transient="EOF" in reason)


def _words(reason: str) -> str:
    return reason.replace("_", " ").lower()


def _client_hint(host: str) -> str:
    return f"if it asks for a client certificate, put NAME.cert and NAME.key into /etc/containers/certs.d/{host}/"


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or "not a PEM file").replace("_", " ").lower()
    return error.strerror or str(error)

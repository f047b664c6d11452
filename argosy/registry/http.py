"""HTTP for registries: connections that are used again, redirects, and what goes wrong.

One `Http` speaks for one registry.  Secrets (Authorization, client certificates) go to that registry's host alone: a
redirect to another one is followed without them, and without going back to them.  From HTTPS no redirect leads to plain
HTTP unless the registry is configured insecure.  A registry elsewhere leads nobody to this host's own address, nor to
the link's (cloud metadata), where services trust who can reach them.  The protocol itself is in `registry.wire`.
"""

from __future__ import annotations

import errno
import select
import socket
import threading
import time
import weakref

from argosy.config.certs import Certificates
from argosy.errors import shown
from argosy.registry import dial, proxies
from argosy.registry.faults import RegistryError, Stalled, TooLarge, Unreachable, Untrue
from argosy.registry.proxies import Proxies
from argosy.registry.urls import Origin, join, origin_of, split
from argosy.registry.wire import BadAnswer, BodyReader, Wire
from argosy.values import Value
from argosy.version import VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from ssl import SSLContext
    from typing import Self

    from argosy.registry.proxies import Proxy
    from argosy.registry.streams import Body
    from argosy.registry.wire import Head, Socket

_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_REDIRECT_LIMIT = 10
_IDLE_LIMIT = 16
_PROXY_WANTS_LOGIN = 407
_DRAIN_LIMIT = 64 << 10
_RETRY_AFTER_UNKNOWN_S = 5.0
_HEADERS = {"User-Agent": f"argosy/{VERSION}", "Accept-Encoding": "identity"}


class Connection(Value):
    """How to connect.  `insecure` permits plain HTTP and unverified certificates; `timeout_s` is without any byte.

    `foreign`: an image names the host, and no user; it is not to be one of those that only we reach.  `public`: nor is
    any host that we are led to, or this one itself, to be at a private address (a proxy finds the addresses itself).
    """

    insecure: bool = False
    foreign: bool = False
    public: bool = False
    certificates: Certificates = Certificates()
    proxies: Proxies = Proxies()
    timeout_s: float = 30.0
    connect_timeout_s: float = 30.0


class Http:
    """Requests to one registry (host[:port]) and to where it redirects.  Safe to use from several threads."""

    def __init__(self, registry: str, connection: Connection) -> None:
        self.registry = registry
        self.connection = connection
        self._idle: dict[Origin, list[Wire]] = {}
        self._contexts: dict[bool, SSLContext] = {}
        self.near: bool | None = None  # whether the registry itself is at an address of this host or link
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close idle connections; those of answers being read close with them."""
        with self._lock:
            idle, self._idle = self._idle, {}
        for wires in idle.values():
            for wire in wires:
                wire.close()

    def request(
        self,
        url: str,
        headers: Mapping[str, str],
        *,
        secrets: Mapping[str, str] | None = None,
        method: str = "GET",
        body: Body | None = None,
        body_is_secret: bool = False,
    ) -> Answer:
        """Send a request, following redirects, and return the answer to be read and closed.

        `secrets` are headers for the URL's own origin only.  `body` gives the body from its start: it is called for
        each time that it is sent, and where it is secret, Untrue is raised for a redirect to another origin.  After a
        redirect other than 307 and 308, the request is a GET without a body.
        Raises RegistryError when there is no answer.
        """
        home = origin_of(url)
        if home.scheme == "http" and not self.connection.insecure:
            raise Untrue(f"{shown(url)} is plain HTTP", hint=_insecure_hint(self.registry))
        for _ in range(_REDIRECT_LIMIT):
            origin = origin_of(url)
            if origin != home:
                secrets = None
                if body_is_secret and body is not None:
                    raise Untrue(f"{home} sends what is secret on to another host", details=shown(str(origin)))
            answer = self._once(method, url, origin, {**_HEADERS, **headers, **(secrets or {})}, body)
            location = answer.header("Location")
            if answer.status not in _REDIRECTS or not location:
                return answer
            answer.drain()
            url = self._target(url, location, origin)
            if answer.status not in (307, 308) and method != "HEAD":
                method, body = "GET", None
        raise Untrue(f"the registry {self.registry} redirects more than {_REDIRECT_LIMIT} times")

    def _target(self, url: str, location: str, origin: Origin) -> str:
        target = join(url, location)
        scheme = origin_of(target).scheme
        if origin.scheme == "https" and scheme == "http" and not self.connection.insecure:
            raise Untrue(f"the registry {self.registry} redirects from HTTPS to plain HTTP", details=shown(target))
        return target

    def _once(self, method: str, url: str, origin: Origin, headers: Mapping[str, str], body: Body | None) -> Answer:
        _, _, target = split(url)
        proxy = self._proxy(origin)
        if proxy is not None and origin.scheme == "http":
            target = f"http://{origin}{target}"
            headers = {**headers, **proxy.headers()}
        try:
            wire = self._taken(origin) or self._connected(origin, proxy)
        except (dial.ProxyFailed, dial.NotConnected, OSError) as error:
            raise self.fault(error, origin) from error
        try:
            head = wire.ask(method, target, {"Host": str(origin), **headers}, None if body is None else body())
        except (OSError, ValueError, BadAnswer) as error:
            wire.close()
            raise self.fault(error, origin) from error
        except BaseException:
            wire.close()
            raise
        if proxy is not None and origin.scheme == "http" and head.status == _PROXY_WANTS_LOGIN:
            wire.close()
            raise self.fault(dial.ProxyFailed(f"it answers with the status {head.status}"), origin)
        return Answer(self, wire, head, origin, url)

    def _proxy(self, origin: Origin) -> Proxy | None:
        url = self.connection.proxies.url_for(origin.scheme, origin.host, origin.port)
        return proxies.parse(url) if url else None

    def _connected(self, origin: Origin, proxy: Proxy | None) -> Wire:
        """A new connection to an origin, or to the proxy that a request of plain HTTP is to go to."""
        connect_s, timeout_s = self.connection.connect_timeout_s, self.connection.timeout_s
        context = self._context(own=self._is_own(origin)) if origin.scheme == "https" else None
        made: Socket
        if proxy is None:
            made = plain = dial.plain(origin.host, origin.port, connect_s, timeout_s, public=self.connection.public)
            self._watch(origin, plain)
        else:
            if self.connection.public:
                dial.refuse_private(origin.host)
            made = dial.through(proxy, connect_s, timeout_s)
            if origin.scheme == "https":
                dial.tunnel(made, proxy, origin.host, origin.port)
        if context is not None:
            made = dial.secured(made, origin.host, context)
        wire = Wire(made)
        weakref.finalize(wire, made.close)  # a connection that nobody has ends
        return wire

    def _watch(self, origin: Origin, made: socket.socket) -> None:
        """Raise Untrue, and close the connection, where a registry elsewhere has led us to this host or link."""
        near = dial.is_near(made)
        if self._is_own(origin) and not self.connection.foreign:
            self.near = near and self.near is not False  # who has been elsewhere may have changed its address
        elif near and not self.near:
            made.close()
            what = "the image" if self.connection.foreign else f"the registry {self.registry}"
            raise Untrue(f"{what} leads to {origin}, which is an address of this host or its link")

    def _is_own(self, origin: Origin) -> bool:
        """Whether this is the registry's own host, which our certificates are for."""
        return str(origin) == str(origin_of(f"{origin.scheme}://{self.registry}/"))

    def _context(self, *, own: bool) -> SSLContext:
        from argosy.registry import tls

        with self._lock:
            if own not in self._contexts:
                self._contexts[own] = tls.context(self.connection, client=own)
            return self._contexts[own]

    def _taken(self, origin: Origin) -> Wire | None:
        """An idle connection that the server has not closed."""
        while True:
            with self._lock:
                wires = self._idle.get(origin)
                if not wires:
                    return None
                wire = wires.pop()
            if not _has_something(wire):
                return wire
            wire.close()

    def keep(self, origin: Origin, wire: Wire) -> None:
        """Take back a connection whose last answer was read to its end."""
        with self._lock:
            wires = self._idle.setdefault(origin, [])
            if len(wires) < _IDLE_LIMIT:
                wires.append(wire)
                return
        wire.close()

    def fault(self, error: Exception, origin: Origin) -> RegistryError:
        """The error to raise for one of a connection's."""
        host = str(origin)
        if isinstance(error, dial.ProxyFailed):
            hint = "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY"
            return Unreachable(host, f"the proxy does not work: {shown(str(error))[1:-1]}", hint=hint)
        if isinstance(error, dial.NotConnected):
            return self._not_connected(host, error)
        if isinstance(error, TimeoutError) and error.errno is None:
            return Stalled(host, self.connection.timeout_s)
        if isinstance(error, BadAnswer):
            return Unreachable(host, f"the connection broke off: {error}")
        if isinstance(error, OSError):  # a certificate that cannot be verified is a ValueError as well
            return self._broken(host, error)
        return Untrue(f"the request to {host} cannot be made: {error}")

    def _not_connected(self, host: str, error: dial.NotConnected) -> Unreachable:
        cause = error.cause
        if error.timed_out:
            return Unreachable(host, f"no connection within {self.connection.connect_timeout_s:g} s")
        if isinstance(cause, socket.gaierror):
            hint = "check the name, and the network's DNS: `argosy doctor dns`"
            return Unreachable(host, "no such host", hint=hint, transient=cause.errno == socket.EAI_AGAIN)
        if cause.errno == errno.ECONNREFUSED:
            return Unreachable(host, "connection refused", hint="is the registry running, and is this its port?")
        return self._broken(host, cause)

    def _broken(self, host: str, error: OSError) -> Unreachable:
        if self._contexts:
            from argosy.registry import tls

            found = tls.fault(host, error, _insecure_hint(host))
            if found is not None:
                return found
        return Unreachable(host, (error.strerror or str(error)).lower())


class Answer:
    """An answer whose body is still to be read.  Close it, or read it to its end."""

    def __init__(self, http: Http, wire: Wire, head: Head, origin: Origin, url: str) -> None:
        self.status = head.status
        self.origin = origin
        self.url = url
        self._http = http
        self._head = head
        self._wire: Wire | None = wire
        self._body = BodyReader(wire, head)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def header(self, name: str) -> str:
        """The value of a header; "" when there is none."""
        return ", ".join(self._head.all(name))

    def headers(self, name: str) -> list[str]:
        """The values of all headers of this name."""
        return self._head.all(name)

    def read1(self, size: int) -> bytes:
        """What has come, at most `size` bytes; waits for the first one.  b"" at the end.  Raises RegistryError."""
        try:
            return self._body.read1(size)
        except (OSError, BadAnswer) as error:
            raise self._http.fault(error, self.origin) from error

    def body(self, limit: int, what: str, *, time_s: float = 120.0) -> bytes:
        """The whole body; TooLarge when it is longer than `limit`, Stalled when it drips for longer than `time_s`."""
        deadline = time.monotonic() + time_s
        length = self.content_length()
        if length is not None and length > limit:
            raise TooLarge(what, str(self.origin), limit)
        body = bytearray()
        while data := self.read1(min(limit + 1 - len(body), 256 << 10)):
            body += data
            if len(body) > limit:
                raise TooLarge(what, str(self.origin), limit)
            if time.monotonic() > deadline:
                raise Stalled(str(self.origin), time_s)
        return bytes(body)

    def content_length(self) -> int | None:
        """The length that the answer declares; None when it declares none that is a number."""
        text = self.header("Content-Length").strip()
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else None

    def retry_after_s(self) -> float:
        """How long the registry wants to be left alone: Retry-After in seconds or as a date; 0 when it does not say."""
        text = self.header("Retry-After").strip()
        if not text:
            return 0.0
        if text.isascii() and text.isdecimal() and len(text) < 10:
            return float(text)
        from email.utils import parsedate_to_datetime

        try:
            return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
        except (ValueError, OverflowError):
            return _RETRY_AFTER_UNKNOWN_S

    def drain(self) -> None:
        """Be done with the answer: keep the connection if little is left to read, else close it."""
        try:
            left = _DRAIN_LIMIT
            while left > 0 and (data := self.read1(left)):
                left -= len(data)
        except RegistryError:
            pass
        self.close()

    def close(self) -> None:
        """Give the connection back if the body was read to its end, else close it.  May be called twice."""
        wire, self._wire = self._wire, None
        if wire is None:
            return
        if self._head.keeps and self._body.ended and not wire.has_more():
            self._http.keep(self.origin, wire)
        else:
            wire.close()


def _has_something(wire: Wire) -> bool:
    """Whether an idle connection has something to read, which is its end, or what nobody asked for."""
    poll = select.poll()
    poll.register(wire.socket.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _insecure_hint(host: str) -> str:
    return f"if it has no TLS, use --tls-verify=false, or insecure = true for {host} in registries.conf"

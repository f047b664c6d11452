"""HTTP for registries, on urllib3: connections, TLS, proxies, redirects.  The only home of `ssl` but for the services.

One `Http` speaks for one registry.  Secrets (Authorization, client certificates) go to that registry's host alone: a
redirect to another one is followed without them, and without going back to them.  From HTTPS no redirect leads to plain
HTTP unless the registry is configured insecure.
"""

from __future__ import annotations

import errno
import socket
import ssl
import threading
import time
import urllib.parse

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    InsecureRequestWarning,
    LocationParseError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)

from argosy.config.certs import Certificates
from argosy.errors import shown
from argosy.registry import tls
from argosy.registry.faults import RegistryError, Stalled, TooLarge, Unreachable, Untrue
from argosy.registry.proxies import Proxies
from argosy.values import Value
from argosy.version import VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from argosy.registry.streams import Body

_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_REDIRECT_LIMIT = 10
_CONNECTIONS = 16
_SEND_BLOCK_BYTES = 256 << 10  # http.client's 16 KiB take four times as long
_DRAIN_LIMIT = 64 << 10
_RETRY_AFTER_UNKNOWN_S = 5.0
_HEADERS = {"User-Agent": f"argosy/{VERSION}", "Accept-Encoding": "identity"}


class Origin(Value):
    """Scheme, host and port: what must be equal for secrets to be sent."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        default = {"http": 80, "https": 443}[self.scheme]
        return self.host if self.port == default else f"{self.host}:{self.port}"


class Connection(Value):
    """How to connect.  `insecure` permits plain HTTP and unverified certificates; `timeout_s` is without any byte."""

    insecure: bool = False
    certificates: Certificates = Certificates()
    proxies: Proxies = Proxies()
    timeout_s: float = 30.0
    connect_timeout_s: float = 30.0


def origin_of(url: str) -> Origin:
    """The origin of an absolute http or https URL; Untrue for any other."""
    try:
        parsed = urllib3.util.parse_url(url)
    except LocationParseError:
        raise Untrue(f"{shown(url)} is not a URL") from None
    scheme = (parsed.scheme or "").lower()
    if scheme not in ("http", "https") or not parsed.host:
        raise Untrue(f"{shown(url)} is not a URL of http or https")
    return Origin(scheme, parsed.host.lower(), parsed.port or (443 if scheme == "https" else 80))


def join(base: str, target: str) -> str:
    """The URL that `target`, a link or a Location, means in an answer from `base`; Untrue when it means none."""
    try:
        return urllib.parse.urljoin(base, target)
    except ValueError:
        raise Untrue(f"{shown(target)} is not a URL") from None


class Http:
    """Requests to one registry (host[:port]) and to where it redirects.  Safe to use from several threads."""

    def __init__(self, registry: str, connection: Connection) -> None:
        self.registry = registry
        self.connection = connection
        self._pools: dict[tuple[str, bool], urllib3.PoolManager] = {}
        self._lock = threading.Lock()
        if connection.insecure:
            urllib3.disable_warnings(InsecureRequestWarning)  # the user has asked for it

    def close(self) -> None:
        """Close idle connections; those of answers being read close with them."""
        with self._lock:
            pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.clear()

    def request(
        self,
        url: str,
        headers: Mapping[str, str],
        *,
        secrets: Mapping[str, str] | None = None,
        method: str = "GET",
        body: Body | None = None,
    ) -> Answer:
        """Send a request, following redirects, and return the answer to be read and closed.

        `secrets` are headers for the URL's own origin only.  `body` gives the body from its start: it is called for
        each time that it is sent.  After a redirect other than 307 and 308, the request is a GET without a body.
        Raises RegistryError when there is no answer.
        """
        home = origin_of(url)
        if home.scheme == "http" and not self.connection.insecure:
            raise Untrue(f"{shown(url)} is plain HTTP", hint=_insecure_hint(self.registry))
        for _ in range(_REDIRECT_LIMIT):
            origin = origin_of(url)
            if origin != home:
                secrets = None
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
        own = str(origin) == str(self._registry_origin(origin.scheme))
        timeout = urllib3.Timeout(connect=self.connection.connect_timeout_s, read=self.connection.timeout_s)
        try:
            response = self._pool(origin, own=own).urlopen(
                method,
                url,
                body=None if body is None else body(),
                headers=dict(headers),
                timeout=timeout,
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
        except (HTTPError, OSError, ValueError) as error:
            raise self.fault(error, origin) from error
        return Answer(self, response, origin, url)

    def _registry_origin(self, scheme: str) -> Origin:
        return origin_of(f"{scheme}://{self.registry}/")

    def _pool(self, origin: Origin, *, own: bool) -> urllib3.PoolManager:
        """The pool for this origin: `own` ones present our certificates, others do not."""
        proxy = self.connection.proxies.url_for(origin.scheme, origin.host, origin.port)
        with self._lock:
            pool = self._pools.get((proxy, own))
            if pool is None:
                pool = self._pools[proxy, own] = self._new_pool(proxy, own=own)
        return pool

    def _new_pool(self, proxy: str, *, own: bool) -> urllib3.PoolManager:
        context = tls.context(self.connection, client=own)
        if not proxy:
            return urllib3.PoolManager(
                num_pools=8, maxsize=_CONNECTIONS, ssl_context=context, blocksize=_SEND_BLOCK_BYTES
            )
        auth = urllib3.util.parse_url(proxy).auth
        return urllib3.ProxyManager(
            proxy,
            num_pools=8,
            maxsize=_CONNECTIONS,
            ssl_context=context,
            blocksize=_SEND_BLOCK_BYTES,
            proxy_headers=urllib3.make_headers(proxy_basic_auth=urllib.parse.unquote(auth)) if auth else None,
        )

    def fault(self, error: Exception, origin: Origin) -> RegistryError:
        """The error to raise for one of urllib3's or the system's."""
        host = str(origin)
        if isinstance(error, RegistryError):
            return error
        if isinstance(error, (NewConnectionError, ProxyError)):
            return _no_connection(host, error)
        if isinstance(error, ConnectTimeoutError):
            return Unreachable(host, f"no connection within {self.connection.connect_timeout_s:g} s")
        if isinstance(error, (ReadTimeoutError, TimeoutError)):
            return Stalled(host, self.connection.timeout_s)
        if isinstance(error, (SSLError, ssl.SSLError)):
            return _tls_fault(host, error)
        if isinstance(error, ValueError) and not isinstance(error, HTTPError):
            return Untrue(f"the request to {host} cannot be made: {error}")
        return _broken(host, error)


class Answer:
    """An answer whose body is still to be read.  Close it, or read it to its end."""

    def __init__(self, http: Http, response: urllib3.BaseHTTPResponse, origin: Origin, url: str) -> None:
        self.status = response.status
        self.origin = origin
        self.url = url
        self._http = http
        self._response = response

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def header(self, name: str) -> str:
        """The value of a header; "" when there is none."""
        return self._response.headers.get(name, "")

    def headers(self, name: str) -> list[str]:
        """The values of all headers of this name."""
        return self._response.headers.getlist(name)

    def read1(self, size: int) -> bytes:
        """What has come, at most `size` bytes; waits for the first one.  b"" at the end.  Raises RegistryError."""
        try:
            return self._response.read1(size, decode_content=False)
        except (HTTPError, OSError, ValueError) as error:
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
        """Give the connection back if the body was read to its end, else close it."""
        if self._response.length_remaining != 0:
            self._response.close()
        self._response.release_conn()


def _tls_fault(host: str, error: Exception) -> Unreachable:
    inner = _tls_error(error)
    if isinstance(inner, ssl.SSLCertVerificationError):
        why = f"its certificate cannot be verified: {inner.verify_message}"
        hint = f"put the authority's certificate into /etc/containers/certs.d/{host}/ca.crt; see `argosy doctor clock`"
        return Unreachable(host, why, hint=hint, transient=False)
    if isinstance(inner, ssl.SSLEOFError):
        return Unreachable(host, "the connection broke off while TLS was spoken", hint=_client_hint(host))
    reason = (getattr(inner, "reason", None) or str(error)).upper()
    if "WRONG_VERSION_NUMBER" in reason or "HTTP_REQUEST" in reason or "RECORD_LAYER_FAILURE" in reason:
        why = "server gave HTTP response to HTTPS client"
        return Unreachable(host, why, hint=_insecure_hint(host), transient=False, plain=True)
    if "CERTIFICATE_REQUIRED" in reason or "HANDSHAKE_FAILURE" in reason:
        return Unreachable(host, f"TLS: {_words(reason)}", hint=_client_hint(host), transient=False)
    return Unreachable(host, f"TLS: {_words(reason)}", transient="EOF" in reason)


def _words(reason: str) -> str:
    return reason.replace("_", " ").lower()


def _client_hint(host: str) -> str:
    return f"if it asks for a client certificate, put NAME.cert and NAME.key into /etc/containers/certs.d/{host}/"


def _tls_error(error: Exception) -> ssl.SSLError | None:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLError):
            return seen
        inner = next((arg for arg in seen.args if isinstance(arg, BaseException)), None)
        seen = inner or seen.__cause__ or seen.__context__
    return None


def _system_error(error: BaseException) -> OSError | None:
    """The system's error inside one of urllib3's."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and not isinstance(seen, ssl.SSLError):
            return seen
        inner = next((arg for arg in seen.args if isinstance(arg, BaseException)), None)
        seen = inner or seen.__cause__ or seen.__context__
    return None


def _no_connection(host: str, error: NewConnectionError | ProxyError) -> Unreachable:
    if isinstance(error, ProxyError):
        why = str(_system_error(error) or error.original_error)
        hint = "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY"
        return Unreachable(host, f"the proxy does not work: {shown(why)[1:-1]}", hint=hint)
    if isinstance(error, NameResolutionError):
        cause = error.__cause__ or error.__context__
        code = cause.errno if isinstance(cause, socket.gaierror) else 0
        hint = "check the name, and the network's DNS: `argosy doctor dns`"
        return Unreachable(host, "no such host", hint=hint, transient=code == socket.EAI_AGAIN)
    system = _system_error(error)
    if system is not None and system.errno == errno.ECONNREFUSED:
        return Unreachable(host, "connection refused", hint="is the registry running, and is this its port?")
    return _broken(host, error)


def _broken(host: str, error: Exception) -> Unreachable:
    """A connection that failed in any other way."""
    system = _system_error(error)
    if system is not None and system.errno is not None:
        return Unreachable(host, (system.strerror or str(system)).lower())
    if isinstance(error, ProtocolError) and "IncompleteRead" in str(error):
        return Unreachable(host, "the connection broke off in the middle of an answer")
    if isinstance(error, ProtocolError):
        return Unreachable(host, f"the connection broke off: {shown(str(error.args[-1]))[1:-1]}")
    return Unreachable(host, shown(str(error))[1:-1])


def _insecure_hint(host: str) -> str:
    return f"if it has no TLS, use --tls-verify=false, or insecure = true for {host} in registries.conf"

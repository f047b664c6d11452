"""Connections to where a request goes: directly or through a proxy, plain or with TLS."""

from __future__ import annotations

import socket

from argosy.registry.faults import Private
from argosy.registry.proxies import Proxy
from argosy.registry.wire import BadAnswer, Wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ssl import SSLContext

    from argosy.registry.wire import Socket

# What an IPv6 address begins with that ends in an IPv4 address: mapped, compatible, translated (RFC 4291, 2765, 6052).
_CARRIERS = tuple(
    bytes.fromhex(text) for text in ("00" * 10 + "ffff", "00" * 12, "00" * 8 + "ffff0000", "0064ff9b" + "00" * 8)
)


class NotConnected(Exception):
    """No connection was made: within the time, where `timed_out`."""

    def __init__(self, cause: OSError) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.timed_out = isinstance(cause, TimeoutError) and cause.errno is None


class ProxyFailed(Exception):
    """The proxy cannot be reached, or does not connect us."""


def plain(host: str, port: int, connect_timeout_s: float, timeout_s: float, *, public: bool = False) -> socket.socket:
    """A connection to a host.  Raises NotConnected; Private where `public` and the host has a private address."""
    try:
        name = public_address(host, port) if public else _resolvable(host)
        made = socket.create_connection((name, port), connect_timeout_s)  # type: ignore[arg-type]  # bytes do
    except (OSError, UnicodeError) as error:
        cause = error if isinstance(error, OSError) else socket.gaierror(socket.EAI_NONAME, str(error))
        raise NotConnected(cause) from error
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    made.settimeout(timeout_s)
    return made


def public_address(host: str, port: int) -> str:
    """An address of a host that has public ones only; nothing is sent there.  Raises Private, socket.gaierror."""
    found = socket.getaddrinfo(_resolvable(host), port, type=socket.SOCK_STREAM)
    return _public(host, [str(address[0]) for _, _, _, _, address in found])[0]


def refuse_private(host: str) -> None:
    """Raise Private where the host is written as such an address: a proxy looks up names itself."""
    try:
        found = socket.getaddrinfo(_resolvable(host), None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        found = []
    _public(host, [str(address[0]) for _, _, _, _, address in found] or ["127.0.0.1"] * (host == "localhost"))


def _public(host: str, addresses: list[str]) -> list[str]:
    if all(map(_is_public, addresses)):
        return addresses
    raise Private(host)


def _is_public(text: str) -> bool:
    """Whether this is an address of one host of the internet; of one that carries an IPv4 address, whether that is."""
    import ipaddress

    address = ipaddress.ip_address(text.partition("%")[0])
    if address.version == 6 and address.packed[:12] in _CARRIERS:
        address = ipaddress.ip_address(address.packed[12:])
    return address.is_global and not (address.is_multicast or getattr(address, "is_site_local", False))


def is_near(connection: socket.socket) -> bool:
    """Whether the other end is this host by a loopback address, or has one of the link alone."""
    address = str(connection.getpeername()[0]).lower().removeprefix("::ffff:")
    return address.startswith(("127.", "169.254.", "fe8", "fe9", "fea", "feb")) or address == "::1"


def through(proxy: Proxy, connect_timeout_s: float, timeout_s: float) -> Socket:
    """A connection to a proxy.  Raises ProxyFailed."""
    try:
        made = plain(proxy.host, proxy.port, connect_timeout_s, timeout_s)
    except NotConnected as error:
        raise ProxyFailed(error.cause.strerror or str(error)) from error
    if not proxy.secure:
        return made
    from argosy.registry import tls

    try:
        return tls.wrap(made, tls.default_context(), proxy.host)
    except OSError as error:
        made.close()
        raise ProxyFailed(error.strerror or str(error)) from error


def secured(plain: Socket, host: str, context: SSLContext) -> Socket:
    """TLS with `host` over a connection, which is closed when that fails.  Raises OSError (ssl.SSLError is one)."""
    from argosy.registry import tls

    try:
        return tls.wrap(plain, context, host)
    except BaseException:
        plain.close()
        raise


def tunnel(connection: Socket, proxy: Proxy, host: str, port: int) -> None:
    """Make the proxy connect us with `host` (RFC 9110, CONNECT).  Raises ProxyFailed; the connection is then closed."""
    target = f"{host}:{port}"
    try:
        head = Wire(connection).ask("CONNECT", target, {"Host": target, **proxy.headers()}, None)
    except (OSError, ValueError, BadAnswer) as error:
        connection.close()
        raise ProxyFailed(str(error)) from error
    if not 200 <= head.status < 300:
        connection.close()
        raise ProxyFailed(f"it answers with the status {head.status}")


def _resolvable(host: str) -> str | bytes:
    """The host as the resolver takes it; as bytes where that spares it the tables of international names."""
    host = host.strip("[]").replace("%25", "%")
    return host.encode() if host.isascii() and len(host) < 254 else host

"""URLs of http and https (RFC 3986), as far as requests need them: where one goes, and what a link means."""

from __future__ import annotations

from argosy.errors import shown
from argosy.registry.faults import Untrue
from argosy.values import Value

DEFAULT_PORTS = {"http": 80, "https": 443}
_LARGEST_PORT = 65535
_NOT_IN_HOSTS = frozenset('"<>\\^`{|}[]@%,;:')
_ADDRESS = frozenset("0123456789abcdefABCDEF:.")


class Origin(Value):
    """Scheme, host and port: what must be equal for secrets to be sent."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        return self.host if self.port == DEFAULT_PORTS[self.scheme] else f"{self.host}:{self.port}"


def origin_of(url: str) -> Origin:
    """The origin of an absolute http or https URL; Untrue for any other."""
    return split(url)[0]


def split(url: str) -> tuple[Origin, str, str]:
    """An absolute URL's origin, its user and password as they stand there, and the target of a request for it."""
    scheme, separator, rest = url.partition("://")
    scheme = scheme.lower()
    if not separator or scheme not in DEFAULT_PORTS:
        raise Untrue(f"{shown(url)} is not a URL of http or https")
    rest = rest.partition("#")[0]
    end = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
    user, _, place = rest[:end].rpartition("@")
    host, port = _host_and_port(place)
    if not host or (port and not _is_port(port)):
        raise Untrue(f"{shown(url)} is not a URL of http or https")
    target = rest[end:] if rest[end : end + 1] == "/" else f"/{rest[end:]}"
    return Origin(scheme, host.lower(), int(port) if port else DEFAULT_PORTS[scheme]), user, _printable(target)


def join(base: str, target: str) -> str:
    """The URL that `target`, a link or a Location, means in an answer from `base`; Untrue when it means none."""
    if target.startswith("/") and not target.startswith("//") and "/." not in target:
        scheme, _, rest = base.partition("://")
        place = rest.partition("/")[0].partition("?")[0].partition("#")[0]
        return f"{scheme}://{place}{target}"
    from urllib.parse import urljoin

    try:
        return urljoin(base, target)
    except ValueError:
        raise Untrue(f"{shown(target)} is not a URL") from None


def _host_and_port(place: str) -> tuple[str, str]:
    """Both as they stand there; no host where there is none that can be one."""
    if place.startswith("["):
        address, bracket, port = place[1:].partition("]")
        number, _, _zone = address.partition("%")
        usable = bool(bracket) and ":" in number and not set(number) - _ADDRESS and _is_word(address)
        return (f"[{address}]" if usable and port[:1] in ("", ":") else ""), port[1:]
    host, _, port = place.partition(":")
    labels = host.removesuffix(".").split(".")
    usable = _is_word(host) and not _NOT_IN_HOSTS.intersection(host) and all(0 < len(one) < 64 for one in labels)
    return (host if usable else ""), port


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 6 and int(text) <= _LARGEST_PORT


def _is_word(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


def _printable(target: str) -> str:
    """The target with what may not stand in a request escaped."""
    if _is_word(target):
        return target
    return "".join(c if _is_word(c) else "".join(f"%{byte:02X}" for byte in c.encode()) for c in target)

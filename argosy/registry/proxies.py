"""Proxies from the environment, by the rules of Go's net/http, which every peer follows.

HTTP_PROXY and HTTPS_PROXY (or in lower case) by the scheme of the URL; NO_PROXY lists hosts, domains (with their
subdomains), addresses, networks, any of them with a port, or `*`.  This very host is never asked for through a proxy.
"""

from __future__ import annotations

from argosy.errors import Invalid, Unsupported
from argosy.registry import urls
from argosy.registry.faults import Untrue
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ipaddress
    from collections.abc import Mapping

_SCHEMES = ("http", "https")


class Proxy(Value):
    """One proxy: `secure` if it is spoken to with TLS; `user` is USER[:PASSWORD], escaped as in its URL."""

    secure: bool
    host: str
    port: int
    user: str = ""

    def __repr__(self) -> str:
        """Without the password."""
        return f"Proxy({self.host!r}, {self.port})"

    def headers(self) -> dict[str, str]:
        """What shows the proxy who we are."""
        if not self.user:
            return {}
        from base64 import b64encode
        from urllib.parse import unquote

        return {"Proxy-Authorization": f"Basic {b64encode(unquote(self.user).encode()).decode()}"}


class Proxies(Value):
    """What the environment says.  "" means no proxy."""

    http: str = ""
    https: str = ""
    exceptions: tuple[str, ...] = ()

    def url_for(self, scheme: str, host: str, port: int) -> str:
        """The URL of the proxy to use; "" for a direct connection."""
        proxy = self.https if scheme == "https" else self.http
        host = host.strip("[]").lower().rstrip(".")
        if not proxy or _is_local(host) or any(_excepts(rule, host, port) for rule in self.exceptions):
            return ""
        return _checked(proxy)


def from_environ(environ: Mapping[str, str]) -> Proxies:
    """The proxies that the environment names."""

    def get(name: str) -> str:
        return environ.get(name, "") or environ.get(name.lower(), "")

    rules = (rule.strip().lower() for rule in get("NO_PROXY").split(","))
    return Proxies(get("HTTP_PROXY"), get("HTTPS_PROXY"), tuple(rule for rule in rules if rule))


def parse(url: str) -> Proxy:
    """The proxy that a URL from `url_for` names.  Raises Invalid."""
    try:
        origin, user, _ = urls.split(url)
    except Untrue:
        raise Invalid("proxy", url.rpartition("@")[2], "its URL is http://HOST:PORT") from None
    return Proxy(origin.scheme == "https", origin.host, origin.port, user)


def _checked(proxy: str) -> str:
    scheme, separator, rest = proxy.partition("://")
    scheme = scheme.lower()
    if not separator:
        return f"http://{proxy}"
    if scheme in _SCHEMES:
        return proxy
    if scheme.startswith("socks"):
        raise Unsupported(f"{scheme} proxies are not supported", hint="use an HTTP proxy in HTTP_PROXY and HTTPS_PROXY")
    raise Invalid("proxy", f"{scheme}://{rest.rpartition('@')[2]}", "its URL begins with http:// or https://")


def _is_local(host: str) -> bool:
    address = _address(host)
    return host == "localhost" if address is None else address.is_loopback


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    import ipaddress

    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _excepts(rule: str, host: str, port: int) -> bool:
    """Whether one entry of NO_PROXY covers this host."""
    if rule == "*":
        return True
    address = _address(host)
    if "/" in rule:
        import ipaddress

        try:
            return address is not None and address in ipaddress.ip_network(rule, strict=False)
        except ValueError:
            return False
    name, wanted_port = _split_port(rule)
    if wanted_port and wanted_port != str(port):
        return False
    if address is not None:
        return _address(name) == address
    if name.startswith("*."):
        name = name[1:]
    if name.startswith("."):
        return host.endswith(name)
    return host == name or host.endswith(f".{name}")


def _split_port(rule: str) -> tuple[str, str]:
    if rule.startswith("["):
        name, _, rest = rule[1:].partition("]")
        return name, rest.removeprefix(":")
    if rule.count(":") == 1:
        name, _, port = rule.partition(":")
        return name, port
    return rule, ""

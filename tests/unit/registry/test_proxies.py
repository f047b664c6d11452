"""Which proxy is used for which host."""

from __future__ import annotations

import base64

import pytest

from argosy.errors import Invalid, Unsupported
from argosy.registry.client import RegistryClient
from argosy.registry.faults import Unreachable
from argosy.registry.http import Connection
from argosy.registry.proxies import Proxies, from_environ
from argosy.registry.retry import Backoff
from argosy.registry.session import Session
from tests.rig.hostile_registry import Exchange, Hostile, serves
from tests.rig.registry import image


@pytest.mark.parametrize(
    ("exceptions", "host", "port", "direct"),
    [
        ("", "example.com", 443, False),
        ("*", "example.com", 443, True),
        ("example.com", "example.com", 443, True),
        ("example.com", "sub.example.com", 443, True),
        ("example.com", "notexample.com", 443, False),
        (".example.com", "sub.example.com", 443, True),
        (".example.com", "example.com", 443, False),
        ("*.example.com", "sub.example.com", 443, True),
        ("EXAMPLE.com", "Example.COM", 443, True),
        ("example.com:5000", "example.com", 5000, True),
        ("example.com:5000", "example.com", 443, False),
        ("10.1.2.3", "10.1.2.3", 443, True),
        ("10.0.0.0/8", "10.1.2.3", 443, True),
        ("10.0.0.0/8", "11.1.2.3", 443, False),
        ("10.0.0.0/8", "example.com", 443, False),
        ("nonsense/99", "10.1.2.3", 443, False),
        ("fd00::/8", "[fd00::1]", 443, True),
        ("[fd00::1]:5000", "[fd00::1]", 5000, True),
        ("a.example, b.example ,", "b.example", 443, True),
        ("", "localhost", 443, True),
        ("", "127.0.0.9", 443, True),
        ("", "[::1]", 443, True),
    ],
)
def test_exceptions(exceptions: str, host: str, port: int, direct: bool) -> None:
    proxies = from_environ({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": exceptions})
    assert proxies.url_for("https", host, port) == ("" if direct else "http://proxy:3128")


def test_the_scheme_decides_and_lower_case_counts() -> None:
    proxies = from_environ({"http_proxy": "a:1", "HTTPS_PROXY": "https://b:2"})
    assert proxies.url_for("http", "x.example", 80) == "http://a:1"
    assert proxies.url_for("https", "x.example", 443) == "https://b:2"
    assert Proxies().url_for("https", "x.example", 443) == ""


def test_proxies_that_cannot_be_used() -> None:
    with pytest.raises(Unsupported, match="socks5"):
        from_environ({"HTTPS_PROXY": "socks5://x"}).url_for("https", "x.example", 443)
    with pytest.raises(Invalid, match="begins with http"):
        from_environ({"HTTPS_PROXY": "ftp://x"}).url_for("https", "x.example", 443)


def test_a_request_through_a_proxy_that_wants_a_password() -> None:
    """The registry's name need not be known here: the proxy is asked for it."""
    pushed = image()
    with Hostile(serves(pushed)) as proxy:
        honest = proxy.script

        def script(exchange: Exchange) -> None:
            exchange.path = exchange.path.removeprefix("http://registry.invalid")
            honest(exchange)

        proxy.script = script
        environ = {"HTTP_PROXY": f"http://me:p%40ss@{proxy.name}"}
        connection = Connection(insecure=True, proxies=from_environ(environ), timeout_s=5, connect_timeout_s=5)
        session = Session("registry.invalid", connection=connection, backoff=Backoff(retries=0))
        session._base = "http://registry.invalid"
        assert RegistryClient(session, "a/b").manifest("latest").digest == pushed.digest
    expected = "Basic " + base64.b64encode(b"me:p@ss").decode()
    assert proxy.seen[0].headers["proxy-authorization"] == expected
    assert proxy.seen[0].path == "http://registry.invalid/v2/a/b/manifests/latest"


def test_a_proxy_that_is_not_there() -> None:
    connection = Connection(proxies=from_environ({"HTTPS_PROXY": "http://localhost:1"}), timeout_s=5)
    session = Session("registry.invalid", connection=connection, backoff=Backoff(retries=0))
    with pytest.raises(Unreachable, match="the proxy does not work") as caught:
        RegistryClient(session, "a/b").manifest("latest")
    assert "HTTPS_PROXY" in caught.value.hint


def test_a_proxy_that_refuses() -> None:
    def script(exchange: Exchange) -> None:
        exchange.answer(407, b"who are you?")

    with Hostile(script) as proxy:
        connection = Connection(proxies=from_environ({"HTTPS_PROXY": proxy.url}), timeout_s=5)
        session = Session("registry.invalid", connection=connection, backoff=Backoff(retries=0))
        with pytest.raises(Unreachable, match=r"the proxy does not work.*407"):
            RegistryClient(session, "a/b").manifest("latest")

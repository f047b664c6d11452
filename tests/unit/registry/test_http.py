"""What becomes of the errors below HTTP, and of client certificates."""

from __future__ import annotations

import socket
import ssl

import pytest

from argosy.config.certs import Certificates
from argosy.errors import ArgosyError
from argosy.registry.client import RegistryClient
from argosy.registry.dial import NotConnected
from argosy.registry.faults import Unreachable, Untrue
from argosy.registry.http import Connection, Http
from argosy.registry.retry import Backoff
from argosy.registry.session import Session
from argosy.registry.urls import Origin, join, origin_of
from tests.rig.hostile_registry import Hostile, serves
from tests.rig.registry import Authority, image

_NONE = [
    "https://a b/",
    "https://a:65536/",
    "https://[::1/",
    "https://[a]/",
    "https://\xfc/",
    "https://a\r\nb/",
    "https://a:+1/",
    "https://.a/",
    "https://a..b/",
    f"https://{'a' * 64}/",
    "https://a:000000000099999/",
    f"https://a:{'0' * 5000}1/",
]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example/x", Origin("https", "a.example", 443)),
        ("HTTPS://A.Example:443", Origin("https", "a.example", 443)),
        ("http://a.example:5000/x?y", Origin("http", "a.example", 5000)),
        ("https://user:pw@a.example/", Origin("https", "a.example", 443)),
        ("https://[::1]:5000/", Origin("https", "[::1]", 5000)),
        ("https://a.example?x=/y@z", Origin("https", "a.example", 443)),
        ("https://a.example#@b.example/", Origin("https", "a.example", 443)),
    ],
)
def test_origins(url: str, expected: Origin) -> None:
    assert origin_of(url) == expected


@pytest.mark.parametrize(
    "url", ["", "a.example", "//a.example", "ftp://a.example", "https://", "https://a:b:c", "/x", *_NONE]
)
def test_no_origins(url: str) -> None:
    with pytest.raises(Untrue):
        origin_of(url)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/v2/x?n=1", "http://a.example:5000/v2/x?n=1"),
        ("?n=2", "http://a.example:5000/v2/y?n=2"),
        ("z", "http://a.example:5000/v2/z"),
        ("//b.example/x", "http://b.example/x"),
        ("https://b.example/x", "https://b.example/x"),
        ("/v2/../x", "http://a.example:5000/x"),
    ],
)
def test_what_a_link_means(target: str, expected: str) -> None:
    assert join("http://a.example:5000/v2/y?z=1", target) == expected


@pytest.mark.parametrize(("code", "transient"), [(socket.EAI_AGAIN, True), (socket.EAI_NONAME, False)])
def test_an_unknown_host(code: int, transient: bool) -> None:
    error = NotConnected(socket.gaierror(code, "resolver's words"))
    fault = Http("x.example", Connection()).fault(error, Origin("https", "x.example", 443))
    assert isinstance(fault, Unreachable)
    assert str(fault) == "cannot reach the registry x.example: no such host"
    assert fault.transient is transient


def test_a_registry_elsewhere_leads_nobody_to_this_host() -> None:
    """By a redirect, or an upload's place; one of this host may."""
    with Hostile(lambda exchange: exchange.answer(200, b"for who is here")) as server:
        for http in (
            Http("192.0.2.1", Connection(insecure=True)),
            Http(server.name, Connection(insecure=True, foreign=True)),
        ):
            with pytest.raises(Untrue, match="an address of this host"):
                http.request(f"{server.url}/secret", {})
        assert not server.seen
        with Hostile(lambda exchange: exchange.answer(307, headers={"Location": server.url})) as here:
            http = Http(here.name, Connection(insecure=True))
            with http.request(here.url, {}) as answer:
                assert answer.body(100, "reading") == b"for who is here"
            http.close()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_registry_that_wants_a_client_certificate(authority: Authority, version: ssl.TLSVersion) -> None:
    context = authority.server_context("strict")
    context.maximum_version = version
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.certificate)
    pushed = image()
    pair = authority.issue("client", client=True)
    with Hostile(serves(pushed), context) as server:

        def reader(*pairs: tuple[str, str]) -> RegistryClient:
            connection = Connection(certificates=Certificates((authority.certificate,), pairs), timeout_s=5)
            return RegistryClient(Session(server.name, connection=connection, backoff=Backoff(retries=0)), "a/b")

        assert reader(pair).manifest("latest").digest == pushed.digest
        with pytest.raises(Unreachable) as caught:
            reader().manifest("latest")
    if version == ssl.TLSVersion.TLSv1_2:  # with 1.3 the refusal may come too late for its reason to be read
        assert "TLS" in str(caught.value)
        assert f"/etc/containers/certs.d/{server.name}/" in caught.value.hint


def test_certificates_that_are_none(tmp_path: object) -> None:
    nonsense = f"{tmp_path}/nonsense"
    with open(nonsense, "w", encoding="utf-8") as file:
        file.write("no certificate\n")
    for certificates, words in (
        (Certificates((nonsense,)), "cannot use the certificate authority"),
        (Certificates((f"{tmp_path}/absent",)), "cannot use the certificate authority"),
        (Certificates((), ((nonsense, nonsense),)), "cannot use the client certificate"),
    ):
        with pytest.raises(ArgosyError, match=words) as caught:
            Http("x.example", Connection(certificates=certificates)).request("https://x.example/", {})
        assert str(tmp_path) in caught.value.brief


def test_plain_http_is_refused_at_the_door() -> None:
    with pytest.raises(Untrue, match="plain HTTP"):
        Http("x.example", Connection()).request("http://x.example/", {})

"""Which proxy is used for which host."""

from __future__ import annotations

import base64
import random
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from argosy.config.certs import Certificates
from argosy.errors import Invalid, Unsupported
from argosy.oci import manifest as manifests
from argosy.oci.manifest import ImageManifest
from argosy.registry.client import RegistryClient
from argosy.registry.faults import Unreachable
from argosy.registry.http import Connection
from argosy.registry.proxies import Proxies, from_environ
from argosy.registry.retry import Backoff
from argosy.registry.session import Session
from tests.rig.hostile_registry import Exchange, Hostile, serves
from tests.rig.registry import Authority, image


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
    with pytest.raises(Invalid, match="begins with http") as caught:
        from_environ({"HTTPS_PROXY": "ftp://user:secret@x"}).url_for("https", "x.example", 443)
    assert "secret" not in str(caught.value) + caught.value.value
    assert from_environ({"HTTPS_PROXY": "HTTP://x"}).url_for("https", "x.example", 443) == "HTTP://x"


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


@pytest.mark.parametrize("secure", [False, True], ids=["plain proxy", "proxy with TLS"])
def test_tls_with_the_registry_through_a_proxy(
    authority: Authority, secure: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proxy connects, and is shown the password that its URL has; the registry's certificate counts."""
    monkeypatch.setenv("SSL_CERT_FILE", authority.certificate)  # what a proxy's is checked by
    pushed = image(({"large": random.Random(1).randbytes(300_000)},))
    parsed = manifests.parse(pushed.manifest)
    assert isinstance(parsed, ImageManifest)
    layer = parsed.layers[0]
    certified = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certified.load_cert_chain(*authority.issue("invalid", alternatives="DNS:registry.invalid"))
    asked: list[bytes] = []
    context = authority.server_context("proxy") if secure else None
    with Hostile(serves(pushed), certified) as server, _tunnelling_proxy(server, asked, context) as port:

        def client(name: str) -> RegistryClient:
            connection = Connection(
                certificates=Certificates((authority.certificate,)),
                proxies=from_environ({"HTTPS_PROXY": f"http{'s' * secure}://me:p%40ss@localhost:{port}"}),
                timeout_s=20,
            )
            return RegistryClient(Session(name, connection=connection, backoff=Backoff(retries=0)), "a/b")

        with client("registry.invalid").blob(layer) as reader:
            assert b"".join(reader) == pushed.blobs[layer.digest]
        with pytest.raises(Unreachable) as caught:
            client("other.invalid").manifest("latest")
    assert "cannot be verified" in caught.value.details
    assert b"CONNECT registry.invalid:443 HTTP/1.1\r\nHost: registry.invalid:443\r\n" in asked[0]
    assert b"Proxy-Authorization: Basic " + base64.b64encode(b"me:p@ss") in asked[0]


@contextmanager
def _tunnelling_proxy(server: Hostile, asked: list[bytes], context: ssl.SSLContext | None) -> Iterator[int]:
    """The port of a proxy that connects everybody with `server`, and remembers what it was asked."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            client = context.wrap_socket(self.request, server_side=True) if context else self.request
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += client.recv(1)
            asked.append(head)
            with socket.create_connection(("localhost", int(server.name.rpartition(":")[2]))) as registry:
                client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
                back = threading.Thread(target=_pump, args=(registry, client))
                back.start()
                _pump(client, registry)
                back.join()
            client.close()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as proxy:
        threading.Thread(target=proxy.serve_forever).start()
        yield proxy.server_address[1]
        proxy.shutdown()


def _pump(source: socket.socket, target: socket.socket) -> None:
    """Hand on what comes until one of the two ends, and end both then."""
    try:
        while data := source.recv(1 << 16):
            target.sendall(data)
    except OSError:
        pass
    for end in (source, target):
        try:
            socket.socket.shutdown(end, socket.SHUT_RDWR)
        except OSError:
            pass

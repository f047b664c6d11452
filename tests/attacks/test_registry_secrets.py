"""Where credentials go: to the host that they are stored for, and nowhere else."""

from __future__ import annotations

import base64
import json
import threading
import urllib.parse
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from argosy.config.auth import Credentials
from argosy.config.certs import Certificates
from argosy.oci import manifest as manifests
from argosy.oci.manifest import ImageManifest
from argosy.registry.client import RegistryClient
from argosy.registry.faults import RegistryError, Unauthorized, Unknown, Unreachable, Untrue
from argosy.registry.http import Connection
from argosy.registry.retry import Backoff
from argosy.registry.session import Session
from tests.rig.hostile_registry import Exchange, Hostile, Script, serves
from tests.rig.registry import Authority, image

IMAGE = image([{"data": b"x" * 10_000}])
BASIC = "Basic " + base64.b64encode(b"me:secret").decode()
QUICK = Backoff(retries=1, base_s=0.01)


def client(
    server: Hostile, authority: Authority | None = None, *, credentials: Credentials | None = None
) -> RegistryClient:
    """A client that trusts our authority, or, without one, may use plain HTTP."""
    certificates = Certificates((authority.certificate,)) if authority else Certificates()
    connection = Connection(insecure=authority is None, certificates=certificates, timeout_s=5)
    known = credentials or Credentials("me", "secret", origin="auth.json")
    return RegistryClient(Session(server.name, connection=connection, credentials=known, backoff=QUICK), "some/image")


def wants_basic(serve: Script) -> Script:
    def script(exchange: Exchange) -> None:
        if exchange.headers.get("authorization") == BASIC:
            serve(exchange)
        else:
            exchange.answer(401, b"", {"WWW-Authenticate": 'Basic realm="x"'})

    return script


def wants_token(serve: Script, realm: Callable[[], str], token: str = "t0ken") -> Script:
    def script(exchange: Exchange) -> None:
        if exchange.headers.get("authorization") == f"Bearer {token}":
            serve(exchange)
        else:
            exchange.answer(401, b"", {"WWW-Authenticate": f'Bearer realm="{realm()}",service="svc"'})

    return script


def test_nothing_is_sent_unasked(authority: Authority) -> None:
    with Hostile(serves(IMAGE), authority.server_context()) as server:
        client(server, authority).manifest("latest")
    assert server.authorizations() == []


def test_basic_is_sent_when_asked_for(authority: Authority) -> None:
    with Hostile(wants_basic(serves(IMAGE)), authority.server_context()) as server:
        reader = client(server, authority)
        reader.manifest("latest")
        reader.manifest("latest")
    assert server.authorizations() == [BASIC, BASIC]
    assert len(server.seen) == 3


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_credentials_stay_home_on_a_redirect_to_another_host(authority: Authority, status: int) -> None:
    data = next(iter(IMAGE.blobs.values()))
    parsed = manifests.parse(IMAGE.manifest)
    assert isinstance(parsed, ImageManifest)
    with Hostile(lambda exchange: exchange.answer(200, data), authority.server_context("other")) as other:

        def serve(exchange: Exchange) -> None:
            exchange.answer(status, b"", {"Location": f"{other.url}/storage?signed"})

        with (
            Hostile(wants_basic(serve), authority.server_context()) as server,
            client(server, authority).blob(parsed.config) as stream,
        ):
            assert b"".join(stream) == data
    assert server.authorizations() == [BASIC]
    assert other.authorizations() == []
    assert other.paths() == ["/storage?signed"]


def test_a_redirect_back_does_not_bring_them_out_again(authority: Authority) -> None:
    with Hostile(lambda exchange: None, authority.server_context("other")) as other:

        def serve(exchange: Exchange) -> None:
            if exchange.path == "/back":
                exchange.answer(404)
            else:
                exchange.answer(307, b"", {"Location": f"{other.url}/there"})

        with Hostile(
            lambda exchange: (wants_basic(serve) if exchange.path != "/back" else serve)(exchange),
            authority.server_context(),
        ) as server:
            other.script = lambda exchange: exchange.answer(307, b"", {"Location": f"{server.url}/back"})
            with pytest.raises(Unknown):
                client(server, authority).manifest("latest")
    assert server.seen[-1].path == "/back"
    assert "authorization" not in server.seen[-1].headers


def test_a_challenge_of_another_host_gets_nothing(authority: Authority) -> None:
    def greedy(exchange: Exchange) -> None:
        exchange.answer(401, b"", {"WWW-Authenticate": 'Basic realm="give"'})

    with Hostile(greedy, authority.server_context("other")) as other:

        def serve(exchange: Exchange) -> None:
            exchange.answer(307, b"", {"Location": f"{other.url}/x"})

        with Hostile(serve, authority.server_context()) as server, pytest.raises(Unauthorized):
            client(server, authority).manifest("latest")
    assert other.authorizations() == []
    assert server.authorizations() == []


def test_no_redirect_from_https_to_http(authority: Authority) -> None:
    with Hostile(serves(IMAGE)) as plain:

        def serve(exchange: Exchange) -> None:
            exchange.answer(302, b"", {"Location": f"{plain.url}{exchange.path}"})

        with Hostile(serve, authority.server_context()) as server, pytest.raises(Untrue, match="plain HTTP"):
            client(server, authority).manifest("latest")
    assert plain.seen == []


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://x/y", "gopher://x", "http://", "https://[::bad/"])
def test_no_redirect_to_other_schemes(authority: Authority, location: str) -> None:
    def serve(exchange: Exchange) -> None:
        exchange.answer(302, b"", {"Location": location})

    with Hostile(serve, authority.server_context()) as server, pytest.raises(RegistryError):
        client(server, authority).manifest("latest")


def test_redirects_in_a_circle(authority: Authority) -> None:
    def serve(exchange: Exchange) -> None:
        exchange.answer(302, b"", {"Location": exchange.path})

    with Hostile(serve, authority.server_context()) as server, pytest.raises(Untrue, match="redirects more than 10"):
        client(server, authority).manifest("latest")


def test_nothing_goes_over_plain_http_unless_configured() -> None:
    with Hostile(wants_basic(serves(IMAGE))) as server:
        strict = Session(server.name, credentials=Credentials("me", "secret"), backoff=QUICK)
        with pytest.raises(Unreachable):
            RegistryClient(strict, "some/image").manifest("latest")
        assert server.seen == []
        client(server).manifest("latest")
    assert server.authorizations() == [BASIC]


def test_a_token_is_fetched_once_for_many_threads(authority: Authority) -> None:
    def realm(exchange: Exchange) -> None:
        exchange.answer(200, b'{"token":"t0ken","expires_in":300}')

    with Hostile(realm, authority.server_context("realm")) as tokens:
        script = wants_token(serves(IMAGE), lambda: f"{tokens.url}/token")
        with Hostile(script, authority.server_context()) as server:
            reader = client(server, authority)
            with ThreadPoolExecutor(6) as pool:
                found = list(pool.map(lambda _: reader.manifest("latest").digest, range(12)))
    assert set(found) == {IMAGE.digest}
    assert set(server.authorizations()) == {"Bearer t0ken"}
    assert len(tokens.seen) == 1
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(tokens.seen[0].path).query)
    assert query == {"service": ["svc"], "scope": ["repository:some/image:pull"], "account": ["me"]}
    assert tokens.authorizations() == [BASIC]


def test_a_token_that_ended_is_fetched_again(authority: Authority) -> None:
    issued = iter(("one", "two"))
    valid = {"one", "two"}

    def realm(exchange: Exchange) -> None:
        exchange.answer(200, json.dumps({"access_token": next(issued), "expires_in": 300}).encode())

    def serve(exchange: Exchange) -> None:
        if exchange.headers.get("authorization", "").removeprefix("Bearer ") in valid:
            serves(IMAGE)(exchange)
        else:
            exchange.answer(401, b"", {"WWW-Authenticate": f'Bearer realm="{tokens.url}/token"'})

    with (
        Hostile(realm, authority.server_context("realm")) as tokens,
        Hostile(serve, authority.server_context()) as server,
    ):
        reader = client(server, authority)
        reader.manifest("latest")
        valid.discard("one")
        reader.manifest("latest")
    assert server.authorizations() == ["Bearer one", "Bearer one", "Bearer two"]


def test_a_token_that_never_satisfies_is_given_up(authority: Authority) -> None:
    def realm(exchange: Exchange) -> None:
        exchange.answer(200, b'{"token":"useless"}')

    with Hostile(realm, authority.server_context("realm")) as tokens:
        script = wants_token(serves(IMAGE), lambda: f"{tokens.url}/token")
        with Hostile(script, authority.server_context()) as server, pytest.raises(Unauthorized) as caught:
            client(server, authority).manifest("latest")
    assert len(server.seen) <= 3
    assert "argosy login" in caught.value.hint


@pytest.mark.parametrize("scheme", ["http", "HTTP", "ftp", "file", "", "httpsx"])
def test_a_realm_on_another_scheme_gets_nothing(authority: Authority, scheme: str) -> None:
    with Hostile(lambda exchange: exchange.answer(200, b'{"token":"t"}')) as tokens:
        script = wants_token(serves(IMAGE), lambda: f"{scheme}://{tokens.name}/token")
        with Hostile(script, authority.server_context()) as server, pytest.raises(Untrue, match="which is not HTTPS"):
            client(server, authority).manifest("latest")
    assert tokens.seen == []


def test_a_token_server_that_redirects_does_not_pass_the_password_on(authority: Authority) -> None:
    with Hostile(
        lambda exchange: exchange.answer(200, b'{"token":"t0ken"}'), authority.server_context("other")
    ) as other:

        def realm(exchange: Exchange) -> None:
            exchange.answer(307, b"", {"Location": f"{other.url}/token"})

        with Hostile(realm, authority.server_context("realm")) as tokens:
            script = wants_token(serves(IMAGE), lambda: f"{tokens.url}/token")
            with Hostile(script, authority.server_context()) as server:
                client(server, authority).manifest("latest")
    assert tokens.authorizations() == [BASIC]
    assert other.authorizations() == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no",
        b"[]",
        b"{}",
        b'{"token":7}',
        b'{"token":""}',
        b'{"token":"a\\r\\nX-Evil: 1"}',
        b'{"token":"a b"}',
        b'{"token":"' + b"x" * 70_000 + b'"}',
    ],
)
def test_a_token_server_that_talks_nonsense(authority: Authority, body: bytes) -> None:
    with Hostile(lambda exchange: exchange.answer(200, body), authority.server_context("realm")) as tokens:
        script = wants_token(serves(IMAGE), lambda: f"{tokens.url}/token")
        with Hostile(script, authority.server_context()) as server, pytest.raises(Untrue, match="the token server"):
            client(server, authority).manifest("latest")


def test_wrong_credentials_at_the_token_server(authority: Authority) -> None:
    def realm(exchange: Exchange) -> None:
        exchange.answer(401, b'{"details":"incorrect username or password"}', {"Content-Type": "application/json"})

    with Hostile(realm, authority.server_context("realm")) as tokens:
        script = wants_token(serves(IMAGE), lambda: f"{tokens.url}/token")
        with Hostile(script, authority.server_context()) as server, pytest.raises(Unauthorized) as caught:
            client(server, authority).manifest("latest")
    text = str(caught.value)
    assert 'for user "me" (from auth.json)' in text
    assert "incorrect username or password" in text
    assert "secret" not in text
    assert caught.value.hint == f"log in with `argosy login {server.name}`"
    assert len(tokens.seen) == 1


def test_an_identity_token_is_posted(authority: Authority) -> None:
    def realm(exchange: Exchange) -> None:
        exchange.answer(200, b'{"access_token":"t0ken"}')

    known = Credentials(identity_token="refresh-me")
    with Hostile(realm, authority.server_context("realm")) as tokens:
        script = wants_token(serves(IMAGE), lambda: f"{tokens.url}/token")
        with Hostile(script, authority.server_context()) as server:
            client(server, authority, credentials=known).manifest("latest")
    seen = tokens.seen[0]
    assert (seen.method, seen.path) == ("POST", "/token")
    form = urllib.parse.parse_qs(seen.body.decode())
    assert form["grant_type"] == ["refresh_token"]
    assert form["refresh_token"] == ["refresh-me"]
    assert form["scope"] == ["repository:some/image:pull"]
    assert "refresh-me" not in "".join(one.path for one in tokens.seen)


@pytest.mark.parametrize("status", [307, 308])
def test_an_identity_token_is_not_passed_on_by_a_redirect(authority: Authority, status: int) -> None:
    known = Credentials(identity_token="refresh-me")
    with Hostile(lambda exchange: exchange.answer(200, b'{"token":"t0ken"}'), authority.server_context()) as other:

        def realm(exchange: Exchange) -> None:
            exchange.answer(status, b"", {"Location": f"{other.url}/token"})

        with Hostile(realm, authority.server_context("realm")) as tokens:
            script = wants_token(serves(IMAGE), lambda: f"{tokens.url}/token")
            with (
                Hostile(script, authority.server_context()) as server,
                pytest.raises(Untrue, match="secret on to another host") as caught,
            ):
                client(server, authority, credentials=known).manifest("latest")
    assert "refresh-me" not in str(caught.value) + caught.value.details
    assert not other.seen


def test_our_certificate_is_shown_to_the_registry_only(authority: Authority) -> None:
    """Both servers ask for a client certificate; the one that is redirected to does not get it."""
    import ssl

    def context(name: str) -> ssl.SSLContext:
        made = authority.server_context(name)
        made.verify_mode = ssl.CERT_OPTIONAL
        made.load_verify_locations(authority.certificate)
        return made

    shown: dict[str, object] = {}
    lock = threading.Lock()

    def note(who: str, serve: Script) -> Script:
        def script(exchange: Exchange) -> None:
            with lock:
                shown[who] = exchange.peer_certificate()
            serve(exchange)

        return script

    pair = authority.issue("client", client=True)
    with Hostile(note("other", serves(IMAGE)), context("other")) as other:

        def serve(exchange: Exchange) -> None:
            exchange.answer(307, b"", {"Location": f"{other.url}{exchange.path}"})

        with Hostile(note("home", serve), context("home")) as server:
            connection = Connection(certificates=Certificates((authority.certificate,), (pair,)), timeout_s=5)
            RegistryClient(Session(server.name, connection=connection), "some/image").manifest("latest")
    assert shown["home"]
    assert not shown["other"]

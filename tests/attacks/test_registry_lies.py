"""Registries that hang, lie about length and digest, send without end, or give way in the middle."""

from __future__ import annotations

import hashlib
import os
import time
import tracemalloc

import pytest

from argosy.config.certs import Certificates
from argosy.errors import ArgosyError
from argosy.oci import manifest as manifests
from argosy.oci.descriptor import Descriptor
from argosy.oci.manifest import ImageManifest
from argosy.registry.client import RegistryClient
from argosy.registry.faults import Busy, RegistryError, Stalled, TooLarge, Unknown, Unreachable, Untrue
from argosy.registry.http import Connection, Http
from argosy.registry.retry import Backoff
from argosy.registry.session import Session
from tests.rig.hostile_registry import Exchange, Hostile, Script, serves
from tests.rig.registry import Authority, image

QUICK = Backoff(retries=2, base_s=0.01, patience_s=2.0)
BIG = image([{"data": os.urandom(600_000)}])


def client(server: Hostile, *, timeout_s: float = 5.0, backoff: Backoff = QUICK) -> RegistryClient:
    connection = Connection(insecure=True, timeout_s=timeout_s)
    return RegistryClient(Session(server.name, connection=connection, backoff=backoff), "some/image")


def layer() -> Descriptor:
    parsed = manifests.parse(BIG.manifest)
    assert isinstance(parsed, ImageManifest)
    return parsed.layers[0]


def blob_script(serve: Script) -> Script:
    """`serve` answers for blobs, an honest registry for everything else."""
    honest = serves(BIG)
    return lambda exchange: serve(exchange) if "/blobs/" in exchange.path else honest(exchange)


def read(server: Hostile, *, timeout_s: float = 5.0) -> bytes:
    reader = client(server, timeout_s=timeout_s)
    try:
        with reader.blob(layer()) as stream:
            return b"".join(stream)
    finally:
        reader.close()


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_follows_an_answer_is_not_the_next_one(authority: Authority, method: str, *, secure: bool) -> None:
    """A registry, or who shares a connection to it, sends the answer to a request that was not made yet."""
    more = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"

    def script(exchange: Exchange) -> None:
        body = b"good" if exchange.method == "GET" else b""
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n" + body + (more if exchange.path == "/1" else b""))

    certificates = Certificates((authority.certificate,))
    with Hostile(script, authority.server_context() if secure else None) as server:
        http = Http(server.name, Connection(insecure=not secure, certificates=certificates, timeout_s=5))
        with http.request(f"{server.url}/1", {}, method=method) as answer:
            answer.body(100, "reading")
        with http.request(f"{server.url}/2", {}) as answer:
            assert answer.body(100, "reading") == b"good"
        http.close()


def test_a_silent_registry_is_given_up() -> None:
    started = time.monotonic()
    with (
        Hostile(lambda exchange: exchange.stall()) as server,
        pytest.raises(Stalled, match="does not answer") as caught,
    ):
        client(server, timeout_s=0.3).manifest("latest")
    assert time.monotonic() - started < 10
    assert "0.3 s" in caught.value.details


def test_a_blob_that_stops_coming_is_given_up() -> None:
    def serve(exchange: Exchange) -> None:
        exchange.start(200, {"Content-Length": str(layer().size)})
        exchange.stall()

    with Hostile(blob_script(serve)) as server, pytest.raises(Stalled):
        read(server, timeout_s=0.3)


@pytest.mark.parametrize("difference", [-1, 1, 1000])
def test_a_wrong_content_length_is_named(difference: int) -> None:
    data = BIG.blobs[layer().digest]

    def serve(exchange: Exchange) -> None:
        exchange.answer(200, data, length=len(data) + difference)

    with Hostile(blob_script(serve)) as server, pytest.raises(Untrue, match=r"declares \d+ bytes, its manifest says"):
        read(server)


def test_an_endless_blob_is_read_to_its_declared_size_only() -> None:
    def serve(exchange: Exchange) -> None:
        exchange.start(200, {"Transfer-Encoding": "chunked"})
        while True:
            exchange.send(b"10000\r\n" + bytes(0x10000) + b"\r\n")

    with Hostile(blob_script(serve)) as server:
        assert len(read(server)) == layer().size


@pytest.mark.parametrize("length", ["", "99999999999999"])
def test_an_endless_manifest_is_cut(length: str) -> None:
    def serve(exchange: Exchange) -> None:
        if exchange.path == "/v2/":
            exchange.answer(200)
            return
        exchange.start(200, {"Content-Length": length} if length else {"Transfer-Encoding": "chunked"})
        while True:
            exchange.send(b"10000\r\n" + b" " * 0x10000 + b"\r\n")

    tracemalloc.start()
    try:
        with Hostile(serve) as server, pytest.raises(TooLarge, match="longer than 4 MiB"):
            client(server).manifest("latest")
        assert tracemalloc.get_traced_memory()[1] < 40 << 20
    finally:
        tracemalloc.stop()


def test_an_endless_error_is_cut() -> None:
    def serve(exchange: Exchange) -> None:
        exchange.start(404 if exchange.path != "/v2/" else 200, {"Transfer-Encoding": "chunked"})
        while True:
            exchange.send(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")

    with Hostile(serve) as server, pytest.raises(Unknown) as caught:
        client(server).manifest("latest")
    assert len(str(caught.value)) < 1000


def test_a_manifest_with_another_digest_than_asked_for() -> None:
    other = image([{"evil": b"!"}])

    def serve(exchange: Exchange) -> None:
        exchange.answer(200, other.manifest, {"Content-Type": other.media_type, "Docker-Content-Digest": BIG.digest})

    with Hostile(serve) as server:
        for selector in (BIG.digest, "latest"):
            with pytest.raises(Untrue, match=f"has the digest {other.digest}, not {BIG.digest}"):
                client(server).manifest(selector)


def test_a_declared_digest_that_is_none() -> None:
    def serve(exchange: Exchange) -> None:
        exchange.answer(200, BIG.manifest, {"Content-Type": BIG.media_type, "Docker-Content-Digest": "sha256:../.."})

    with Hostile(serve) as server, pytest.raises(Untrue, match="hexadecimal digits"):
        client(server).manifest("latest")


def test_a_config_with_another_content() -> None:
    def serve(exchange: Exchange) -> None:
        exchange.answer(200, b"x" * config.size)

    parsed = manifests.parse(BIG.manifest)
    assert isinstance(parsed, ImageManifest)
    config = parsed.config
    with Hostile(blob_script(serve)) as server, pytest.raises(Untrue, match="has the digest"):
        client(server).fetch(config, 1 << 20)


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("ranges", [True, False])
def test_a_broken_connection_is_resumed(reset: bool, ranges: bool) -> None:
    """The blob comes in pieces, whether the server knows Range or not; each byte arrives once."""
    data = BIG.blobs[layer().digest]
    piece = 300_000

    def serve(exchange: Exchange) -> None:
        start = int(exchange.headers.get("range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        sent = len(server.paths())
        if ranges:
            status = 206 if start else 200
            headers = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"} if start else {}
            exchange.start(status, {"Content-Length": str(len(data) - start), **headers})
            exchange.send(data[start : start + piece])
        else:
            exchange.start(200, {"Content-Length": str(len(data))})
            exchange.send(data[: piece * sent])
            if piece * sent >= len(data):
                return
        exchange.hang_up(reset=reset)

    with Hostile(blob_script(serve)) as server:
        reader = client(server, backoff=Backoff(retries=4, base_s=0.01))
        with reader.blob(layer()) as stream:
            digest = "sha256:" + hashlib.sha256(b"".join(stream)).hexdigest()
        reader.close()
    assert digest == layer().digest
    assert len(server.paths()) > 1


def test_a_connection_that_breaks_every_time_is_given_up() -> None:
    def serve(exchange: Exchange) -> None:
        exchange.start(200, {"Content-Length": str(layer().size)})
        exchange.send(b"x" * 100)
        exchange.hang_up()

    with Hostile(blob_script(serve)) as server, pytest.raises(RegistryError):
        read(server)
    assert len(server.paths()) <= 1 + QUICK.retries


@pytest.mark.parametrize(
    "content_range", ["bytes 0-599/600", "bytes 5-10/*", "items 100-599999/600000", "", "bytes */1", "bytes x-y/z"]
)
def test_another_range_than_asked_for(content_range: str) -> None:
    def serve(exchange: Exchange) -> None:
        exchange.answer(206, b"x" * (layer().size - 100), {"Content-Range": content_range})

    with Hostile(blob_script(serve)) as server, pytest.raises(Untrue, match="asked for bytes 100 to"):
        client(server).blob(layer(), 100)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_registry_is_asked_again(status: int) -> None:
    honest = serves(BIG)

    def serve(exchange: Exchange) -> None:
        if len(server.paths()) <= 2 and exchange.path != "/v2/":
            exchange.answer(status, b"busy", {"Retry-After": "0"})
        else:
            honest(exchange)

    with Hostile(serve) as server:
        assert client(server).manifest("latest").digest == BIG.digest
    assert len(server.paths()) == 3


def test_retry_after_is_obeyed() -> None:
    honest = serves(BIG)
    times: list[float] = []

    def serve(exchange: Exchange) -> None:
        if exchange.path == "/v2/":
            exchange.answer(200)
            return
        times.append(time.monotonic())
        if len(times) == 1:
            exchange.answer(429, b"", {"Retry-After": "1"})
        else:
            honest(exchange)

    with Hostile(serve) as server:
        client(server).manifest("latest")
    assert times[1] - times[0] >= 1.0


@pytest.mark.parametrize("retry_after", ["3600", "Fri, 31 Dec 2199 23:59:59 GMT"])
def test_a_registry_that_wants_to_be_left_alone_for_long_is(retry_after: str) -> None:
    def serve(exchange: Exchange) -> None:
        if exchange.path == "/v2/":
            exchange.answer(200)
        else:
            exchange.answer(
                429, b'{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}', {"Retry-After": retry_after}
            )

    with Hostile(serve) as server, pytest.raises(Busy, match="slow down"):
        client(server).manifest("latest")
    assert len(server.paths()) == 1


def test_other_statuses_are_not_repeated() -> None:
    def serve(exchange: Exchange) -> None:
        exchange.answer(418 if exchange.path != "/v2/" else 200, b"I am \x1b[31ma teapot\r\n")

    with Hostile(serve) as server, pytest.raises(RegistryError, match="teapot") as caught:
        client(server).manifest("latest")
    assert len(server.paths()) == 1
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "media_type", "expected"),
    [
        (b'{"errors":[{"code":"DENIED","message":"no entry"}]}', "application/json", "denied: no entry"),
        (b'{"errors":[{"code":"A_B"},{"code":"X","message":"y"}]}', "application/json", "a b; x: y"),
        (b'{"details":"incorrect"}', "application/json", "incorrect"),
        (b"<html><head><title>Not\n here</title></head>" + b"x" * 5000, "text/html", 'a web page titled "Not here"'),
        (b"<!DOCTYPE html><p>hm", "text/plain", "a web page"),
        (b"plain words", "text/plain", "plain words"),
        (b"", "", "404 Not Found"),
        (b"[1,2]", "application/json", "[1,2]"),
        (b'{"errors":7}', "application/json", "404 Not Found"),
        (b"\xff\xfe" * 400, "application/octet-stream", "..."),
    ],
)
def test_error_bodies_become_one_line(body: bytes, media_type: str, expected: str) -> None:
    def serve(exchange: Exchange) -> None:
        exchange.answer(404 if "/blobs/" in exchange.path else 200, body, {"Content-Type": media_type})

    with Hostile(serve) as server, pytest.raises(Unknown) as caught:
        client(server).blob(layer())
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 700


def test_a_login_page_in_place_of_a_manifest() -> None:
    def serve(exchange: Exchange) -> None:
        exchange.answer(200, b"<html>please log in</html>", {"Content-Type": "text/html"})

    with Hostile(serve) as server, pytest.raises(Untrue, match="web page"):
        client(server).manifest("latest")


@pytest.mark.parametrize(
    "raw",
    [
        b"\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"SSH-2.0-OpenSSH_9\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 200_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"X%d: y\r\n" % n for n in range(500)) + b"\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"",
    ],
)
def test_what_is_not_http_is_an_error_of_ours(raw: bytes) -> None:
    def serve(exchange: Exchange) -> None:
        if exchange.path == "/v2/":
            exchange.answer(200)
            return
        exchange.send(raw)
        exchange.hang_up()

    with Hostile(serve) as server, pytest.raises((Unreachable, Untrue)):
        client(server, backoff=Backoff(retries=0)).manifest("latest")


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"name":"x","tags":null}',
    ],
)
def test_a_repository_without_tags(body: bytes) -> None:
    with Hostile(lambda exchange: exchange.answer(200, body)) as server:
        assert client(server).tags() == []


@pytest.mark.parametrize(
    "body",
    [
        b"no json",
        b"[1]",
        b'{"tags":{"a":1}}',
        b'{"tags":["ok",3]}',
        b'{"tags":["../../etc"]}',
        b'{"tags":["\\u001b[2J"]}',
        b'{"tags":["' + b"a" * 129 + b'"]}',
        b'{"tags":[' + b"[" * 100_000 + b"]}",
    ],
)
def test_nonsense_in_a_list_of_tags(body: bytes) -> None:
    with Hostile(lambda exchange: exchange.answer(200, body)) as server, pytest.raises(ArgosyError) as caught:
        client(server).tags()
    assert "\x1b" not in str(caught.value)


def test_tags_in_pages() -> None:
    def serve(exchange: Exchange) -> None:
        last = exchange.path.partition("last=")[2]
        page = int(last or 0)
        headers = {"Link": f'</v2/some/image/tags/list?last={page + 1}>; rel="next"'} if page < 3 else {}
        exchange.answer(200, b'{"tags":["t%d"]}' % page, headers)

    with Hostile(serve) as server:
        assert client(server).tags() == ["t0", "t1", "t2", "t3"]


def test_tags_without_end() -> None:
    def serve(exchange: Exchange) -> None:
        exchange.answer(200, b'{"tags":["a"]}', {"Link": '</v2/some/image/tags/list?again>; rel="next"'})

    with Hostile(serve) as server, pytest.raises(Untrue, match="does not end"):
        client(server).tags()


def test_the_next_page_at_another_host() -> None:
    with Hostile(lambda exchange: exchange.answer(200)) as other:

        def serve(exchange: Exchange) -> None:
            exchange.answer(200, b'{"tags":["a"]}', {"Link": f'<{other.url}/v2/x/tags/list>; rel="next"'})

        with Hostile(serve) as server, pytest.raises(Untrue, match="another host"):
            client(server).tags()
        assert other.seen == []

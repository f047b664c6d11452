"""A repository that is written to: blobs of other repositories."""

from __future__ import annotations

import urllib.parse

import pytest

from argosy.oci import digest as digests
from argosy.oci.descriptor import Descriptor
from argosy.registry.http import Connection
from argosy.registry.retry import Backoff
from argosy.registry.session import Session
from argosy.registry.writer import RepositoryWriter
from tests.rig.hostile_registry import Exchange, Hostile

BLOB = Descriptor("application/octet-stream", digests.of_bytes(b"x"), 1)


def writer(server: Hostile) -> RepositoryWriter:
    session = Session(server.name, connection=Connection(insecure=True, timeout_s=20), backoff=Backoff(retries=0))
    return RepositoryWriter(session, "mine")


@pytest.mark.parametrize(
    ("status", "mounted", "ends"),
    [
        (201, True, []),
        (202, False, ["DELETE"]),
        (400, False, []),
        (401, False, []),
        (403, False, []),
        (404, False, []),
        (405, False, []),
        (500, False, []),
    ],
)
def test_a_mount_and_what_a_registry_may_make_of_it(status: int, mounted: bool, ends: list[str]) -> None:
    """Refused in any way, it is not there; an upload that was begun in its place is ended."""

    def script(exchange: Exchange) -> None:
        if exchange.method == "POST":
            exchange.answer(status, headers={"Location": "/v2/mine/blobs/uploads/1"})
        else:
            exchange.answer(204 if exchange.method == "DELETE" else 200)

    with Hostile(script) as server:
        assert writer(server).mount(BLOB, "theirs") is mounted
    asked = [(seen.method, seen.path) for seen in server.seen if seen.path != "/v2/"]
    assert asked[0] == ("POST", f"/v2/mine/blobs/uploads/?mount={BLOB.digest}&from=theirs")
    assert [method for method, path in asked[1:]] == ends


def test_a_mount_asks_for_both_repositories() -> None:
    def script(exchange: Exchange) -> None:
        if exchange.path.startswith("/token"):
            exchange.answer(200, b'{"token":"t"}', {"Content-Type": "application/json"})
        elif exchange.path == "/v2/":
            exchange.answer(200)
        elif "authorization" not in exchange.headers:
            exchange.answer(401, headers={"WWW-Authenticate": f'Bearer realm="{server.url}/token",service="s"'})
        else:
            exchange.answer(201)

    with Hostile(script) as server:
        assert writer(server).mount(BLOB, "theirs")
    asked = next(seen.path for seen in server.seen if seen.path.startswith("/token"))
    scopes = urllib.parse.parse_qs(urllib.parse.urlsplit(asked).query)["scope"]
    assert scopes == ["repository:mine:pull,push", "repository:theirs:pull"]

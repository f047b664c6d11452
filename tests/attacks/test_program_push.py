"""`push` to registries that lie: each lie is told, nothing is believed, and nothing here changes."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

import pytest

from tests.attacks.ground import INSECURE, Ground, Registry, busybox_with
from tests.rig.hostile_registry import Exchange, Hostile

ESCAPE = "\x1b[2J"
PLACE = "/v2/NAME/upload/1"


def honest(exchange: Exchange, **other: Callable[[Exchange], None]) -> None:
    """A registry that has nothing and takes everything, but for the methods in `other`."""
    uploads = "/blobs/uploads/" in exchange.path
    if exchange.method in other and (exchange.method != "PUT" or "/manifests/" in exchange.path):
        other[exchange.method](exchange)
    elif exchange.method == "HEAD":
        exchange.answer(404)
    elif exchange.method == "POST" and uploads:
        exchange.answer(202, headers={"Location": f"/v2/{exchange.path.split('/')[2]}/upload/1"})
    elif exchange.method == "PATCH":
        exchange.answer(202, headers={"Location": exchange.path, "Range": f"0-{len(exchange.body) - 1}"})
    else:
        exchange.answer(201)


def _answers(status: int, body: bytes = b"", **headers: str) -> Callable[[Exchange], None]:
    def answer(exchange: Exchange) -> None:
        name = exchange.path.split("/")[2]
        named = {key.replace("_", "-"): value.replace("NAME", name) for key, value in headers.items()}
        exchange.answer(status, body, named)

    return answer


ERROR = json.dumps({"errors": [{"code": "DENIED", "message": f"no{ESCAPE}"}]}).encode()
# What each method answers, and what is said of it; None where the digest that closes an upload makes it harmless.
CASES: dict[str, tuple[dict[str, Callable[[Exchange], None]], str | None]] = {
    "no place for the upload": ({"POST": _answers(202)}, ""),
    "a place that is none": ({"POST": _answers(202, Location="http://[")}, ""),
    "a place on another scheme": ({"POST": _answers(202, Location="file:///etc/passwd")}, ""),
    "a place with control characters": ({"POST": _answers(202, Location=f"/v2/NAME/{ESCAPE}")}, None),
    "a refusal with control characters": ({"POST": _answers(403, ERROR)}, r"no\x1b[2J"),
    "an upload that is somewhere else": ({"PATCH": _answers(202, Location=PLACE, Range="0-5")}, None),
    "more than was sent": ({"PATCH": _answers(202, Location=PLACE, Range="0-999999999999")}, None),
    "a number without end": ({"PATCH": _answers(202, Location=PLACE, Range="0-" + "9" * 5000)}, None),
    "a least chunk without end": ({"POST": _answers(202, Location=PLACE, OCI_Chunk_Min_Length="9" * 5000)}, None),
    "another manifest": ({"PUT": _answers(201, Docker_Content_Digest="sha256:" + "0" * 64)}, "stored something else"),
    "a digest that is none": ({"PUT": _answers(201, Docker_Content_Digest=ESCAPE)}, ""),
    "a manifest that is refused": ({"PUT": _answers(400, ERROR)}, r"no\x1b[2J"),
    "redirects without end": ({"PUT": _answers(307, Location="/v2/NAME/manifests/again")}, ""),
}


@pytest.fixture(scope="module")
def reference(ground: Ground, hostile: Registry) -> str:
    """A harmless image, in the store."""
    name = hostile.add(busybox_with())
    ground.program.run("pull", "-q", INSECURE, name)
    return name


@pytest.mark.parametrize("case", CASES)
def test_lies(ground: Ground, hostile: Registry, reference: str, case: str) -> None:
    other, words = CASES[case]
    target = hostile.add(lambda exchange: honest(exchange, **other))
    conf = ground.program.write("containers.conf", "[engine]\nretry = 0\n")
    env = {"CONTAINERS_CONF": conf}
    arguments = ("push", "-q", INSECURE, reference, target)
    if words is None:
        ground.attack(*arguments, status=0, keeps=True, metered=True, env=env)
    else:
        ground.attack(*arguments, words=[words], metered=True, env=env)


def test_credentials_stay_home(ground: Ground, reference: str) -> None:
    """An upload that is to go to another host goes there without them."""
    with Hostile(lambda exchange: exchange.answer(201)) as thief:

        def script(exchange: Exchange) -> None:
            if "authorization" not in exchange.headers:
                exchange.answer(401, headers={"WWW-Authenticate": 'Basic realm="x"'})
            elif exchange.method == "POST":
                exchange.answer(202, headers={"Location": f"http://{thief.name}/upload"})
            elif exchange.path == "/v2/":
                exchange.answer(200)
            else:
                honest(exchange)

        with Hostile(script) as server:
            flags = ("push", "-q", INSECURE, "--creds", "me:secret", reference, f"{server.name}/x/y:1")
            ground.program.run(*flags, check=False)
            secret = base64.b64encode(b"me:secret").decode()
            assert any(secret in seen.headers.get("authorization", "") for seen in server.seen)
            assert not [seen for seen in thief.seen if "authorization" in seen.headers]

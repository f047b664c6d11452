"""`system cache`: what was fetched is served again, whole, within bounds; and what a registry behind must not do."""

from __future__ import annotations

import base64
import json
import os
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Self

import pytest

from tests.rig.hostile_registry import Exchange, Hostile
from tests.rig.program import Program
from tests.rig.registry import Image, image, index, sha256
from tests.rig.served import Answer, Served


class Behind:
    """A registry behind the cache: repositories and tags that a test fills, what it was asked for, and its faults."""

    def __init__(self) -> None:
        self.manifests: dict[str, Image] = {}
        self.blobs: dict[str, bytes] = {}
        self.password = ""
        self.down = False
        self.cut = 0  # blobs end after so many bytes, once
        self.gate = threading.Event()  # what a blob's second half waits for
        self.gate.set()
        self._server = Hostile(self._answer)

    def add(self, name: str, tag: str, added: Image) -> None:
        for child in added.children:
            self.add(name, child.digest, child)
        self.manifests[f"{name}:{tag}"] = self.manifests[f"{name}:{added.digest}"] = added
        self.blobs.update(added.blobs)

    @property
    def name(self) -> str:
        return self._server.name

    def asked(self) -> list[str]:
        """Method and path of all requests since the last call."""
        found = [f"{seen.method} {seen.path}" for seen in self._server.seen if seen.path != "/v2/"]
        self._server.seen.clear()
        return found

    def _answer(self, exchange: Exchange) -> None:
        kind, _, selector = exchange.path.rpartition("/")
        name, _, kind = kind.removeprefix("/v2/").rpartition("/")
        if self.down:
            exchange.answer(503)
        elif self.password and exchange.headers.get("authorization") != f"Basic {self.password}":
            exchange.start(401, {"Content-Length": "0", "WWW-Authenticate": 'Basic realm="x"'})
        elif exchange.path == "/v2/":
            exchange.answer(200, b"{}")
        elif kind == "manifests" and f"{name}:{selector}" in self.manifests:
            found = self.manifests[f"{name}:{selector}"]
            headers = {"Content-Type": found.media_type, "Docker-Content-Digest": found.digest}
            self._send(exchange, found.manifest, headers)
        elif kind == "blobs" and selector in self.blobs:
            self._blob(exchange, self.blobs[selector])
        elif exchange.path.partition("?")[0].endswith("/tags/list"):
            tags = [key.rpartition(":")[2] for key in self.manifests if "sha256:" not in key]
            self._send(exchange, json.dumps({"tags": tags}).encode(), {})
        else:
            exchange.start(404, {"Content-Length": "0"})

    def _blob(self, exchange: Exchange, data: bytes) -> None:
        start = int(exchange.headers.get("range", "bytes=0-")[6:].partition("-")[0])
        part = data[start:]
        headers = {"Content-Length": str(len(part))}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        exchange.start(206 if start else 200, headers)
        if self.cut:
            exchange.send(part[: self.cut])
            self.cut = 0
            exchange.hang_up()
            return
        exchange.send(part[: len(part) // 2])
        self.gate.wait(60)
        exchange.send(part[len(part) // 2 :])

    def _send(self, exchange: Exchange, data: bytes, headers: Mapping[str, str]) -> None:
        exchange.start(200, {**headers, "Content-Length": str(len(data))})
        if exchange.method != "HEAD":
            exchange.send(data)

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.__exit__(*error)


@pytest.fixture
def behind() -> Iterator[Behind]:
    with Behind() as made:
        yield made


@pytest.fixture(scope="module")
def cache(shared_program: Program) -> Iterator[Served]:
    """A cache that looks tags up again each time."""
    flags = ("--tls-verify=false", "--allow-private", "--ttl", "0s", "--max-size", "3m")
    with Served(shared_program, "cache", *flags) as running:
        yield running
        assert running.stop() == 0
    shared_program.run("system", "check")


def path(behind: Behind, rest: str) -> str:
    return f"/v2/{behind.name}/{rest}"


def layer_of(made: Image) -> str:
    return str(json.loads(made.manifest)["layers"][0]["digest"])


def code(answer: Answer) -> tuple[int, str]:
    return answer.status, json.loads(answer.body)["errors"][0]["code"]


def log(cache: Served) -> str:
    with open(cache.errors, encoding="utf-8") as file:
        return file.read()


def test_what_was_fetched_is_kept(cache: Served, behind: Behind) -> None:
    made = image([{"a": b"one"}])
    several = index([(made, {"os": "linux", "architecture": "amd64"})])
    behind.add("team/app", "1", several)
    assert cache.request("GET", path(behind, "team/app/manifests/1")).body == several.manifest
    assert cache.request("GET", path(behind, f"team/app/manifests/{made.digest}")).body == made.manifest
    for digest, data in made.blobs.items():
        assert cache.request("HEAD", path(behind, f"team/app/blobs/{digest}")).headers["content-length"] == str(
            len(data)
        )
        assert cache.request("GET", path(behind, f"team/app/blobs/{digest}")).body == data
    assert len([line for line in behind.asked() if "/blobs/" in line]) == len(made.blobs)
    for digest, data in made.blobs.items():
        assert cache.request("GET", path(behind, f"team/app/blobs/{digest}")).body == data
        part = cache.request("GET", path(behind, f"team/app/blobs/{digest}"), headers={"Range": "bytes=1-3"})
        assert (part.status, part.body) == (206, data[1:4])
    assert cache.request("GET", path(behind, f"team/app/manifests/{made.digest}")).body == made.manifest
    assert behind.asked() == []
    # containerd's way to name the registry
    assert cache.request("GET", f"/v2/team/app/manifests/1?ns={behind.name}").body == several.manifest
    assert behind.asked() == ["HEAD /v2/team/app/manifests/1"]
    # what another repository has is not fetched again, nor given away
    digest = layer_of(made)
    assert code(cache.request("GET", path(behind, f"other/blobs/{'sha256:' + '0' * 64}"))) == (404, "BLOB_UNKNOWN")
    behind.asked()
    behind.add("team/copy", "1", made)
    cache.request("GET", path(behind, "team/copy/manifests/1"))
    assert cache.request("GET", path(behind, f"team/copy/blobs/{digest}")).body == made.blobs[digest]
    assert not [line for line in behind.asked() if "/blobs/" in line]


def test_tags_move_and_registries_fail(cache: Served, behind: Behind) -> None:
    old, new = image([{"a": b"old"}]), image([{"a": b"new"}])
    behind.add("tags", "1", old)
    assert cache.request("GET", path(behind, "tags/manifests/1")).body == old.manifest
    behind.add("tags", "1", new)
    assert cache.request("GET", path(behind, "tags/manifests/1")).body == new.manifest
    assert json.loads(cache.request("GET", path(behind, "tags/tags/list")).body)["tags"] == ["1"]
    behind.down = True
    assert cache.request("GET", path(behind, "tags/manifests/1")).body == new.manifest
    assert f"{behind.name}/tags:1 is served as it was" in log(cache)
    assert json.loads(cache.request("GET", path(behind, "tags/tags/list")).body)["tags"] == ["1"]
    assert code(cache.request("GET", path(behind, "tags/manifests/2"))) == (502, "UNAVAILABLE")
    behind.down = False
    del behind.manifests["tags:1"]
    assert code(cache.request("GET", path(behind, "tags/manifests/1"))) == (404, "MANIFEST_UNKNOWN")
    behind.down = True  # what the registry said is gone is not served again
    assert code(cache.request("GET", path(behind, "tags/manifests/1"))) == (502, "UNAVAILABLE")


def test_one_transfer_for_all_who_ask(cache: Served, behind: Behind) -> None:
    """They read along while it comes; the last byte waits for the digest."""
    made = image([os.urandom(200_000)])
    behind.add("crowd", "1", made)
    digest = layer_of(made)
    cache.request("GET", path(behind, "crowd/manifests/1"))
    behind.gate.clear()
    found: list[bytes] = []

    def pull() -> None:
        found.append(cache.request("GET", path(behind, f"crowd/blobs/{digest}")).body)

    clients = [threading.Thread(target=pull) for _ in range(6)]
    for client in clients:
        client.start()
    while not [line for line in behind.asked() if digest in line]:
        time.sleep(0.01)
    behind.gate.set()
    for client in clients:
        client.join(60)
    assert found == [made.blobs[digest]] * 6
    assert not [line for line in behind.asked() if digest in line]


def test_a_broken_transfer_goes_on(cache: Served, behind: Behind) -> None:
    made = image([os.urandom(900_000)])
    behind.add("broken", "1", made)
    digest = layer_of(made)
    cache.request("GET", path(behind, "broken/manifests/1"))
    behind.cut = 600_000
    assert cache.request("GET", path(behind, f"broken/blobs/{digest}")).body == made.blobs[digest]


def test_a_killed_cache_has_what_it_had(cache: Served, behind: Behind) -> None:
    made = image([{"a": b"killed"}])
    behind.add("killed", "1", made)
    digest = layer_of(made)
    cache.request("GET", path(behind, "killed/manifests/1"))
    cache.request("GET", path(behind, f"killed/blobs/{digest}"))
    cache.kill()
    cache.start()
    behind.down = True
    assert cache.request("GET", path(behind, "killed/manifests/1")).body == made.manifest
    assert cache.request("GET", path(behind, f"killed/blobs/{digest}")).body == made.blobs[digest]


def test_lies_are_not_kept(cache: Served, behind: Behind) -> None:
    made = image([os.urandom(5000)])
    behind.add("lies", "1", made)
    digest = layer_of(made)
    right = made.blobs[digest]
    cache.request("GET", path(behind, "lies/manifests/1"))
    for wrong in (right[:-1] + b"x", right + b"x", right[:-1]):
        behind.blobs[digest] = wrong
        try:
            answer = cache.request("GET", path(behind, f"lies/blobs/{digest}"))
        except Exception:
            pass  # cut before its end
        else:
            assert answer.status == 502
        assert not os.path.exists(f"{cache.program.root}/blobs/sha256/{digest[7:]}")
    behind.blobs[digest] = right
    assert cache.request("GET", path(behind, f"lies/blobs/{digest}")).body == right


def test_the_least_recently_used_goes_first(cache: Served, behind: Behind) -> None:
    """3 MiB are allowed: of three layers of 1.2 MB, the one that was used last longest ago is fetched again."""
    made = [image([os.urandom(1_200_000)]) for _ in range(3)]
    layers = [layer_of(one) for one in made]

    def used(number: int) -> list[str]:
        answer = cache.request("GET", path(behind, f"lru{number}/blobs/{layers[number]}"))
        assert answer.body == made[number].blobs[layers[number]]
        return [line for line in behind.asked() if layers[number] in line]

    for number in range(3):
        behind.add(f"lru{number}", "1", made[number])
        cache.request("GET", path(behind, f"lru{number}/manifests/1"))
    assert used(0)
    assert used(1)
    assert used(0) == []
    assert used(2)
    assert used(0) == []
    assert used(1)
    files = os.scandir(f"{cache.program.root}/blobs/sha256")
    assert sum(entry.stat().st_size for entry in files) <= 3 << 20


def test_what_is_larger_than_the_cache_takes_nobodys_place(cache: Served, behind: Behind) -> None:
    kept = image([os.urandom(5000)])
    behind.add("kept", "1", kept)
    behind.add("large", "1", image([os.urandom(4 << 20)]))
    digest = layer_of(kept)
    for name in ("kept", "large"):
        assert cache.request("GET", path(behind, f"{name}/manifests/1")).status == 200
    assert cache.request("GET", path(behind, f"kept/blobs/{digest}")).body == kept.blobs[digest]
    large = layer_of(behind.manifests["large:1"])
    assert code(cache.request("GET", path(behind, f"large/blobs/{large}"))) == (507, "UNAVAILABLE")
    behind.down = True
    assert cache.request("GET", path(behind, f"kept/blobs/{digest}")).body == kept.blobs[digest]


@pytest.mark.parametrize(
    ("method", "target", "expected"),
    [
        ("PUT", "/v2/a/manifests/1", (405, "UNSUPPORTED")),
        ("POST", "/v2/a/blobs/uploads/", (404, "NAME_UNKNOWN")),
        ("DELETE", f"/v2/a/blobs/sha256:{'0' * 64}", (405, "UNSUPPORTED")),
        ("GET", "/v2/localhost/../manifests/1", (400, "NAME_INVALID")),
        ("GET", "/v2/localhost:1/a@sha256:0/manifests/1", (400, "NAME_INVALID")),
        ("GET", "/v2/a/manifests/1?ns=../x", (400, "NAME_INVALID")),
        ("GET", "/v2/a/manifests/1?ns=nodots", (400, "NAME_INVALID")),
        ("GET", "/v2/localhost:1/a/manifests/1", (502, "UNAVAILABLE")),
        ("GET", "/v2/localhost:1/a/manifests/-x", (404, "MANIFEST_UNKNOWN")),
    ],
)
def test_what_is_refused(cache: Served, method: str, target: str, expected: tuple[int, str]) -> None:
    assert code(cache.request(method, target)) == expected


def test_credentials_stay_here(argosy: Program, behind: Behind) -> None:
    """They go to their registry alone, and no client sees them; registries that are not named are not asked."""
    behind.add("private", "1", image([{"a": b"secret"}]))
    pair = base64.b64encode(b"me:hunter2").decode()
    behind.password = pair
    auth = argosy.write("auth.json", json.dumps({"auths": {behind.name: {"auth": pair}}}), 0o600)
    flags = ("--tls-verify=false", "--authfile", auth, "--upstream", behind.name)
    with Behind() as other, Served(argosy, "cache", *flags) as cache:
        answer = cache.request("GET", "/v2/private/manifests/1")
        assert (answer.status, sha256(answer.body)) == (200, behind.manifests["private:1"].digest)
        assert not [value for value in (*answer.headers.values(), log(cache)) if "hunter2" in value or pair in value]
        assert code(cache.request("GET", path(other, "a/manifests/1"))) == (403, "DENIED")
        assert other.asked() == []
        behind.password = "x"
        denied = cache.request("GET", "/v2/private/manifests/2")
        assert code(denied) == (403, "DENIED")
        assert not any(word in denied.body.decode() for word in ("hunter2", "user", auth))


def test_peers_pull_through_it(argosy: Program, behind: Behind) -> None:
    """As a mirror, the way registries.conf names one."""
    behind.add("peers", "1", image([{"bin/x": b"x" * 1000}], docker=True))
    with Served(argosy, "cache", "--tls-verify=false", "--upstream", behind.name, "--ttl", "0s") as cache:
        config = argosy.write(
            "registries.conf",
            '[[registry]]\nlocation = "registry.test"\n'
            f'[[registry.mirror]]\nlocation = "{cache.name}"\ninsecure = true\n',
        )
        with tempfile.TemporaryDirectory() as base:  # podman takes no long path
            podman = ("podman", "--root", f"{base}/root", "--runroot", f"{base}/run", "--storage-driver", "vfs")
            environment = ("env", f"CONTAINERS_REGISTRIES_CONF={config}")
            argosy.call(*environment, *podman, "pull", "-q", "registry.test/peers:1")
        assert [line for line in behind.asked() if "/blobs/" in line]
        behind.down = True
        argosy.run("pull", "-q", "registry.test/peers:1", env={"CONTAINERS_REGISTRIES_CONF": config})


def test_what_the_store_has_is_proven_first(argosy: Program, behind: Behind) -> None:
    """A registry that only a client chose does not get at the store's own images by naming their digests."""
    own = image([{"a": os.urandom(3000)}])
    digest = layer_of(own)
    with Behind() as other, Served(argosy, "cache", "--tls-verify=false", "--allow-private") as cache:
        other.add("private", "1", own)
        argosy.run("pull", "-q", "--tls-verify=false", f"{other.name}/private:1")
        behind.add("evil", "1", own)
        behind.blobs[digest] = os.urandom(len(own.blobs[digest]))
        for _ in range(2):
            cache.request("GET", path(behind, "evil/manifests/1"))
            answer = cache.request("GET", path(behind, f"evil/blobs/{digest}"))
            assert code(answer) == (502, "UNAVAILABLE")
        behind.blobs[digest] = own.blobs[digest]
        assert cache.request("GET", path(behind, f"evil/blobs/{digest}")).body == own.blobs[digest]
        with Served(argosy, "cache", "--tls-verify=false", "--upstream", other.name) as trusting:
            trusting.request("GET", "/v2/private/manifests/1")
            other.asked()
            assert trusting.request("GET", f"/v2/private/blobs/{digest}").body == own.blobs[digest]
            assert other.asked() == []
    argosy.run("system", "check")


def test_clients_choose_no_private_registry(argosy: Program, behind: Behind) -> None:
    """Unless the owner allows it, or names it."""
    behind.add("inside", "1", image([{"a": b"inside"}]))
    port = behind.name.partition(":")[2]
    with Served(argosy, "cache", "--tls-verify=false") as cache:
        for name in (behind.name, f"127.0.0.1:{port}", f"[::1]:{port}", f"127.1:{port}", f"10.255.255.1:{port}"):
            answer = cache.request("GET", f"/v2/inside/manifests/1?ns={name}")
            assert answer.status in (400, 403), name
            assert answer.status == 400 or b"private address" in answer.body
    assert behind.asked() == []
    config = argosy.write("registries.conf", f'[[registry]]\nlocation = "{behind.name}"\n')
    environment = {"CONTAINERS_REGISTRIES_CONF": config}
    with Served(argosy, "cache", "--tls-verify=false", env=environment) as cache:
        assert cache.request("GET", path(behind, "inside/manifests/1")).status == 200

"""Pushes that are killed or disturbed: what the registry has got is not sent again."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import stat
import time

import pytest

from tests.rig.hostile_registry import Exchange, Hostile
from tests.rig.keeping_registry import KeepingRegistry
from tests.rig.program import Program, finish
from tests.rig.registry import OCI_CONFIG, OCI_MANIFEST, sha256
from tests.rig.served import Served

INSECURE = "--dest-tls-verify=false"


def layout(program: Program, sizes: tuple[int, ...]) -> str:
    """An OCI layout with layers of these sizes, which nothing looks into; its place."""
    directory = f"{program.files}/layout-{os.urandom(4).hex()}"
    os.makedirs(f"{directory}/blobs/sha256")

    def blob(data: bytes, media_type: str) -> dict[str, object]:
        digest = hashlib.sha256(data).hexdigest()
        with open(f"{directory}/blobs/sha256/{digest}", "wb") as file:
            file.write(data)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}

    layers = [blob(os.urandom(size), "application/vnd.oci.image.layer.v1.tar+gzip") for size in sizes]
    config = blob(json.dumps({"os": "linux", "architecture": "amd64"}).encode(), OCI_CONFIG)
    manifest = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": layers}
    index = {"schemaVersion": 2, "manifests": [blob(json.dumps(manifest).encode(), OCI_MANIFEST)]}
    for name, document in (("index.json", index), ("oci-layout", {"imageLayoutVersion": "1.0.0"})):
        with open(f"{directory}/{name}", "w", encoding="utf-8") as file:
            json.dump(document, file)
    return f"oci:{directory}"


def copy(program: Program, place: str, registry: str, check: bool | int = True) -> str:
    arguments = ("copy", "-q", INSECURE, "--preserve-digests", place, f"docker://{registry}/a:1")
    return program.run(*arguments, name="skopeo", check=check).stderr


def test_a_push_that_is_killed_ten_times_goes_on(argosy: Program) -> None:
    """Killed at ten random points, it has sent all in all not much more than the image."""
    size = 64 << 20
    place = layout(argosy, (size // 2, size // 4, size // 4))
    draw = random.Random(5)
    with KeepingRegistry() as registry:
        for number in range(10):
            registry.allow(draw.randint(1, size // 12))
            push = argosy.start("copy", "-q", INSECURE, place, f"docker://{registry.name}/a:1", name="skopeo")
            registry.wait()
            os.kill(push.pid, signal.SIGKILL)
            finish(push, check=False)
            assert not registry.manifests, number
        registry.allow(2 * size)
        copy(argosy, place, registry.name)
        assert registry.received < 1.3 * size
        assert all(sha256(data) == digest for digest, data in registry.blobs.items())
        assert list(registry.manifests) == ["1"]
    assert not os.path.exists(f"{argosy.runroot}/uploads") or os.listdir(f"{argosy.runroot}/uploads") == []


def test_a_push_to_the_own_registry_goes_on(argosy: Program) -> None:
    """The client is killed, the registry is killed: what has come all in all is not much more than the image."""
    size = 64 << 20
    place = layout(argosy, (size // 2, size // 4, size // 4))
    draw = random.Random(7)
    with Served(argosy, "registry") as registry:
        sent = 0
        for number in range(6):
            limit = sent + draw.randint(1, size // 8)
            push = argosy.start("copy", "-q", INSECURE, place, f"docker://{registry.name}/a:1", name="skopeo")
            while push.poll() is None and (sent := stored(argosy)) < limit:
                time.sleep(0.005)
            if number % 2:
                registry.kill()
                registry.start()
            os.kill(push.pid, signal.SIGKILL)
            finish(push, check=False)
        before = stored(argosy)
        assert before > size // 8
        copy(argosy, place, registry.name)
        assert stored(argosy) < 1.1 * size  # nothing was begun anew
        assert registry.request("GET", "/v2/a/tags/list").body == b'{"name":"a","tags":["1"]}'
    argosy.run("system", "check")


def stored(program: Program) -> int:
    """The bytes of blobs and uploads in the program's store."""
    total = 0
    for directory in (f"{program.root}/blobs/sha256", f"{program.root}/tmp"):
        for name in os.listdir(directory) if os.path.isdir(directory) else ():
            try:
                status = os.stat(f"{directory}/{name}")
            except FileNotFoundError:
                continue
            total += status.st_size if stat.S_ISREG(status.st_mode) else 0
    return total


def test_two_processes_send_one_blob_once(argosy: Program) -> None:
    place = layout(argosy, (24 << 20,))
    with KeepingRegistry() as registry:
        arguments = ("copy", "-q", INSECURE, place, f"docker://{registry.name}/a:1")
        pushes = [argosy.start(*arguments, name="skopeo") for _ in range(3)]
        for push in pushes:
            finish(push)
        assert 24 << 20 <= registry.received < 25 << 20


@pytest.mark.parametrize("fault", ["too large", "misplaced", "stale note", "foreign bytes"])
def test_uploads_adapt(argosy: Program, fault: str) -> None:
    """Chunks where a request is too large; another look after 416; notes that are wrong do no harm."""
    place = layout(argosy, (9 << 20, 100))
    with KeepingRegistry() as registry:
        if fault == "too large":
            registry.largest = 3 << 20
        elif fault == "misplaced":
            registry.misplaced = 1
        else:
            registry.allow(1 << 20)
            push = argosy.start("copy", "-q", INSECURE, place, f"docker://{registry.name}/a:1", name="skopeo")
            registry.wait()
            os.kill(push.pid, signal.SIGKILL)
            finish(push, check=False)
            registry.allow(1 << 30)
            if fault == "stale note":
                registry.uploads.clear()
            else:
                for upload in registry.uploads.values():
                    upload[:1] = bytes([upload[0] ^ 1]) if upload else b""
        copy(argosy, place, registry.name)
        assert len(registry.blobs) == 3
        assert all(sha256(data) == digest for digest, data in registry.blobs.items())


def test_a_rate_limit_is_shown(argosy: Program) -> None:
    place = layout(argosy, (100,))

    def script(exchange: Exchange) -> None:
        limit = {"RateLimit-Limit": "100;w=21600", "RateLimit-Remaining": "0;w=21600"}
        if exchange.path == "/v2/":
            exchange.answer(200, headers={**limit, "RateLimit-Remaining": "3;w=21600"})
        else:
            exchange.answer(429, headers={**limit, "Retry-After": "3600"})

    with Hostile(script) as registry:
        said = copy(argosy, place, registry.name, check=1)
    assert "429" in said
    assert "the registry allows 100 requests in 6 h, 0 left" in said


def test_credentials_stay_with_their_registry(argosy: Program) -> None:
    """An upload that is sent to another host goes there, without what the registry alone may know."""
    place = layout(argosy, (5000,))
    with KeepingRegistry() as storage:

        def script(exchange: Exchange) -> None:
            if "authorization" not in exchange.headers:
                exchange.answer(401, headers={"WWW-Authenticate": 'Basic realm="x"'})
            elif exchange.method == "POST":
                storage.begun += 1
                storage.uploads[f"u{storage.begun}"] = bytearray()
                where = f"http://127.0.0.1:{storage.name.partition(':')[2]}/v2/a/blobs/uploads/u{storage.begun}"
                exchange.answer(202, headers={"Location": where})
            elif exchange.method == "HEAD":
                exchange.answer(404)
            else:
                exchange.answer(201 if exchange.method == "PUT" else 200)

        with Hostile(script) as registry:
            arguments = ("copy", "-q", INSECURE, "--dest-creds", "me:hunter2", place, f"docker://{registry.name}/a:1")
            done = argosy.run("--log-level", "debug", *arguments, name="skopeo")
            assert "hunter2" not in done.stdout + done.stderr
            assert set(registry.authorizations())
        assert len(storage.blobs) == 2
        assert storage.authorizations == []

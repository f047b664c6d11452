"""Images that lie, pulled by the real program: refused with the reason; nothing is left, memory stays small."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.rig.hostile_registry import Exchange, Hostile, Script, serves
from tests.rig.program import Program
from tests.rig.registry import Image, encode, image, index, sha256, tar

INSECURE = "--tls-verify=false"
MEMORY_LIMIT_KIB = 150 << 10
HONEST = image([{"a": b"1"}, {"b": os.urandom(100_000)}])


def refused(program: Program, script: Script, *words: str) -> str:
    """Pull from a registry that answers by `script`: it must fail with these words and change nothing."""
    with Hostile(script) as server:
        done = program.run("pull", INSECURE, f"{server.name}/x:latest", check=125, timeout_s=60)
    for word in words:
        assert word in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    assert "internal error" not in done.stderr
    assert done.stdout == ""
    nothing_there(program)
    return done.stderr


def nothing_there(program: Program) -> None:
    """No image, no layer, nothing half made.  Partial downloads may stay, for the next attempt."""
    assert program.run("images", "-aq").stdout == ""
    for name in ("images", "layers", "chains"):
        path = f"{program.root}/{name}"
        assert not os.path.isdir(path) or os.listdir(path) == []
    deadline = time.monotonic() + 15
    while [name for name in os.listdir(f"{program.root}/tmp") if not name.startswith("ingest-")]:
        assert time.monotonic() < deadline, os.listdir(f"{program.root}/tmp")
        time.sleep(0.02)
    for name in os.listdir(f"{program.root}/tmp"):
        os.unlink(f"{program.root}/tmp/{name}")


def changed(made: Image, **fields: Any) -> Image:
    """The image with fields of its manifest replaced (None: left out)."""
    manifest = {**json.loads(made.manifest), **fields}
    kept = {key: value for key, value in manifest.items() if value is not None}
    return Image(encode(kept), made.media_type, made.blobs)


def configured(**config: Any) -> Image:
    """An image whose config has these fields at its top level."""
    return image([{"a": b"1"}], **config)


MANIFEST = json.loads(HONEST.manifest)
LAYER = MANIFEST["layers"][0]


@pytest.mark.parametrize(
    ("served", "words"),
    [
        (changed(HONEST, manifests=[]), "both an index and an image"),
        (Image(HONEST.manifest[:-1] + b',"layers":[]}', HONEST.media_type, HONEST.blobs), "duplicate key"),
        (changed(HONEST, layers=[{**LAYER, "digest": "sha256:short"}]), "digest"),
        (changed(HONEST, layers=[{**LAYER, "digest": "sha256:../../../../etc/passwd"}]), "digest"),
        (changed(HONEST, layers=[{**LAYER, "digest": f"md5:{'0' * 32}"}]), "digest"),
        (changed(HONEST, layers=[{**LAYER, "size": -1}]), "size"),
        (changed(HONEST, layers=[{**LAYER, "size": 1 << 62}]), "size"),
        (changed(HONEST, layers=[{**LAYER, "mediaType": "text/plain"}]), "text/plain"),
        (changed(HONEST, layers=[LAYER] * 129), "129 layers"),
        (changed(HONEST, schemaVersion=1), "schema 1"),
        (changed(HONEST, mediaType="application/vnd.oci.image.index.v1+json"), "mediaType"),
        (changed(HONEST, layers=MANIFEST["layers"][:1]), "1 layers in the manifest, 2 in the config"),
        (changed(HONEST, config=None), "config"),
        (changed(HONEST, config={**MANIFEST["config"], "size": 5}), "its manifest says 5"),
        (Image(b"[" * 100_000, HONEST.media_type), "manifest"),
        (Image(b"\xff\xfe", HONEST.media_type), "manifest"),
        (Image(b"{}", HONEST.media_type), "schemaVersion"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_manifests(argosy: Program, served: Image, words: str) -> None:
    refused(argosy, serves(served), words)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"config": {"User": 5}}, "config.User"),
        ({"config": {"Env": ["novalue"]}}, "config.Env"),
        ({"config": {"Env": "A=b"}}, "config.Env"),
        ({"config": {"WorkingDir": "rel"}}, "config.WorkingDir"),
        ({"config": {"Entrypoint": [1]}}, "config.Entrypoint"),
        ({"config": {"ExposedPorts": {"99999/tcp": {}}}}, "config.ExposedPorts"),
        ({"config": {"StopSignal": "../x"}}, "config.StopSignal"),
        ({"config": {"Volumes": {"../x": {}}}}, "config.Volumes"),
        ({"config": []}, "config"),
        ({"rootfs": {"type": "layers", "diff_ids": ["sha256:x"]}}, "diff_ids"),
        ({"rootfs": {"type": "other", "diff_ids": []}}, "rootfs.type"),
        ({"rootfs": {"type": "layers", "diff_ids": [f"sha512:{'0' * 128}"]}}, "not sha256"),
        ({"architecture": {}}, "architecture"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_configs(argosy: Program, config: dict[str, Any], words: str) -> None:
    refused(argosy, serves(_with_config(config)), words)


def _with_config(fields: dict[str, Any]) -> Image:
    made = configured()
    (digest,) = [digest for digest, data in made.blobs.items() if data.startswith(b"{")]
    data = encode({**json.loads(made.blobs[digest]), **fields})
    manifest = json.loads(made.manifest)
    manifest["config"] = {**manifest["config"], "digest": sha256(data), "size": len(data)}
    return Image(encode(manifest), made.media_type, {**made.blobs, sha256(data): data})


def test_huge_documents(argosy: Program) -> None:
    big = configured(comment="x" * (5 << 20))
    refused(argosy, serves(big), "MiB")
    refused(argosy, serves(Image(b" " * (5 << 20) + HONEST.manifest, HONEST.media_type)), "MiB")


def test_an_index_that_lies(argosy: Program) -> None:
    host = {"os": "linux", "architecture": "amd64" if os.uname().machine == "x86_64" else "arm64"}
    honest = index([(HONEST, host)])
    entry = json.loads(honest.manifest)["manifests"][0]
    other = image([{"z": b"9"}])

    def script(exchange: Exchange) -> None:
        if exchange.path.endswith(HONEST.digest):
            exchange.answer(200, other.manifest, {"Content-Type": other.media_type})
        else:
            serves(honest)(exchange)

    refused(argosy, script, "digest")
    data = encode({"schemaVersion": 2, "mediaType": honest.media_type, "manifests": [{**entry, "size": 7}]})
    refused(argosy, serves(Image(data, honest.media_type, {}, (HONEST,))), "the index says")
    looped = encode(
        {"schemaVersion": 2, "mediaType": honest.media_type, "manifests": [{**entry, "platform": None}] * 3}
    )
    assert refused(argosy, serves(Image(looped, "text/html", {}, (HONEST,))))


def blob_lies() -> Iterator[tuple[str, Callable[[Exchange, bytes], None], str]]:
    yield "another content", lambda x, data: x.answer(200, bytes(len(data))), "digest"
    yield "too short", lambda x, data: x.answer(200, data[:-5]), "bytes"
    yield "too long", lambda x, data: x.answer(200, data + b"more"), "bytes"

    def endless(exchange: Exchange, _data: bytes) -> None:
        exchange.start(200, {"Transfer-Encoding": "chunked"})
        block = os.urandom(1 << 16)
        while True:
            exchange.send(b"10000\r\n" + block + b"\r\n")

    yield "endless", endless, ""
    yield "a web page", lambda x, _data: x.answer(200, b"<html>", {"Content-Type": "text/html"}), "bytes"
    yield "refused", lambda x, _data: x.answer(403, b"no"), "no"
    yield "absent", lambda x, _data: x.answer(404, b""), "404"


@pytest.mark.parametrize(("serve", "words"), [pytest.param(s, w, id=name) for name, s, w in blob_lies()])
def test_blobs(argosy: Program, serve: Callable[[Exchange, bytes], None], words: str) -> None:
    digest = MANIFEST["layers"][1]["digest"]
    honest = serves(HONEST)

    def script(exchange: Exchange) -> None:
        if digest in exchange.path:
            serve(exchange, HONEST.blobs[digest])
        else:
            honest(exchange)

    refused(argosy, script, words)
    with Hostile(honest) as server:
        argosy.run("pull", "-q", INSECURE, f"{server.name}/x:latest")


def packed(archive: bytes, blob: bytes) -> Image:
    """An image whose config promises `archive` and whose layer blob is `blob`."""
    made = image([archive])
    old = json.loads(made.manifest)["layers"][0]
    new = {**old, "digest": sha256(blob), "size": len(blob)}
    manifest = {**json.loads(made.manifest), "layers": [new]}
    return Image(encode(manifest), made.media_type, {**made.blobs, sha256(blob): blob})


GOOD = tar({"file": os.urandom(50_000)})


@pytest.mark.parametrize(
    ("served", "words"),
    [
        (packed(GOOD, gzip.compress(tar({"file": b"other"}))), "diff id"),
        (packed(GOOD, GOOD), "gzip"),
        (packed(GOOD, gzip.compress(GOOD)[:-10]), "cut off"),
        (packed(GOOD, gzip.compress(GOOD) + b"garbage behind"), "gzip"),
        (packed(GOOD, gzip.compress(GOOD)[:-8] + bytes(8)), "gzip"),
        (packed(GOOD, b""), "cut off"),
        (packed(b"no archive at all" * 100, gzip.compress(b"no archive at all" * 100)), "archive"),
        (packed(GOOD[:20_000], gzip.compress(GOOD[:20_000])), "cut off"),
    ],
    ids=["diff id", "not gzip", "cut gzip", "garbage", "checksum", "empty", "no tar", "cut tar"],
)
def test_layers_that_are_not_what_they_should_be(argosy: Program, served: Image, words: str) -> None:
    refused(argosy, serves(served), words)


def test_a_bomb_is_stopped_early_and_cheaply(argosy: Program) -> None:
    """Ten gigabytes of zeros in ten megabytes, in a layer of one file that says it is that long."""
    size = 10 << 30
    made, path = bomb(f"{argosy.files}/bomb.gz", size)
    blob = json.loads(made.manifest)["layers"][0]["digest"]
    honest = serves(made)

    def script(exchange: Exchange) -> None:
        if blob not in exchange.path:
            honest(exchange)
            return
        exchange.start(200, {"Content-Length": str(os.stat(path).st_size)})
        with open(path, "rb") as file:
            while chunk := file.read(1 << 16):
                exchange.send(chunk)

    started = time.monotonic()
    with Hostile(script) as server:
        argv = argosy.argv("pull", INSECURE, f"{server.name}/x:latest")
        peak_kib, done = measured(argosy, argv)
    assert done.returncode == 125
    assert "looks like a decompression bomb" in done.stderr or "no space left" in done.stderr
    assert peak_kib < MEMORY_LIMIT_KIB
    assert time.monotonic() - started < 60
    nothing_there(argosy)


def bomb(path: str, size: int) -> tuple[Image, str]:
    """An image whose layer expands to `size` bytes of zeros; the blob is in the file at `path`."""
    header = tarfile.TarInfo("zeros")
    header.size = size
    member = 1 << 26
    data = gzip.compress(header.tobuf()) + gzip.compress(bytes(member)) * (size // member)
    with open(path, "wb") as file:
        file.write(data)
    return packed(b"unknown", data), path


def measured(program: Program, argv: list[str]) -> tuple[int, subprocess.CompletedProcess[str]]:
    """Run it and give the largest resident size of any of its processes, in KiB."""
    time_argv = ["/usr/bin/python3", "-c", _MEASURE, *argv]
    done = subprocess.run(time_argv, env=program.environment(), capture_output=True, text=True, check=False)
    lines = done.stderr.splitlines()
    return int(lines[-1]), subprocess.CompletedProcess(argv, done.returncode, done.stdout, "\n".join(lines[:-1]))


_MEASURE = """
import resource, subprocess, sys
status = subprocess.run(sys.argv[1:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(status)
"""


def test_memory_of_an_honest_pull_stays_small(argosy: Program) -> None:
    many = image([{f"{layer}/{number}": os.urandom(700_000) for number in range(6)} for layer in range(8)])
    with Hostile(serves(many)) as server:
        argv = argosy.argv("pull", "-q", INSECURE, f"{server.name}/x:latest")
        peak_kib, done = measured(argosy, argv)
    assert done.returncode == 0, done.stderr
    assert peak_kib < MEMORY_LIMIT_KIB

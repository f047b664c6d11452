"""Signature storage that lies, floods and redirects: the image is refused, and nothing grows or leaks."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.rig import registry, signing
from tests.rig.hostile_registry import Exchange, Hostile, Script, serves
from tests.rig.program import Completed, Program
from tests.rig.registry import Image, Registry
from tests.rig.signing import Gpg

ATOMIC = "atomic container signature"
BLOCK = bytes(1 << 20)
MOST_TAKEN = 64 << 20  # with all that the buffers of the two sockets hold


class Ground:
    """An image at a registry, a good signature of it, and a policy that wants one."""

    def __init__(self, program: Program, place: Registry, gpg: Gpg) -> None:
        self.program = program
        self.image: Image = registry.image([{"signed": b"yes"}])
        self.name = place.push("attacks/signed", "1", self.image)
        key = gpg.key("good@example.com")
        self.good = gpg.sign(signing.payload(ATOMIC, self.image.digest, self.name), key)
        self.other = gpg.sign(signing.payload(ATOMIC, "sha256:" + "0" * 64, self.name), key)
        self.rule = {"type": "signedBy", "keyType": "GPGKeys", "keyPath": program.write("key", gpg.public(key))}
        os.makedirs(f"{program.base}/home/.config/containers/registries.d")

    def pull(
        self, lookaside: str, *, check: int = 125, attachments: bool = False, rule: dict[str, Any] | None = None
    ) -> Completed:
        settings = {"lookaside": lookaside, "use-sigstore-attachments": attachments}
        with open(f"{self.program.base}/home/.config/containers/registries.d/a.yaml", "w", encoding="utf-8") as file:
            json.dump({"default-docker": settings}, file)
        policy = self.program.write("policy.json", json.dumps({"default": [rule or self.rule]}))
        words = ("pull", "-q", "--tls-verify=false", "--signature-policy", policy, self.name)
        done = self.program.run(*words, check=check, env={"HOME": f"{self.program.base}/home"})
        if check:
            assert "Source image rejected" in done.stderr or "signature" in done.stderr
            assert self.program.run("images", "-q").stdout == ""
            assert os.listdir(f"{self.program.root}/images") == []
        return done


@pytest.fixture(scope="module")
def ground(
    shared_program: Program, insecure_registry: Registry, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ground]:
    gpg = Gpg.create(str(tmp_path_factory.mktemp("gpg") / "home"))
    yield Ground(shared_program, insecure_registry, gpg)
    gpg.stop()


def gives(signatures: list[bytes]) -> Script:
    """A web server with these signatures."""

    def script(exchange: Exchange) -> None:
        number = int(exchange.path.rpartition("-")[2])
        if number <= len(signatures):
            exchange.answer(200, signatures[number - 1])
        else:
            exchange.answer(404)

    return script


def test_the_good_one_is_found_among_the_others(ground: Ground) -> None:
    signatures = [b"\x99", ground.other, ground.good]
    with Hostile(gives(signatures)) as server:
        ground.pull(f"http://{server.name}/sigs", check=0)
        ground.program.run("rmi", "-a")
        hexadecimal = ground.image.digest[7:]
        assert server.paths()[0] == f"/sigs/attacks/signed@sha256={hexadecimal}/signature-1"
    with Hostile(gives(signatures[:2])) as server:
        assert "None of the 2 signatures were accepted" in ground.pull(f"http://{server.name}/sigs").stderr


def test_a_signature_for_another_image_replayed(ground: Ground) -> None:
    with Hostile(gives([ground.other])) as server:
        assert "it is for another manifest" in ground.pull(f"http://{server.name}").stderr


def test_ten_thousand_signatures(ground: Ground) -> None:
    with Hostile(lambda exchange: exchange.answer(200, b"\x99" * 600)) as server:
        done = ground.pull(f"http://{server.name}")
        assert "has more signatures" in done.stderr
        assert len(server.paths()) <= 130


def test_a_signature_of_a_gigabyte(ground: Ground) -> None:
    taken = []

    def endless(exchange: Exchange) -> None:
        exchange.start(200, {})
        for _ in range(1024):
            exchange.send(BLOCK)
            taken.append(len(BLOCK))

    with Hostile(endless) as server:
        assert "is longer than 4 MiB" in ground.pull(f"http://{server.name}").stderr
    assert sum(taken) < MOST_TAKEN
    path = ground.program.write("big", b"")
    os.truncate(path, 1 << 30)
    directory = f"{ground.program.files}/lookaside/attacks/signed@sha256={ground.image.digest[7:]}"
    os.makedirs(directory)
    os.rename(path, f"{directory}/signature-1")
    assert "longer than" in ground.pull(f"file://{ground.program.files}/lookaside").stderr
    os.unlink(f"{directory}/signature-1")
    os.mkfifo(f"{directory}/signature-1")
    assert "not a regular file" in ground.pull(f"file://{ground.program.files}/lookaside").stderr


def test_redirects_carry_no_password(ground: Ground) -> None:
    with Hostile(gives([ground.good])) as target:

        def redirect(exchange: Exchange) -> None:
            exchange.answer(302, b"", {"Location": f"http://{target.name}{exchange.path}"})

        with Hostile(redirect) as server:
            ground.pull(f"http://me:sesame@{server.name}/x", check=0)
            ground.program.run("rmi", "-a")
            assert server.authorizations()
        assert target.authorizations() == []
    with Hostile(lambda exchange: exchange.answer(500)) as server:
        done = ground.pull(f"http://me:sesame@{server.name}/x")
        assert "HTTP status 500" in done.stderr
        assert "sesame" not in done.stderr

        def loop(exchange: Exchange) -> None:
            exchange.answer(302, b"", {"Location": exchange.path})

    with Hostile(loop) as server:
        assert "redirects more than" in ground.pull(f"http://{server.name}/x").stderr


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"{}",
        b"\0sigstore-json\n{",
        b"-----BEGIN PGP MESSAGE-----\n",
        b"\0sigstore-json\n" + b"[" * 9999,
    ],
)
def test_nonsense_is_no_signature(ground: Ground, body: bytes) -> None:
    with Hostile(gives([body])) as server:
        assert "signature" in ground.pull(f"http://{server.name}").stderr


@pytest.mark.parametrize("base", ["ftp://x/y", "/plain/path", "http://[", "file:relative"])
def test_places_that_are_none(ground: Ground, base: str) -> None:
    ground.pull(base)


def attached(ground: Ground, layers: list[dict[str, Any]], **fields: Any) -> None:
    """Put an image with these layers where cosign keeps signatures."""
    config = registry.encode({})
    manifest = {
        "schemaVersion": 2,
        "mediaType": registry.OCI_MANIFEST,
        "config": registry.describe(registry.OCI_CONFIG, config),
        "layers": layers,
        **fields,
    }
    payload = b"payload"
    place = Registry(ground.name.partition("/")[0], "")
    tag = f"sha256-{ground.image.digest[7:]}.sig"
    blobs = {registry.sha256(data): data for data in (config, payload)}
    place.push("attacks/signed", tag, Image(registry.encode(manifest), registry.OCI_MANIFEST, blobs))


def test_attachments_that_lie(ground: Ground) -> None:
    kind = "application/vnd.dev.cosign.simplesigning.v1+json"
    honest = registry.describe(kind, b"payload")
    rule = {"type": "sigstoreSigned", "keyData": "AAAA"}
    cases: dict[str, list[dict[str, Any]]] = {
        "no signature exists": [{**honest, "mediaType": "application/octet-stream"}],
        "lacks the annotation": [honest],
        "than 256 KiB": [{**honest, "size": 1 << 30}],
        "more than the 128": [honest] * 129,
        "is not base64": [{**honest, "annotations": {"dev.cosignproject.cosign/signature": "%"}}],
        "not a PEM block": [{**honest, "annotations": {"dev.cosignproject.cosign/signature": "AAAA"}}],
    }
    for why, layers in cases.items():
        attached(ground, layers)
        assert why in ground.pull("file:///nowhere", attachments=True, rule=rule).stderr, why


def test_a_refused_image_is_not_fetched(ground: Ground) -> None:
    image = registry.image([{"refused": b"x"}])
    policy = ground.program.write("reject.json", json.dumps({"default": [{"type": "reject"}]}))
    with Hostile(serves(image)) as server:
        words = ("pull", "-q", "--tls-verify=false", "--signature-policy", policy, f"{server.name}/x")
        assert "is rejected by policy" in ground.program.run(*words, check=125).stderr
        assert server.paths() == ["/v2/x/manifests/latest"]


def test_the_registrys_password_stays_at_the_registry(ground: Ground) -> None:
    secret = base64.b64encode(b"me:sesame").decode()
    auth = ground.program.write("auth.json", json.dumps({"auths": {ground.name.partition("/")[0]: {"auth": secret}}}))
    with Hostile(gives([ground.good])) as server:
        settings = {"lookaside": f"http://{server.name}"}
        with open(f"{ground.program.base}/home/.config/containers/registries.d/a.yaml", "w", encoding="utf-8") as file:
            json.dump({"default-docker": settings}, file)
        policy = ground.program.write("policy.json", json.dumps({"default": [ground.rule]}))
        words = ("pull", "-q", "--tls-verify=false", "--authfile", auth, "--signature-policy", policy, ground.name)
        ground.program.run(*words, env={"HOME": f"{ground.program.base}/home"})
        assert server.paths()
        assert server.authorizations() == []
    ground.program.run("rmi", "-a")

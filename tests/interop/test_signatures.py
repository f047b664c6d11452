"""Signatures that skopeo makes are good for argosy, and the reverse; and podman's policy agrees."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from argosy.signatures import sigstorekeys
from tests.interop.peer import Podman, podman  # noqa: F401 -- a fixture
from tests.rig import registry
from tests.rig.program import Completed, Program
from tests.rig.registry import Registry
from tests.rig.signing import Gpg

pytestmark = pytest.mark.skipif(not shutil.which("skopeo"), reason="skopeo is not installed")


@dataclass
class Ground:
    """A registry, keys of both kinds and the configuration that both programs read through HOME."""

    program: Program
    registry: Registry
    gpg: Gpg
    key: str
    private: str

    @property
    def env(self) -> dict[str, str]:
        home = f"{self.program.base}/home"
        return {"HOME": home, "GNUPGHOME": self.gpg.home, "XDG_RUNTIME_DIR": f"{self.program.base}/xdg"}

    def skopeo(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        argv = [shutil.which("skopeo") or "", *words]
        done = subprocess.run(argv, env={**os.environ, **self.env}, capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, done.stderr
        return done

    def argosy(self, *words: str, check: bool | int = True, name: str = "argosy") -> Completed:
        return self.program.run(*words, check=check, name=name, env=dict(self.env))

    def image(self, repository: str) -> str:
        return self.registry.push(f"signed/{repository}", "1", registry.image([{"name": repository.encode()}]))

    def policy(self, name: str, *rules: dict[str, Any]) -> str:
        document = {"default": [{"type": "reject"}], "transports": {"docker": {self.registry.name: list(rules)}}}
        return self.program.write(name, json.dumps(document))

    @property
    def gpg_rule(self) -> dict[str, Any]:
        path = self.program.write("key.gpg", self.gpg.public(self.key))
        return {"type": "signedBy", "keyType": "GPGKeys", "keyPath": path}

    @property
    def sigstore_rule(self) -> dict[str, Any]:
        return {"type": "sigstoreSigned", "keyPath": f"{self.program.files}/cosign.pub"}


@pytest.fixture(scope="module")
def ground(shared_program: Program, insecure_registry: Registry) -> Iterator[Ground]:
    program = shared_program
    configuration = f"{program.base}/home/.config/containers/registries.d"
    os.makedirs(configuration)
    lookaside = {"default-docker": {"lookaside": f"file://{program.files}/lookaside", "use-sigstore-attachments": True}}
    with open(f"{configuration}/test.yaml", "w", encoding="utf-8") as file:
        json.dump(lookaside, file)
    with open(f"{program.base}/home/.config/containers/policy.json", "w", encoding="utf-8") as file:
        json.dump({"default": [{"type": "insecureAcceptAnything"}]}, file)
    private, public = sigstorekeys.generate(b"secret")
    program.write("cosign.pub", public)
    program.write("passphrase", "secret\n")
    gpg = Gpg.create(f"{program.base}/gpg")
    yield Ground(program, insecure_registry, gpg, gpg.key("me@example.com"), program.write("cosign.key", private))
    gpg.stop()


def signing(ground: Ground, kind: str) -> tuple[str, ...]:
    if kind == "gpg":
        return ("--sign-by", ground.key)
    return (
        "--sign-by-sigstore-private-key",
        ground.private,
        "--sign-passphrase-file",
        f"{ground.program.files}/passphrase",
    )


# Debian builds version 1.9 so; the keys and policies are then tried with argosy alone.
DISABLED = "sigstore disabled"
KINDS = ("gpg", "sigstore")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("maker", ["skopeo", "argosy", "push"])
def test_a_signature_of_one_is_good_for_the_other(ground: Ground, kind: str, maker: str) -> None:
    plain = ground.image(f"{maker}-{kind}")
    target = f"{plain[:-2]}:signed"
    insecure = ("--src-tls-verify=false", "--dest-tls-verify=false")
    if maker == "skopeo":
        words = ("copy", *insecure, *signing(ground, kind), f"docker://{plain}", f"docker://{target}")
        done = ground.skopeo(*words, check=False)
        if DISABLED in done.stderr:
            pytest.skip("this skopeo was built without sigstore")
        assert done.returncode == 0, done.stderr
    elif maker == "argosy":
        ground.argosy(
            "copy", *insecure, *signing(ground, kind), f"docker://{plain}", f"docker://{target}", name="skopeo"
        )
    else:
        ground.argosy("pull", "-q", "--tls-verify=false", plain)
        ground.argosy("push", "-q", "--tls-verify=false", *signing(ground, kind), plain, f"docker://{target}")
    rule = ground.gpg_rule if kind == "gpg" else ground.sigstore_rule
    policy = ground.policy("policy.json", rule)
    place = f"{ground.program.files}/{maker}-{kind}"
    copy = ("--policy", policy, "copy", "--src-tls-verify=false")
    ground.argosy(*copy, f"docker://{target}", f"dir:{place}", name="skopeo")
    theirs = ground.skopeo(*copy, f"docker://{target}", f"dir:{place}", check=False)
    assert theirs.returncode == 0 or DISABLED in theirs.stderr, theirs.stderr
    if theirs.returncode == 0:
        assert ground.skopeo(*copy, f"docker://{plain}", f"dir:{place}-not", check=False).returncode == 1
    ours = ground.argosy(*copy, f"docker://{plain}", f"dir:{place}-mine", name="skopeo", check=1)
    assert f'the signature is for "{target}", not for "{plain}"' in ours.stderr
    assert not os.path.exists(f"{place}-mine")
    assert ground.argosy("pull", "-q", "--tls-verify=false", "--signature-policy", policy, target)
    other = ground.policy("other.json", ground.sigstore_rule if kind == "gpg" else ground.gpg_rule)
    refused = ground.argosy("pull", "-q", "--tls-verify=false", "--signature-policy", other, target, check=125)
    assert "A signature was required, but no signature exists" in refused.stderr


def test_signatures_go_along_with_an_image(ground: Ground) -> None:
    """Into the store and on to another registry's repository, into a directory and from there."""
    plain = ground.image("along")
    insecure = ("--src-tls-verify=false", "--dest-tls-verify=false")
    target = f"{plain[:-2]}:signed"
    ground.skopeo("copy", *insecure, *signing(ground, "gpg"), f"docker://{plain}", f"docker://{target}")
    ground.argosy("pull", "-q", "--tls-verify=false", target)
    other = f"{ground.registry.name}/elsewhere/along:signed"
    ground.argosy("push", "-q", "--tls-verify=false", target, other)
    rule = {**ground.gpg_rule, "signedIdentity": {"type": "exactReference", "dockerReference": target}}
    copy = ("--policy", ground.policy("exact.json", rule), "copy", "--src-tls-verify=false")
    place = f"{ground.program.files}/along"
    ground.skopeo(*copy, f"docker://{other}", f"dir:{place}")
    assert os.path.exists(f"{place}/signature-1")
    rules = {"default": [{"type": "reject"}], "transports": {"dir": {place: [rule]}}}
    path = ground.program.write("dir.json", json.dumps(rules))
    ground.argosy("--policy", path, "copy", f"dir:{place}", f"dir:{place}-2", name="skopeo")
    assert os.path.exists(f"{place}-2/signature-1")
    ground.argosy("--policy", path, "copy", "--remove-signatures", f"dir:{place}", f"dir:{place}-3", name="skopeo")
    assert not os.path.exists(f"{place}-3/signature-1")
    ground.argosy("--policy", path, "copy", f"dir:{place}-3", f"dir:{place}-4", name="skopeo", check=1)
    changed = ground.argosy("push", "-q", "--tls-verify=false", "--format", "v2s2", target, other, check=125)
    assert "another digest" in changed.stderr
    ground.argosy("push", "-q", "--tls-verify=false", "--format", "v2s2", "--remove-signatures", target, other)


def test_standalone_signatures(ground: Ground) -> None:
    manifest = ground.program.write("manifest.json", b'{"schemaVersion":2}')
    signatures = [f"{ground.program.files}/{name}" for name in ("theirs", "ours")]
    words = ("standalone-sign", manifest, "quay.io/a/b:1", ground.key, "--output")
    ground.skopeo(*words, signatures[0])
    ground.argosy(*words, signatures[1], name="skopeo")
    for path in signatures:
        verify = ("standalone-verify", manifest, "quay.io/a/b:1", ground.key, path)
        assert ground.skopeo(*verify).stdout.startswith("Signature verified")
        assert ground.argosy(*verify, name="skopeo").stdout.startswith("Signature verified using fingerprint")
    for name, key, why in (
        ("quay.io/a/b:2", ground.key, "Docker reference quay.io/a/b:1 does not match quay.io/a/b:2"),
        ("quay.io/a/b:1", "ABCD", "does not match expected fingerprint ABCD"),
    ):
        verify = ("standalone-verify", manifest, name, key, signatures[0])
        for done in (ground.skopeo(*verify, check=False), ground.argosy(*verify, name="skopeo", check=False)):
            assert done.returncode == 1
            assert why in done.stderr
    other = ground.program.write("other.json", b'{"schemaVersion": 2}')
    verify = ("standalone-verify", other, "quay.io/a/b:1", "any", signatures[0])
    public = ("--public-key-file", ground.program.write("armored.asc", ground.gpg.public(ground.key, armor=True)))
    assert "does not match sha256:" in ground.argosy(*verify, *public, name="skopeo", check=1).stderr


def test_generated_keys_sign(ground: Ground) -> None:
    prefix = f"{ground.program.files}/made"
    passphrase = f"{ground.program.files}/passphrase"
    words = ("generate-sigstore-key", "--output-prefix", prefix, "--passphrase-file", passphrase)
    ground.argosy(*words, name="skopeo")
    assert os.stat(f"{prefix}.private").st_mode & 0o777 == 0o600
    assert "Refusing to overwrite" in ground.argosy(*words, name="skopeo", check=1).stderr
    plain = ground.image("generated")
    ground.argosy("pull", "-q", "--tls-verify=false", plain)
    push = ("push", "-q", "--tls-verify=false", "--sign-by-sigstore-private-key", f"{prefix}.private")
    wrong = ground.program.write("wrong", "other")
    refused = ground.argosy(*push, "--sign-passphrase-file", wrong, plain, check=125)
    assert "the passphrase is wrong" in refused.stderr
    ground.argosy(*push, "--sign-passphrase-file", passphrase, plain)
    policy = ground.policy("made.json", {"type": "sigstoreSigned", "keyPath": f"{prefix}.pub"})
    ground.argosy("pull", "-q", "--tls-verify=false", "--signature-policy", policy, plain)


def test_an_image_is_signed_where_it_is(ground: Ground) -> None:
    plain = ground.image("in-place")
    policy = ground.policy("place.json", ground.gpg_rule)
    pull = ("pull", "-q", "--tls-verify=false", "--signature-policy", policy, plain)
    ground.argosy(*pull, check=125)
    with open(f"{ground.program.files}/insecure.conf", "w", encoding="utf-8") as file:
        file.write(f'[[registry]]\nlocation = "{ground.registry.name}"\ninsecure = true\n')
    conf = ("--registries-conf", file.name)
    ground.argosy(*conf, "image", "sign", "--sign-by", ground.key, f"docker://{plain}")
    ground.argosy(*pull)
    copy = ("--policy", policy, "copy", "--src-tls-verify=false")
    ground.skopeo(*copy, f"docker://{plain}", f"dir:{ground.program.files}/in-place")
    directory = f"{ground.program.files}/elsewhere"
    os.mkdir(directory)
    ground.argosy(*conf, "image", "sign", "--sign-by", ground.key, "-d", directory, plain)
    (found,) = os.listdir(f"{directory}/signed")
    assert os.listdir(f"{directory}/signed/{found}") == ["signature-1"]


def test_podman_and_argosy_sign_for_each_other(
    ground: Ground,
    podman: Podman,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in ground.env.items():
        monkeypatch.setenv(name, value)
    policy = ground.policy("podman.json", ground.gpg_rule)
    push = ("push", "-q", "--tls-verify=false", "--sign-by", ground.key)
    pull = ("pull", "-q", "--tls-verify=false", "--signature-policy", policy)
    plain = ground.image("podman")
    refused = podman.run(*pull, plain, check=False)
    assert "A signature was required, but no signature exists" in refused.stderr
    podman.run("pull", "-q", "--tls-verify=false", plain)
    podman.run(*push, plain)
    ground.argosy(*pull, plain)
    other = f"{ground.registry.name}/signed/for-podman:1"
    ground.argosy(*push, plain, other)
    podman.run(*pull, other)
    rows = [
        line.split()[:3] for line in podman.run("image", "trust", "show", "--policypath", policy).stdout.splitlines()
    ]
    ours = [line.split()[:3] for line in ground.argosy("image", "trust", "show", "--policypath", policy).lines]
    assert ours == rows

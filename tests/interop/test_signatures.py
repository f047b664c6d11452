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

"""The policy at the door: what it refuses leaves nothing behind, whatever way the image comes."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from tests.rig import registry
from tests.rig.program import Program
from tests.rig.registry import Registry
from tests.rig.signing import Gpg

ACCEPT = [{"type": "insecureAcceptAnything"}]
REJECT = [{"type": "reject"}]


def policy(program: Program, name: str, **document: Any) -> str:
    return program.write(f"{name}.json", json.dumps(document))


def test_a_refusal_names_the_rule_and_leaves_nothing(argosy_both: Program, insecure_registry: Registry) -> None:
    argosy = argosy_both
    name = insecure_registry.push("trust/plain", "1", registry.image())
    rejecting = policy(argosy, "reject", default=ACCEPT, transports={"docker": {insecure_registry.name: REJECT}})
    argosy.run("pull", "-q", "--tls-verify=false", name)
    archive = f"{argosy.files}/image.tar"
    argosy.run("save", "-q", "-o", archive, name)
    argosy.run("rmi", name)
    done = argosy.run("pull", "--tls-verify=false", "--signature-policy", rejecting, name, check=125)
    assert f"Source image rejected: Running image docker://{name} is rejected by policy: the rule" in done.stderr
    assert f'transports.docker["{insecure_registry.name}"][0] (reject) in {rejecting}' in done.stderr
    for words in (("run", "--rm"), ("create",)):
        done = argosy.run(
            *words, "--network=none", "--tls-verify=false", "--signature-policy", rejecting, name, "true", check=125
        )
        assert "is rejected by policy" in done.stderr
    dockerfile = argosy.write("Dockerfile", f"FROM {name}\n")
    build = ("build", "-q", "-f", dockerfile, "--tls-verify=false", "--signature-policy", rejecting, argosy.files)
    assert "is rejected by policy" in argosy.run(*build, check=125).stderr
    everything = policy(argosy, "everything", default=REJECT)
    refused = argosy.run("import", "--signature-policy", everything, archive, check=125)
    assert f"Running image tarball:{archive} is rejected by policy" in refused.stderr
    signed = [{"type": "signedBy", "keyType": "GPGKeys", "keyPath": "/nonexistent"}]
    for rules, why in ((REJECT, "is rejected by policy"), (signed, "A signature was required")):
        path = policy(argosy, "archives", default=ACCEPT, transports={"docker-archive": {"": rules}})
        assert why in argosy.run("load", "-q", "-i", archive, "--signature-policy", path, check=125).stderr
    assert argosy.run("images", "-q").stdout == ""
    assert os.listdir(f"{argosy.root}/images") == []


@pytest.mark.parametrize(
    "text",
    ["", "{}", '{"default":[]}', '{"default":[{"type":"insecureAcceptAnything"}],"x":1}', '{"default":[{"type":"x"}]}'],
)
def test_a_broken_policy_refuses(shared_both: Program, insecure_registry: Registry, text: str) -> None:
    name = insecure_registry.push("trust/plain", "1", registry.image())
    own = f"{shared_both.base}/home/.config/containers/policy.json"
    path = shared_both.write("broken.json", text)
    done = shared_both.run("pull", "-q", "--tls-verify=false", "--signature-policy", path, name, check=125)
    assert f'invalid signature policy "{path}"' in done.stderr
    assert not os.path.exists(own)


def test_trust_is_set_and_shown(argosy_both: Program, tmp_path_factory: pytest.TempPathFactory) -> None:
    argosy = argosy_both
    gpg = Gpg.create(str(tmp_path_factory.mktemp("gpg") / "home"))
    try:
        key = argosy.write("key.gpg", gpg.public(gpg.key("me@example.com")))
    finally:
        gpg.stop()
    own = ["--policypath", policy(argosy, "policy", default=ACCEPT)]
    trust = ("image", "trust")
    argosy.run(*trust, "set", *own, "-t", "reject", "default")
    argosy.run(*trust, "set", *own, "-f", key, "quay.io/a")
    argosy.run(*trust, "set", *own, "--type", "accept", "docker.io/library")
    shown = argosy.run(*trust, "show", *own).lines
    assert [line.split() for line in shown] == [
        ["TRANSPORT", "NAME", "TYPE", "ID", "STORE"],
        ["all", "default", "reject"],
        ["repository", "docker.io/library", "accept"],
        ["repository", "quay.io/a", "signed", "me@example.com"],
    ]
    assert [line.split() for line in argosy.run(*trust, "show", "-n", *own, "quay.io/a/b:1").lines] == [
        ["repository", "quay.io/a/b:1", "signed", "me@example.com"]
    ]
    assert argosy.run(*trust, "show", "--json", *own, "quay.io/a").json() == [
        {
            "transport": "repository",
            "name": "quay.io/a",
            "repo_name": "quay.io/a",
            "type": "signed",
            "gpg_id": "me@example.com",
        }
    ]
    raw = argosy.run(*trust, "show", "--raw", *own).json()
    assert raw["transports"]["docker"]["quay.io/a"] == [{"type": "signedBy", "keyType": "GPGKeys", "keyPath": key}]
    broken = ["--policypath", argosy.write("broken.json", '{"default": [{"type": "rejekt"}]}')]
    for words in (("set", *broken, "-t", "reject", "default"), ("show", *broken)):
        assert 'unknown requirement type "rejekt"' in argosy.run(*trust, *words, check=125).stderr
    for words, why in (
        (("-t", "foo", "x.io"), "invalid choice: foo (choose from 'accept', 'reject', 'signedBy', 'sigstoreSigned')"),
        (("x.io",), "at least one public key must be defined for type 'signedBy'"),
        (("-t", "accept", "-f", key, "x.io"), "1 public keys unexpectedly provided for trust type accept"),
        (("-f", "/none", "x.io"), "there is no such file"),
        (("-t", "reject", "https://x.io"), "not the host name"),
    ):
        assert why in argosy.run(*trust, "set", *own, *words, check=125).stderr
    assert argosy.run(*trust, "show", "--raw", *own).json() == raw


def test_users_have_a_policy_of_their_own(argosy_user: Program) -> None:
    own = f"{argosy_user.base}/home/.config/containers/policy.json"
    argosy_user.run("image", "trust", "set", "-t", "reject", "x.example.com")
    with open(own, encoding="utf-8") as file:
        assert json.load(file)["transports"]["docker"]["x.example.com"] == REJECT
    shown = argosy_user.run("image", "trust", "show", "-n", "x.example.com/y")
    assert shown.stdout.split()[-1] == "reject"
    refused = argosy_user.run("pull", "x.example.com/y", check=125)
    assert "x.example.com" in refused.stderr

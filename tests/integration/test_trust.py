"""The policy at the door: what it refuses leaves nothing behind, whatever way the image comes."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from tests.rig import registry
from tests.rig.program import Program
from tests.rig.registry import Registry

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
    assert f"Source image rejected: Running image docker://{name} is rejected by policy." in done.stderr
    assert f'transports.docker["{insecure_registry.name}"][0] (reject) in {rejecting}' in done.stderr
    for words in (("run", "--rm"), ("create",)):
        done = argosy.run(
            *words, "--network=none", "--tls-verify=false", "--signature-policy", rejecting, name, "true", check=125
        )
        assert "is rejected by policy" in done.stderr
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

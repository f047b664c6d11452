"""policy.json: what each rule becomes, which one holds for an image, and what is refused."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from argosy.config import policy, policyfile
from argosy.config.policy import Fulcio, Identity, Key, Pki
from argosy.errors import ArgosyError, Invalid
from argosy.oci import reference, scopes

ACCEPT = {"type": "insecureAcceptAnything"}
REJECT = {"type": "reject"}
DATA = base64.b64encode(b"key").decode()


def parse(**document: Any) -> policy.Policy:
    return policyfile.parse(json.dumps(document).encode(), "/p.json")


def rule(**fields: Any) -> policy.Requirement:
    return parse(default=[fields]).default[0]


def kinds(rules: policy.Policy, transport: str, text: str) -> list[str]:
    names = scopes.of_reference(reference.parse(text)) if transport == "docker" else (text,)
    return [found.where for found in rules.requirements(transport, names)]


def test_the_most_specific_scope_decides() -> None:
    rules = parse(
        default=[REJECT],
        transports={
            "docker": {
                "quay.io/a/b:1": [ACCEPT],
                "quay.io/a/b": [ACCEPT, REJECT],
                "quay.io/a": [ACCEPT],
                "quay.io": [ACCEPT],
                "*.example.com": [ACCEPT],
                "localhost:5000": [ACCEPT],
            },
            "dir": {"": [ACCEPT]},
        },
    )
    where = 'transports.docker["{}"][0]'.format
    assert kinds(rules, "docker", "quay.io/a/b:1") == [where("quay.io/a/b:1")]
    assert kinds(rules, "docker", "quay.io/a/b:2") == [
        'transports.docker["quay.io/a/b"][0]',
        'transports.docker["quay.io/a/b"][1]',
    ]
    assert kinds(rules, "docker", "quay.io/a/c") == [where("quay.io/a")]
    assert kinds(rules, "docker", "quay.io/aa/c") == [where("quay.io")]
    assert kinds(rules, "docker", "x.y.example.com:99/c") == [where("*.example.com")]
    assert kinds(rules, "docker", "example.com/c") == ["default[0]"]
    assert kinds(rules, "docker", "localhost:5000/c") == [where("localhost:5000")]
    assert kinds(rules, "docker", "localhost:5001/c") == ["default[0]"]
    assert kinds(rules, "dir", "/tmp/x") == ['transports.dir[""][0]']
    assert kinds(rules, "oci", "/tmp/x") == ["default[0]"]


def test_the_fields_of_signed_by() -> None:
    found = rule(type="signedBy", keyType="GPGKeys", keyPath="/k")
    assert (found.keys, found.identity) == ((Key("/k"),), Identity("matchRepoDigestOrExact"))
    found = rule(type="signedBy", keyType="GPGKeys", keyPaths=["/k", "/l"], signedIdentity={"type": "matchExact"})
    assert (found.keys, found.identity) == ((Key("/k"), Key("/l")), Identity("matchExact"))
    assert rule(type="signedBy", keyType="GPGKeys", keyData=DATA).keys == (Key(data=b"key"),)


@pytest.mark.parametrize(
    ("identity", "wanted"),
    [
        ({"type": "matchRepository"}, Identity("matchRepository")),
        (
            {"type": "exactReference", "dockerReference": "busybox:1"},
            Identity("exactReference", "docker.io/library/busybox:1"),
        ),
        ({"type": "exactRepository", "dockerRepository": "quay.io/a"}, Identity("exactRepository", "quay.io/a")),
        (
            {"type": "remapIdentity", "prefix": "localhost:5000", "signedPrefix": "docker.io/library"},
            Identity("remapIdentity", "", "localhost:5000", "docker.io/library"),
        ),
    ],
)
def test_the_kinds_of_identity(identity: dict[str, str], wanted: Identity) -> None:
    assert rule(type="signedBy", keyType="GPGKeys", keyPath="/k", signedIdentity=identity).identity == wanted


def test_the_fields_of_sigstore_signed() -> None:
    assert rule(type="sigstoreSigned", keyDatas=[DATA, DATA]).keys == (Key(data=b"key"), Key(data=b"key"))
    found = rule(
        type="sigstoreSigned",
        fulcio={"caPath": "/ca", "oidcIssuer": "https://i", "subjectEmail": "a@b"},
        rekorPublicKeyData=DATA,
    )
    assert found.fulcio == Fulcio(Key("/ca"), "https://i", "a@b")
    assert (found.keys, found.rekor_keys) == ((), (Key(data=b"key"),))
    found = rule(type="sigstoreSigned", pki={"caRootsPath": "/r", "caIntermediatesData": DATA, "subjectHostname": "h"})
    assert found.pki == Pki(Key("/r"), Key(data=b"key"), "", "h")


GPG = {"type": "signedBy", "keyType": "GPGKeys"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no JSON"),
        ("[]", "not an object"),
        ("{}", "default is missing"),
        ('{"default": []}', "at least one"),
        ('{"default": null}', "at least one"),
        ('{"default": [{"type":"reject"}], "default": [{"type":"insecureAcceptAnything"}]}', "duplicate key"),
        ('{"default": [{"type":"reject","type":"insecureAcceptAnything"}]}', "duplicate key"),
        ('{"default": [{"type":"reject"}], "Default": []}', 'unknown key "Default"'),
        ('{"default": [{"type":"reject"}], "transports": null}', "transports is not an object"),
        ('{"default": [{"type":"Reject"}]}', 'unknown requirement type "Reject"'),
        ('{"default": [{"type":"reject","x":1}]}', 'unknown key "x" in default[0]'),
        ('{"default": [{"type":"reject"}]} {}', "unexpected text"),
        ('{"default": [{"type":"reject"}], "transports": {"docker": {"q.io": []}}}', 'docker["q.io"]'),
        ('{"default": [{"type":"reject"}], "transports": {"docker": {"*io": [{"type":"reject"}]}}}', "wildcard"),
        ('{"default": [{"type":"reject"}], "transports": {"dir": {"a": [{"type":"reject"}]}}}', "absolute"),
        ('{"default": [{"type":"reject"}], "transports": {"dir": {"/a/": [{"type":"reject"}]}}}', "clean path"),
        ('{"default": [{"type":"reject"}], "transports": {"oci": {"/": [{"type":"reject"}]}}}', 'written ""'),
        (json.dumps({"default": [GPG]}), "exactly one of keyPath"),
        (json.dumps({"default": [{**GPG, "keyPath": "/a", "keyData": DATA}]}), "only one of"),
        (json.dumps({"default": [{**GPG, "keyPath": ""}]}), "not a string with content"),
        (json.dumps({"default": [{**GPG, "keyPaths": []}]}), "not a list"),
        (json.dumps({"default": [{**GPG, "keyData": "%"}]}), "not base64"),
        (json.dumps({"default": [{"type": "signedBy", "keyPath": "/a"}]}), "keyType is missing"),
        (json.dumps({"default": [{"type": "signedBy", "keyPath": "/a", "keyType": "x"}]}), "unknown key type"),
        (json.dumps({"default": [{**GPG, "keyPath": "/a", "signedIdentity": {"type": "x"}}]}), "unknown type"),
        (
            json.dumps(
                {"default": [{**GPG, "keyPath": "/a", "signedIdentity": {"type": "matchExact", "prefix": "x"}}]}
            ),
            "unknown key",
        ),
        (
            json.dumps(
                {
                    "default": [
                        {
                            **GPG,
                            "keyPath": "/a",
                            "signedIdentity": {"type": "remapIdentity", "prefix": "a.b/", "signedPrefix": "c.d"},
                        }
                    ]
                }
            ),
            "not a host name",
        ),
        (json.dumps({"default": [{"type": "sigstoreSigned"}]}), "exactly one of"),
        (
            json.dumps({"default": [{"type": "sigstoreSigned", "pki": {"caRootsPath": "/a"}}]}),
            "at least one of subject",
        ),
        (
            json.dumps(
                {
                    "default": [
                        {
                            "type": "sigstoreSigned",
                            "pki": {"caRootsPath": "/a", "subjectEmail": "x"},
                            "rekorPublicKeyPath": "/b",
                        }
                    ]
                }
            ),
            "with pki, none of",
        ),
        (json.dumps({"default": [{"type": "sigstoreSigned", "fulcio": {"caPath": "/a"}}]}), "oidcIssuer is missing"),
    ],
)
def test_a_broken_file_is_refused(text: str, why: str) -> None:
    with pytest.raises(Invalid) as error:
        policyfile.parse(text.encode(), "/p.json")
    assert "/p.json" in str(error.value)
    assert why in str(error.value)


def test_which_file_holds(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path)}
    own = tmp_path / ".config/containers/policy.json"
    assert policy.find(environ) in ("", policy.SYSTEM_FILE)
    own.parent.mkdir(parents=True)
    own.write_text(json.dumps({"default": [REJECT]}))
    assert policy.load(environ).default[0].kind == "reject"
    given = tmp_path / "given.json"
    with pytest.raises(Invalid, match="no such file"):
        policy.load(environ, str(given))
    given.write_text(json.dumps({"default": [ACCEPT]}))
    assert policy.load(environ, str(given)).path == str(given)


def test_what_is_there_but_cannot_be_read_never_counts_as_absent(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path)}
    own = tmp_path / ".config/containers/policy.json"
    own.parent.mkdir(parents=True)
    makers: tuple[Callable[[], None], ...] = (
        lambda: os.mkfifo(own),
        lambda: own.symlink_to("nowhere"),
        lambda: own.mkdir(),
        lambda: own.symlink_to(own),
    )
    for make in makers:
        make()
        with pytest.raises(ArgosyError, match=r"policy\.json"):
            policy.load(environ)
        if own.is_dir():
            own.rmdir()
        else:
            own.unlink()

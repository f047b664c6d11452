"""Secrets that are given on the command line: the list of processes does not show them while the command works."""

from __future__ import annotations

import os

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.rig.hostile_registry import Exchange, Hostile
from tests.rig.program import Program, finish

SECRET = "hunter2secret"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("argosy", ("pull", "-q", "--tls-verify=false", "--creds", f"me:{SECRET}", "REGISTRY/a:1")),
        ("argosy", ("pull", "-q", "--tls-verify=false", f"--creds=me:{SECRET}", "REGISTRY/a:1")),
        (
            "argosy",
            ("pull", "-q", "--tls-verify=false", "--creds", f"me:1{SECRET}", "--creds", "me:other", "REGISTRY/a:1"),
        ),
        ("argosy", ("pull", "-q", "--tls-verify=false", f"--creds=me:1{SECRET}", "--creds=a:b", "REGISTRY/a:1")),
        ("argosy", ("login", "--tls-verify=false", "-u", "me", f"-p{SECRET}", "REGISTRY")),
        ("buildah", ("pull", "-q", "--tls-verify=false", "--creds", f"me:{SECRET}", "REGISTRY/a:1")),
        (
            "skopeo",
            ("copy", "-q", "--src-tls-verify=false", "--src-creds", f"me:{SECRET}", "docker://REGISTRY/a:1", "dir:x"),
        ),
        (
            "skopeo",
            ("inspect", "--tls-verify=false", "--username", "me", "--password", SECRET, "docker://REGISTRY/a:1"),
        ),
        ("argosy", ("pull", "-q", "--tls-verify=false", "--decryption-key", f"KEY:{SECRET}", "REGISTRY/a:1")),
        ("skopeo", ("list-tags", "--tls-verify=false", "--registry-token", SECRET, "docker://REGISTRY/a")),
    ],
)
def test_the_list_of_processes(argosy: Program, name: str, words: tuple[str, ...]) -> None:
    lists: list[bytes] = []
    key = ""
    if any("KEY" in word for word in words):
        made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        form = serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(SECRET.encode())
        key = argosy.write("key.pem", made.private_bytes(serialization.Encoding.PEM, *form))

    def script(exchange: Exchange) -> None:
        for pid in filter(str.isdecimal, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    line = file.read()
            except OSError:
                continue
            if registry.name.encode() in line and pid != str(os.getpid()):
                lists.append(line)
        exchange.answer(404)

    with Hostile(script) as registry:
        argv = [word.replace("REGISTRY", registry.name).replace("KEY", key) for word in words]
        done = finish(argosy.start(*argv, name=name, stderr=-1), check=False)
        assert done.returncode
    assert SECRET not in done.stdout + done.stderr
    assert any(b"--tls-verify=false" in line or b"--src-tls-verify=false" in line for line in lists)
    shown = [line for line in lists if b"runuser" not in line.split(b"\0")[0]]
    assert shown
    assert not [line for line in shown if SECRET.encode() in line]


@pytest.mark.parametrize(
    "words", [("pull", "--creds", f"me:{SECRET}"), ("pull", "--decryption-key", f"k.pem:{SECRET}")]
)
def test_no_secret_goes_through_ssh(argosy: Program, words: tuple[str, ...]) -> None:
    done = argosy.run("--url", "ssh://nobody@127.0.0.1:1", *words, "x.test/a:1", check=125)
    assert f"{words[1]} cannot be sent to another host" in done.stderr
    assert SECRET not in done.stderr

"""Flags of `build` about what the image says of itself, who signs it, and what steps may use."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator

import pytest

from argosy.version import SPOKEN
from tests.rig import host
from tests.rig.program import Program
from tests.rig.registry import Registry
from tests.rig.signing import Gpg

IDENTITY = {"io.buildah.version": SPOKEN["buildah"]}
# A step in whose tree the host's programs are.
HOST = ("-v", "/usr:/usr:ro", "-v", "/usr/lib:/lib:ro", "-v", "/usr/lib64:/lib64:ro", "--network", "none")


@pytest.fixture(scope="module")
def program(insecure_registry: Registry, shared_both: Program) -> Program:
    """The registry runs before it, and is nothing that it leaves behind."""
    assert insecure_registry.name
    os.mkdir(f"{shared_both.files}/ctx")
    shared_both.write("ctx/f", "f\n")
    return shared_both


def build(program: Program, text: str, *flags: str, name: str = "argosy", check: bool = True) -> str:
    words = ("build", *flags, "-f", "-", f"{program.files}/ctx")
    done = program.run(*words, name=name, input=text.encode(), check=check)
    return done.stderr if not check else done.stdout


def raw_config(program: Program, name: str) -> dict[str, object]:
    """The image's config as it is stored."""
    digest = program.run("image", "inspect", "--format", "{{.Id}}", name).stdout.strip()
    with open(f"{program.root}/blobs/sha256/{digest.removeprefix('sha256:')}", "rb") as file:
        found: dict[str, object] = json.load(file)
    return found


def labels(program: Program, name: str) -> object:
    return program.run("image", "inspect", name).json()[0]["Config"].get("Labels")


def test_who_made_it_and_what_it_needs(program: Program) -> None:
    text = "FROM scratch\nCOPY f /\nLABEL a=b\n"
    build(program, text, "-t", "one", "--os-feature", "win32k", "--os-feature", "other", "--os-version", "10.1")
    assert labels(program, "one") == {**IDENTITY, "a": "b"}
    found = raw_config(program, "one")
    assert (found["os.features"], found["os.version"]) == (["win32k", "other"], "10.1")
    build(program, "FROM localhost/one\nENV A=1\n", "-t", "two", "--os-feature=other-", "--identity-label=false")
    assert raw_config(program, "two")["os.features"] == ["win32k"]
    build(program, text, "-t", "plain", "--identity-label=false")
    assert labels(program, "plain") == {"a": "b"}
    build(program, text, "-t", "docker", name="docker")
    assert labels(program, "docker") == {"a": "b"}


@pytest.fixture
def gpg(program: Program) -> Iterator[Gpg]:
    made = Gpg.create(f"{program.base}/gpg")
    yield made
    made.stop()


def test_a_signature_is_kept_and_pushed(program: Program, gpg: Gpg) -> None:
    key = gpg.key("maker@example.com")
    if program.user:
        subprocess.run(["chown", "-R", program.user, gpg.home], check=True)
    program.env["GNUPGHOME"] = gpg.home
    try:
        text = "FROM scratch\nCOPY f /\n"
        build(program, text, "-t", "example.com/signed:1", "--sign-by", key)
        program.run("push", "-q", "example.com/signed:1", f"dir:{program.files}/pushed")
        with open(f"{program.files}/pushed/signature-1", "rb") as file:
            signed = gpg.run("--decrypt", "-", data=file.read())
        with open(f"{program.files}/pushed/manifest.json", "rb") as file:
            manifest = file.read()
        critical = json.loads(signed)["critical"]
        assert critical["identity"] == {"docker-reference": "example.com/signed:1"}
        digest = program.run("image", "inspect", "--format", "{{.Digest}}", "example.com/signed:1").stdout.strip()
        assert critical["image"] == {"docker-manifest-digest": digest}
        assert json.loads(manifest)["layers"]
        assert "a name of its own" in build(program, text, "--sign-by", key, check=False)
        wrong = build(program, text, "-t", "unsigned", "--sign-by", "nobody@example.com", check=False)
        assert "nobody@example.com" in wrong
        assert program.run("image", "exists", "unsigned", check=False).returncode == 1
    finally:
        del program.env["GNUPGHOME"]


@host.needs_program("ssh-add")
def test_a_step_has_the_keys_of_files(program: Program) -> None:
    for kind in ("ed25519", "rsa"):
        program.write(kind, "")
        os.unlink(f"{program.files}/{kind}")
        words = ["-q", "-t", kind, "-N", "", "-f", f"{program.files}/{kind}"]
        subprocess.run(["ssh-keygen", *words], check=True)
        if program.user:
            subprocess.run(["chown", program.user, f"{program.files}/{kind}"], check=True)
    keys = f"both={program.files}/ed25519,{program.files}/rsa"
    text = """FROM scratch
USER 1234
RUN --mount=type=ssh,id=both,required=true,uid=1234 ["/usr/bin/ssh-add", "-L"]
"""
    output = build(program, text, "--ssh", keys, "--no-cache", *HOST)
    assert "ssh-ed25519 " in output and "ssh-rsa " in output
    other = text.replace("uid=1234", "mode=0600")
    assert "exit status 2" in build(program, other, "--ssh", keys, *HOST, check=False)
    program.write("none", "no key\n")
    assert "neither a private key" in build(
        program, text, "--ssh", f"both={program.files}/none", "--no-cache", *HOST, check=False
    )
    assert "no such file" in build(program, text, "--ssh", "both=/none", *HOST, check=False)
    assert "it must be the socket" in build(program, text, "--ssh", "both=/etc", *HOST, check=False)


def test_all_platforms_of_the_bases(program: Program, insecure_registry: Registry) -> None:
    where = f"{insecure_registry.name}/platforms-{program.uid}"
    for name, platforms in (("many", "linux/amd64,linux/arm64,linux/s390x"), ("few", "linux/s390x,linux/amd64")):
        flags = ("--platform", platforms, "--push", "--tls-verify=false", "-t", f"{where}/{name}:1")
        build(program, f"FROM scratch\nCOPY f /{name}\n", *flags)
        program.run("manifest", "rm", f"{where}/{name}:1")
    text = f"FROM {where}/many:1 AS a\nFROM {where}/few:1\nCOPY --from=a /many /g\n"
    build(program, text, "--all-platforms", "--tls-verify=false", "-t", "everywhere")
    listed = program.run("manifest", "inspect", "everywhere").json()["manifests"]
    assert [entry["platform"]["architecture"] for entry in listed] == ["amd64", "s390x"]
    wrong = build(program, "FROM scratch\nCOPY f /\n", "--all-platforms", check=False)
    assert "no stage starts from an image" in wrong

"""buildah's commands that reach registries: encrypted layers, and source images."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import pytest

from tests.rig.program import Completed, Program
from tests.rig.registry import Registry

INSECURE = "--tls-verify=false"


@pytest.fixture(scope="module")
def program(insecure_registry: Registry, shared_program: Program) -> Program:
    shared_program.busybox()
    return shared_program


def buildah(program: Program, *words: str, check: bool | int = True, **options: Any) -> Completed:
    return program.run(*words, name="buildah", check=check, cwd=program.files, **options)


def test_layers_are_encrypted_on_their_way(program: Program, insecure_registry: Registry) -> None:
    key = f"{program.files}/key"
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    subprocess.run(["openssl", "rsa", "-in", key, "-pubout", "-out", f"{key}.pub"], check=True, capture_output=True)
    os.chmod(key, 0o644)
    place = f"{insecure_registry.name}/buildah/sealed-{os.urandom(4).hex()}:1"
    lock, unlock = ("--encryption-key", f"jwe:{key}.pub"), ("--decryption-key", key)
    name = buildah(program, "from", "--pull=never", "busybox").stdout.strip()
    refused = buildah(program, "commit", *lock, name, "sealed", check=125)
    assert "the store holds no encrypted layers" in refused.stderr
    buildah(program, "commit", INSECURE, *lock, name, f"docker://{place}")
    manifest = json.loads(buildah_raw(program, place))
    assert all(layer["mediaType"].endswith("+encrypted") for layer in manifest["layers"])
    assert "is encrypted" in buildah(program, "pull", INSECURE, place, check=125).stderr
    pulled = buildah(program, "pull", INSECURE, "-q", *unlock, place).stdout.strip()
    assert program.run("run", "--rm", "--network", "none", pulled, "echo", "open").stdout == "open\n"
    program.run("rmi", "-f", pulled)
    run = ("run", "--rm", "--network", "none", "--tls-verify=false")
    assert "is encrypted" in program.run(*run, place, "true", check=125).stderr
    assert program.run(*run, "-q", *unlock, place, "echo", "opened").stdout == "opened\n"
    program.run("rmi", "-f", place)
    based = buildah(program, "from", INSECURE, *unlock, place).stdout.strip()
    assert buildah(program, "run", based, "echo", "open").stdout == "open\n"
    built = ("build", INSECURE, "--pull=always", "--network=none", "-f", "-", program.files)
    text = f"FROM {place}\nRUN echo opened\n".encode()
    assert "is encrypted" in program.run(*built, input=text, check=125).stderr
    assert "\nopened\n" in program.run(*built, *unlock, input=text).stdout
    buildah(program, "push", INSECURE, *lock, "--encrypt-layer=-1", "busybox", f"docker://{place}")
    buildah(program, "push", INSECURE, "-D", "busybox", f"docker://{place}")
    kinds = {layer["mediaType"] for layer in json.loads(buildah_raw(program, place))["layers"]}
    assert kinds == {"application/vnd.oci.image.layer.v1.tar"}
    wrong = buildah(program, "push", INSECURE, "--compression-level", "77", "busybox", f"docker://{place}", check=125)
    assert "compression level 77 does not exist" in wrong.stderr
    buildah(program, "rm", "--all")


def buildah_raw(program: Program, place: str) -> str:
    return program.run("inspect", "--raw", INSECURE, f"docker://{place}", name="skopeo").stdout


def test_source_images(program: Program, insecure_registry: Registry) -> None:
    program.write("app.c", "int main;")
    made = f"source-{os.urandom(3).hex()}"
    buildah(program, "source", "create", "--author", "me", made)
    again = buildah(program, "source", "create", made, check=125)
    assert again.stderr == f'Error: creating source image: "{made}" already exists\n'
    buildah(program, "source", "add", "--annotation", "kind=code", made, "app.c")
    missing = buildah(program, "source", "add", made, "nothere", check=125)
    assert missing.stderr == "Error: stat nothere: no such file or directory\n"
    place = f"{insecure_registry.name}/buildah/{made}:1"
    short = buildah(program, "source", "push", made, "short:1", check=125)
    assert short.stderr.startswith('Error: pushing source images by short name ("short:1") is not supported')
    buildah(program, "source", "push", "-q", INSECURE, made, place)
    buildah(program, "source", "pull", "-q", INSECURE, place, f"{made}-2")
    there = json.loads(buildah_raw(program, place))
    assert there["config"]["mediaType"] == "application/vnd.oci.source.image.config.v1+json"
    assert [layer["annotations"] for layer in there["layers"]] == [{"kind": "code"}]
    layer = f"{program.files}/{made}-2/blobs/sha256/{there['layers'][0]['digest'][7:]}"
    listed = subprocess.run(["tar", "tzf", layer], check=True, capture_output=True, text=True)
    assert listed.stdout == "app.c\n"
    image = f"{insecure_registry.name}/buildah/image-{made}:1"
    buildah(program, "push", INSECURE, "busybox", f"docker://{image}")
    refused = buildah(program, "source", "pull", "-q", INSECURE, image, "no-source", check=125)
    assert "its config is not one of a source image" in refused.stderr
    assert not os.path.exists(f"{program.files}/no-source")

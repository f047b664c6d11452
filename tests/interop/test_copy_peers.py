"""skopeo and podman read what `skopeo copy` of ours wrote, and the other way round: the same documents and trees."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.integration.test_copy_matrix import artifact
from tests.interop.peer import Podman, podman
from tests.rig import host
from tests.rig.program import Program
from tests.rig.registry import Registry, image, index

__all__ = ["podman"]

INSECURE = ("--src-tls-verify=false", "--dest-tls-verify=false")


def peer(*arguments: str) -> subprocess.CompletedProcess[str]:
    if host.program("skopeo") is None:
        pytest.skip("skopeo is not installed")
    done = subprocess.run(["skopeo", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


def ours(program: Program, *arguments: str) -> str:
    return program.run(*arguments, name="skopeo").stdout


@pytest.fixture
def places(argosy: Program, insecure_registry: Registry) -> dict[str, str]:
    """An image, an index and an artifact at a registry."""
    made = image([{"bin/hello": b"hello"}, {"data": os.urandom(50_000)}, {"more": b"x" * 3000}])
    several = index(
        [(image([{"a": name.encode()}]), {"os": "linux", "architecture": name}) for name in ("amd64", "arm")]
    )
    tag = os.urandom(4).hex()
    kinds = {"image": made, "index": several, "artifact": artifact()}
    for name, pushed in kinds.items():
        insecure_registry.push(f"peers/{name}", tag, pushed)
    return {name: f"docker://{insecure_registry.name}/peers/{name}:{tag}" for name in kinds}


@pytest.mark.parametrize("kind", ["image", "index", "artifact"])
def test_skopeo_reads_ours_and_we_read_its(argosy: Program, places: dict[str, str], kind: str) -> None:
    files = argosy.files
    raw = peer("inspect", "--raw", "--tls-verify=false", places[kind]).stdout
    for form in ("oci", "oci-archive", "dir"):
        ending = "" if form == "dir" else ":x"
        theirs, made = f"{form}:{files}/theirs-{form}{ending}", f"{form}:{files}/ours-{form}{ending}"
        ours(argosy, "copy", "-q", "--all", *INSECURE, places[kind], made)
        peer("copy", "-q", "--all", *INSECURE, places[kind], theirs)
        assert peer("inspect", "--raw", made).stdout == raw, form
        assert ours(argosy, "inspect", "--raw", theirs) == raw, form
        peer("copy", "-q", "--all", made, f"dir:{files}/check-ours-{form}")
        ours(argosy, "copy", "-q", "--all", theirs, f"dir:{files}/check-theirs-{form}")
        assert _content(f"{files}/check-ours-{form}") == _content(f"{files}/check-theirs-{form}")


def _content(directory: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(directory).iterdir() if path.name != "version"}


def test_docker_archives(argosy: Program, places: dict[str, str], podman: Podman) -> None:
    files = argosy.files
    config = peer("inspect", "--raw", "--config", "--tls-verify=false", places["image"]).stdout
    flags = ("--additional-tag", "docker.io/library/second:2")
    ours(argosy, "copy", "-q", *INSECURE, *flags, places["image"], f"docker-archive:{files}/ours.tar:first:1")
    peer("copy", "-q", *INSECURE, places["image"], f"docker-archive:{files}/theirs.tar:first:1")
    assert peer("inspect", "--raw", "--config", f"docker-archive:{files}/ours.tar").stdout == config
    assert ours(argosy, "inspect", "--raw", "--config", f"docker-archive:{files}/theirs.tar") == config
    loaded = podman.run("load", "-q", "-i", f"{files}/ours.tar").stdout
    assert "docker.io/library/first:1" in loaded
    assert "docker.io/library/second:2" in loaded
    argosy.run("load", "-q", "-i", f"{files}/theirs.tar")


def test_the_store_of_podman(argosy: Program, places: dict[str, str], podman: Podman) -> None:
    """Layers come out of it byte for byte, as their diff ids prove."""
    name = places["image"].removeprefix("docker://")
    podman.run("pull", "-q", "--tls-verify=false", name)
    specifier = f"[overlay@{podman.directory}/root+{podman.directory}/run]"
    ours(argosy, "copy", "-q", f"containers-storage:{specifier}{name}", f"dir:{argosy.files}/taken")
    layers = json.loads((Path(argosy.files) / "taken/manifest.json").read_text())["layers"]
    config = json.loads(ours(argosy, "inspect", "--config", f"dir:{argosy.files}/taken"))
    assert [layer["digest"] for layer in layers] == config["rootfs"]["diff_ids"]
    ours(argosy, "copy", "-q", f"containers-storage:{specifier}{name}", "containers-storage:taken:1")
    identity = argosy.run("image", "inspect", "--format", "{{.Id}}", "taken:1").lines
    assert identity == [podman.image_id(name)]


def test_layers_encrypted_by_either(argosy: Program, places: dict[str, str]) -> None:
    files = argosy.files
    argosy.call("openssl", "genrsa", "-out", f"{files}/key", "2048")
    argosy.call("openssl", "rsa", "-in", f"{files}/key", "-pubout", "-out", f"{files}/key.pub")
    lock, unlock = ("--encryption-key", f"jwe:{files}/key.pub"), ("--decryption-key", f"{files}/key")
    ours(argosy, "copy", "-q", *INSECURE, *lock, places["image"], f"oci:{files}/ours:x")
    peer("copy", "-q", *INSECURE, *lock, *lock, places["image"], f"oci:{files}/theirs:x")
    peer("copy", "-q", *unlock, f"oci:{files}/ours:x", f"oci:{files}/ours-open:x")
    ours(argosy, "copy", "-q", *unlock, f"oci:{files}/theirs:x", f"oci:{files}/theirs-open:x")
    for place in ("ours-open", "theirs-open"):
        opened = json.loads(peer("inspect", "--raw", f"oci:{files}/{place}:x").stdout)
        whole = json.loads(peer("inspect", "--raw", "--tls-verify=false", places["image"]).stdout)
        assert [layer["digest"] for layer in opened["layers"]] == [layer["digest"] for layer in whole["layers"]]

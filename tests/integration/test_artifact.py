"""`artifact`: files into the store, to a registry and back, with subjects; and what must not become one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest

from tests.rig import registry
from tests.rig.hostile_registry import Exchange, Hostile
from tests.rig.program import Program
from tests.rig.registry import Image, Registry, describe, encode

INSECURE = "--tls-verify=false"


def test_there_and_back(argosy_both: Program, insecure_registry: Registry) -> None:
    argosy = argosy_both
    name = f"{insecure_registry.name}/artifact/{'user' if argosy.user else 'root'}:1"
    data = os.urandom(300_000)
    paths = argosy.write("a.txt", "text\n"), argosy.write("b.bin", data)
    digest = argosy.run("artifact", "add", "--annotation", "k=v", "--type", "application/x.test", name, *paths).lines[0]
    document = argosy.run("artifact", "inspect", name).json()
    assert (document["Name"], document["Digest"]) == (name, f"sha256:{digest}")
    manifest = document["Manifest"]
    assert (manifest["artifactType"], manifest["config"]["mediaType"]) == (
        "application/x.test",
        "application/vnd.oci.empty.v1+json",
    )
    assert [layer["mediaType"] for layer in manifest["layers"]] == ["text/plain", "application/octet-stream"]
    assert manifest["layers"][0]["annotations"] == {"k": "v", "org.opencontainers.image.title": "a.txt"}
    argosy.run("artifact", "push", "-q", INSECURE, "--digestfile", f"{argosy.files}/digest", name)
    with open(f"{argosy.files}/digest", encoding="ascii") as file:
        assert file.read() == f"sha256:{digest}"
    assert argosy.run("artifact", "rm", digest[:12]).lines == [digest]
    assert argosy.run("artifact", "ls", "-n").stdout == ""
    assert os.listdir(f"{argosy.root}/blobs/sha256") == []
    assert argosy.run("artifact", "pull", "-q", INSECURE, name).lines == [digest]
    argosy.run("image", "prune", "-af")
    target = f"{argosy.files}/out"
    argosy.call("mkdir", target)
    argosy.run("artifact", "extract", name, target)
    with open(f"{target}/b.bin", "rb") as file:
        assert file.read() == data
    argosy.run("artifact", "extract", "--title", "a.txt", name, f"{target}/one")
    with open(f"{target}/one", "rb") as file:
        assert file.read() == b"text\n"
    assert "several files" in argosy.run("artifact", "extract", name, f"{target}/two", check=125).stderr
    fields = "{{.Repository}} {{.Tag}} {{.Digest}} {{.VirtualSize}}"
    listed = argosy.run("artifact", "ls", "--no-trunc", "--format", fields).lines
    assert listed == [f"{name[:-2]} 1 {digest} {5 + len(data)}"]
    argosy.run("system", "check")


def test_names(argosy: Program) -> None:
    one, two = argosy.write("one", b"\0"), argosy.write("two", "2")
    add = ("artifact", "add")
    first = argosy.run(*add, "localhost/a:1", one).stdout
    assert "is already in use" in argosy.run(*add, "localhost/a:1", two, check=125).stderr
    appended = argosy.run(*add, "--append", "localhost/a:1", two).stdout
    assert first != appended
    assert len(argosy.run("artifact", "inspect", "localhost/a:1").json()["Manifest"]["layers"]) == 2
    argosy.run(*add, "--replace", "localhost/a:1", two)
    assert len(argosy.run("artifact", "ls", "-n").lines) == 1
    cases = (
        ((*add, "--append", "localhost/a:1", two), "is already in use"),
        ((*add, "--append", "localhost/none", two), "no such artifact"),
        ((*add, "--append", "--type", "a/b", "localhost/a:1", one), "not compatible with type"),
        ((*add, "--type", "nonsense", "localhost/b", one), "TYPE/SUBTYPE"),
        ((*add, "--annotation", "x", "localhost/b", one), "KEY=VALUE"),
        ((*add, "--annotation", "org.opencontainers.image.title=x", "localhost/b", one), "cannot override filename"),
        ((*add, "localhost/b", argosy.files), "not a regular file"),
        ((*add, "localhost/b", f"{argosy.files}/none"), "no such file or directory"),
        ((*add, "Localhost/B", one), "invalid reference format"),
        ((*add, "localhost/b"), "requires at least 2 arg(s)"),
        (("artifact", "rm"), "a single artifact name or digest must be specified"),
        (("artifact", "rm", "localhost/none"), "no such artifact"),
        (("artifact", "rm", "-a", "localhost/a:1"), "you may not pass any artifact names"),
        (("artifact", "inspect", "localhost/none"), "no such artifact"),
    )
    for words, why in cases:
        assert why in argosy.run(*words, check=125).stderr, words
    argosy.run("artifact", "rm", "--ignore", "localhost/none")
    argosy.run("artifact", "rm", "--all")
    assert argosy.run("artifact", "ls", "-n").stdout == ""


def test_a_damaged_artifact_hides_no_other(argosy: Program) -> None:
    path = argosy.write("file", "x")
    good = argosy.run("artifact", "add", "localhost/good", path).lines[0]
    argosy.write("file", "y")
    bad = argosy.run("artifact", "add", "localhost/bad", path).lines[0]
    record = f"{argosy.root}/artifacts/{bad}/artifact.json"
    os.chmod(record, 0o600)
    os.truncate(record, 10)
    listed = argosy.run("artifact", "ls", "-n")
    assert listed.stdout.split()[:1] == ["localhost/good"]
    assert bad in listed.stderr
    assert argosy.run("artifact", "rm", "localhost/good").lines == [good]
    assert bad in argosy.run("system", "check", check=False).stdout


def test_referrers_without_the_api(shared_program: Program, insecure_registry: Registry) -> None:
    """Debian's registry does not have it: the list is under a tag, and grows."""
    subject = insecure_registry.push("artifact/subject", "1", registry.image())
    digests = []
    for number in "12":
        path = shared_program.write(f"sbom{number}", number)
        name = f"{subject[:-2]}:sbom{number}"
        words = ("artifact", "add", INSECURE, "--subject", subject, "--type", "text/x.sbom", name, path)
        digests.append(f"sha256:{shared_program.run(*words).lines[0]}")
        for _ in range(2):  # the second time changes nothing
            shared_program.run("artifact", "push", "-q", INSECURE, name)
    listed = shared_program.run("artifact", "ls", "-n", INSECURE, "--referrers", subject).lines
    assert [line.split()[:2] for line in listed] == [[digest, "text/x.sbom"] for digest in digests]


def test_referrers_of_the_api(shared_program: Program) -> None:
    subject = registry.image()
    entry = {**describe(registry.OCI_MANIFEST, b"{}"), "artifactType": "text/x.sbom"}
    index = encode({"schemaVersion": 2, "mediaType": registry.OCI_INDEX, "manifests": [entry]})

    def script(exchange: Exchange) -> None:
        if "/referrers/" in exchange.path:
            exchange.answer(200, index, {"Content-Type": registry.OCI_INDEX})
        else:
            exchange.answer(200, subject.manifest, {"Content-Type": subject.media_type})

    with Hostile(script) as server:
        words = ("artifact", "ls", "-n", INSECURE, "--referrers", f"{server.name}/x")
        assert shared_program.run(*words).stdout.split()[:2] == [entry["digest"], "text/x.sbom"]


def artifact(*titles: str, media_type: str = "text/plain; charset=utf-8") -> Image:
    """An artifact as podman and others make them."""
    files = [title.encode() for title in titles]
    layers = [
        describe(media_type, data, annotations={"org.opencontainers.image.title": title})
        for data, title in zip(files, titles, strict=True)
    ]
    config = {**describe("application/vnd.oci.empty.v1+json", b"{}"), "data": "e30="}
    manifest = {
        "schemaVersion": 2,
        "mediaType": registry.OCI_MANIFEST,
        "artifactType": "application/x.test",
        "config": config,
        "layers": layers,
    }
    return Image(encode(manifest), registry.OCI_MANIFEST, {registry.sha256(data): data for data in (*files, b"{}")})


@pytest.mark.parametrize("title", ["../escape", "/tmp/escape", "..", "a/b", "a\x1b[2J", "a\nb"])
def test_titles_cannot_lead_elsewhere(shared_program: Program, insecure_registry: Registry, title: str) -> None:
    name = insecure_registry.push("artifact/hostile", "1", artifact(title, "plain"))
    shared_program.run("artifact", "pull", "-q", INSECURE, name)
    target = f"{shared_program.files}/deep/target"
    os.makedirs(target, exist_ok=True)
    done = shared_program.run("artifact", "extract", name, target, check=125)
    assert "not the name of a file" in done.stderr
    assert os.listdir(target) == []
    shared_program.run("artifact", "extract", "--title", "plain", name, target)
    assert os.listdir(target) == ["plain"]
    os.unlink(f"{target}/plain")


def test_the_policy_judges_artifacts(shared_program: Program, insecure_registry: Registry) -> None:
    name = insecure_registry.push("artifact/judged", "1", artifact("x"))
    own = f"{shared_program.base}/home/.config/containers/policy.json"
    os.makedirs(os.path.dirname(own), exist_ok=True)
    with open(own, "w", encoding="utf-8") as file:
        json.dump({"default": [{"type": "reject"}]}, file)
    try:
        env = {"HOME": f"{shared_program.base}/home"}
        refused = shared_program.run("artifact", "pull", "-q", INSECURE, name, env=env, check=125)
        assert "is rejected by policy" in refused.stderr
        assert "judged" not in shared_program.run("artifact", "ls").stdout
    finally:
        os.unlink(own)


@pytest.mark.skipif(not shutil.which("skopeo"), reason="skopeo is not installed")
def test_skopeo_reads_what_we_push(shared_program: Program, insecure_registry: Registry) -> None:
    name = f"{insecure_registry.name}/artifact/peer:1"
    path = shared_program.write("peer.txt", "peer")
    digest = shared_program.run("artifact", "add", name, path).lines[0]
    shared_program.run("artifact", "push", "-q", INSECURE, name)
    place = f"{shared_program.files}/peer"
    argv = ["skopeo", "copy", "--src-tls-verify=false", f"docker://{name}", f"oci:{place}:x"]
    subprocess.run(argv, check=True, capture_output=True)
    with open(f"{place}/index.json", encoding="utf-8") as file:
        assert json.load(file)["manifests"][0]["digest"] == f"sha256:{digest}"

"""`save` and `load`: archives go out and come back, by file and by pipe; broken ones leave nothing."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
import tempfile

import pytest

from tests.rig.program import Program, finish
from tests.rig.registry import Registry, encode, image, sha256, tar

INSECURE = "--tls-verify=false"


def pulled(program: Program, registry: Registry, name: str) -> tuple[str, str]:
    """An image with a name in the store: the name, and the image id."""
    made = image([{"bin/hello": b"hello"}, {"data": os.urandom(100_000)}])
    reference = registry.push(name, "1", made)
    return reference, program.run("pull", "-q", INSECURE, reference).lines[0]


def written(program: Program, *arguments: str) -> bytes:
    """What the program writes to its standard output."""
    with tempfile.TemporaryFile() as file:
        finish(program.start(*arguments, stdout=file))
        file.seek(0)
        return file.read()


@pytest.mark.parametrize("form", ["docker-archive", "oci-archive", "oci-dir", "docker-dir"])
def test_there_and_back(argosy_both: Program, insecure_registry: Registry, form: str) -> None:
    reference, identity = pulled(argosy_both, insecure_registry, "save/back")
    digest = argosy_both.run("image", "inspect", "--format", "{{.Digest}}", reference).stdout
    path = f"{argosy_both.files}/saved"
    argosy_both.run("save", "-q", "--format", form, "-o", path, reference, *(("other:2",) if "archive" in form else ()))
    argosy_both.run("rmi", reference)
    assert argosy_both.run("images", "-q").lines == []
    done = argosy_both.run("load", "-q", "-i", path)
    if form == "docker-dir":
        assert done.lines == [f"Loaded image: sha256:{identity}"]
        return
    assert f"Loaded image: {reference}" in done.lines
    assert argosy_both.run("images", "-q", "--no-trunc", reference).lines == [f"sha256:{identity}"]
    if "archive" in form:
        assert "Loaded image: localhost/other:2" in done.lines
    if form != "docker-archive":
        assert argosy_both.run("image", "inspect", "--format", "{{.Digest}}", reference).stdout == digest
    assert not [name for name in os.listdir(argosy_both.files) if name.endswith("~")]


def test_several_images_through_a_pipe(argosy: Program, insecure_registry: Registry) -> None:
    one, first = pulled(argosy, insecure_registry, "save/one")
    two, second = pulled(argosy, insecure_registry, "save/two")
    data = written(argosy, "save", "-m", one, two, one)
    assert data == written(argosy, "save", "-m", one, two, one)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        names = archive.getnames()
    assert len(names) == len(set(names))
    argosy.run("rmi", one, two)
    done = argosy.run("load", input=gzip.compress(data))
    assert done.lines == [f"Loaded image: {one}", f"Loaded image: {two}"]
    assert sorted(argosy.run("images", "-q", "--no-trunc").lines) == sorted((f"sha256:{first}", f"sha256:{second}"))


def docker_archive(**changes: object) -> bytes:
    """What docker writes, with files replaced or (None) left out."""
    layer = tar({"data": b"1" * 5000})
    config = encode(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [sha256(layer)]},
        }
    )
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    files: dict[str, object] = {
        "layer.tar": layer,
        name: config,
        "manifest.json": encode([{"Config": name, "RepoTags": ["short:1"], "Layers": ["layer.tar"]}]),
    }
    for key, value in changes.items():
        files[key.replace("_", ".")] = value
    return tar({path: data for path, data in files.items() if isinstance(data, bytes)})


def twice() -> bytes:
    """An archive with two lists of images."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for data in (b"[]", b"[{}]"):
            entry = tarfile.TarInfo("manifest.json")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def test_an_archive_of_dockers(argosy: Program) -> None:
    assert argosy.run("load", input=docker_archive()).lines == ["Loaded image: localhost/short:1"]
    compressed = {"layer_tar": gzip.compress(tar({"data": b"1" * 5000}))}
    assert argosy.run("load", input=docker_archive(**compressed)).lines == ["Loaded image: localhost/short:1"]
    nameless = json.loads(docker_manifest())
    nameless[0]["RepoTags"] = None
    done = argosy.run("load", input=docker_archive(manifest_json=encode(nameless)))
    assert done.stdout.startswith("Loaded image: sha256:")


def docker_manifest() -> bytes:
    with tarfile.open(fileobj=io.BytesIO(docker_archive())) as archive:
        file = archive.extractfile("manifest.json")
        assert file is not None
        return file.read()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "archive"),
        (b"no archive at all" * 100, "archive"),
        (tar({"etc/passwd": b"x"}), "neither a docker-archive"),
        (docker_archive()[:3000], "archive"),
        (docker_archive(manifest_json=b"{}"), "not a list of images"),
        (docker_archive(manifest_json=b"[1]"), "lacks its Config or Layers"),
        (docker_archive(manifest_json=b"["), "manifest.json"),
        (docker_archive(layer_tar=None), "it lacks the file layer.tar"),
        (docker_archive(layer_tar=tar({"data": b"2"})), "digest"),
        (docker_archive(manifest_json=encode([{"Config": "../../etc/passwd", "Layers": []}])), "it lacks the file"),
        (twice(), "two files called manifest.json"),
        (tar({"oci-layout": b"{}", "index.json": b"{}"}), "version is not 1"),
        (tar({"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": b"[]"}), "manifest"),
        (gzip.compress(docker_archive())[:200], "cut off"),
    ],
)
def test_what_cannot_be_loaded(argosy: Program, data: bytes, said: str) -> None:
    assert said in argosy.run("load", input=data, check=125).stderr
    assert argosy.run("images", "-q").lines == []


def test_what_cannot_be_saved(argosy: Program, insecure_registry: Registry) -> None:
    reference, _ = pulled(argosy, insecure_registry, "save/never")
    full = f"{argosy.files}/full"
    os.mkdir(full)
    with open(f"{full}/file", "w", encoding="utf-8"):
        pass
    for arguments, said in (
        (("nosuch",), "nosuch: image not known"),
        (("--format", "zip", reference), "docker-archive, oci-archive, oci-dir, docker-dir"),
        (("--format", "oci-dir", reference), "--output is needed"),
        (("--format", "oci-dir", "-o", full, reference), "not empty"),
        (("--compress", reference), "--compress can only be set when --format is 'docker-dir'"),
        (("-m", "--format", "oci-archive", reference), "only supported with the format docker-archive"),
        (("-o", "/nosuch/file", reference), "cannot write /nosuch/file"),
        (("-o", f"{argosy.files}/x", reference, "Bad Name"), "Bad Name"),
    ):
        assert said in argosy.run("save", *arguments, check=125).stderr
    assert os.listdir(argosy.files) == ["full"]
    assert argosy.run("save", "-o", "/dev/null", reference).stdout == ""
    with open("/dev/full", "wb") as nowhere:
        process = argosy.start("save", reference, stdout=nowhere)
        assert "No space left" in finish(process, check=125).stderr

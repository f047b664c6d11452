"""Layouts, archives and registries that lie to a copy: a named error, and nothing at the destination."""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
from collections.abc import Callable
from typing import Any

import pytest

from tests.rig.hostile_registry import Exchange, Hostile
from tests.rig.program import Program
from tests.rig.registry import OCI_INDEX, OCI_MANIFEST, Image, encode, image, index, sha256

GOOD = image([{"a": b"good"}, {"b": os.urandom(3000)}])
LAYER = json.loads(GOOD.manifest)["layers"][1]["digest"][7:]
FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"


def layout(directory: str, *images: Image, name: str = "x") -> str:
    """An OCI layout of images, written by hand; the first one has the name."""
    os.makedirs(f"{directory}/blobs/sha256")

    def write(made: Image) -> None:
        for digest, data in {**made.blobs, made.digest: made.manifest}.items():
            with open(f"{directory}/blobs/sha256/{digest[7:]}", "wb") as file:
                file.write(data)
        for child in made.children:
            write(child)

    entries = []
    for made in images:
        write(made)
        entries.append({"mediaType": made.media_type, "digest": made.digest, "size": len(made.manifest)})
    entries[0]["annotations"] = {"org.opencontainers.image.ref.name": name}
    for file_name, document in (
        ("index.json", {"schemaVersion": 2, "manifests": entries}),
        ("oci-layout", {"imageLayoutVersion": "1.0.0"}),
    ):
        with open(f"{directory}/{file_name}", "w", encoding="utf-8") as file:
            json.dump(document, file)
    return directory


def replaced(directory: str, change: Callable[[str], object]) -> None:
    """Put something else in the place of a layer."""
    path = f"{directory}/blobs/sha256/{LAYER}"
    os.unlink(path)
    change(path)


def write(data: bytes) -> Callable[[str], object]:
    def change(path: str) -> None:
        with open(path, "wb") as file:
            file.write(data)

    return change


ENTRIES = {
    "missing": (lambda path: None, "no such file or directory"),
    "link": (lambda path: os.symlink("/etc/passwd", path), "it is a symbolic link, or behind one"),
    "FIFO": (os.mkfifo, "it is not a regular file"),
    "directory": (os.mkdir, "it is not a regular file"),
    "short": (write(GOOD.blobs[f"sha256:{LAYER}"][:-1]), "the manifest says"),
    "long": (write(GOOD.blobs[f"sha256:{LAYER}"] + b"x"), "the manifest says"),
    "other": (write(bytes(len(GOOD.blobs[f"sha256:{LAYER}"]))), "is not what its digest says"),
}


@pytest.mark.parametrize("entry", ENTRIES)
def test_blobs_that_are_none(shared_program: Program, entry: str) -> None:
    change, said = ENTRIES[entry]
    files = shared_program.files
    directory = layout(f"{files}/{entry}", GOOD)
    replaced(directory, change)
    for target in (
        "dir:{}/t",
        "oci:{}/t:x",
        "oci-archive:{}/t",
        "docker-archive:{}/t:a:b",
        "containers-storage:never:1",
    ):
        place = target.format(files)
        done = shared_program.run("copy", "-q", f"oci:{directory}:x", place, name="skopeo", check=1)
        assert any(word in done.stderr for word in (said, "digest", "bad archive")), (target, done.stderr)
        assert "internal error" not in done.stderr
        assert [name for name in os.listdir(files) if name.startswith("t")] == [], target
        shared_program.run("image", "exists", "docker.io/library/never:1", check=1)
    shutil.rmtree(directory)


def nested(depth: int) -> Image:
    made = GOOD
    for _ in range(depth):
        made = index([(made, {"os": "linux", "architecture": "amd64"})])
    return made


def wrong(**fields: Any) -> Image:
    """The good image with another manifest."""
    return Image(encode({**json.loads(GOOD.manifest), **fields}), OCI_MANIFEST, GOOD.blobs)


DOCUMENTS = {
    "30 levels": (nested(30), "indexes within indexes"),
    "both": (wrong(manifests=[]), "both an index and an image"),
    "schema 1": (Image(encode({"schemaVersion": 1, "fsLayers": []}), OCI_MANIFEST, {}), "schema"),
    "traversal": (
        wrong(
            config={"mediaType": "application/vnd.oci.image.config.v1+json", "digest": "sha256:../../../x", "size": 1}
        ),
        "hexadecimal digits",
    ),
    "negative": (wrong(layers=[{"mediaType": FOREIGN, "digest": GOOD.digest, "size": -1}]), "not the size of anything"),
    "no JSON": (Image(b"{", OCI_MANIFEST, {}), "manifest"),
}


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_documents_that_break_a_rule(shared_program: Program, kind: str) -> None:
    made, said = DOCUMENTS[kind]
    files = shared_program.files
    directory = layout(f"{files}/{kind.replace(' ', '-')}", made)
    for flags in ((), ("--all",)):
        done = shared_program.run("copy", "-q", *flags, f"oci:{directory}:x", f"dir:{files}/t", name="skopeo", check=1)
        assert said in done.stderr, done.stderr
        assert not os.path.exists(f"{files}/t")


def test_an_index_that_lies_about_its_images(shared_program: Program) -> None:
    files = shared_program.files
    entry = {"mediaType": OCI_MANIFEST, "digest": GOOD.digest, "size": len(GOOD.manifest) + 1}
    lying = Image(encode({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}), OCI_INDEX, {}, (GOOD,))
    directory = layout(f"{files}/lying", lying)
    done = shared_program.run("copy", "-q", "--all", f"oci:{directory}:x", f"dir:{files}/t", name="skopeo", check=1)
    assert "the index says" in done.stderr
    assert not os.path.exists(f"{files}/t")


def test_an_index_that_names_an_image_a_million_times(shared_program: Program) -> None:
    files = shared_program.files
    made = GOOD
    for _ in range(3):
        entry = {"mediaType": made.media_type, "digest": made.digest, "size": len(made.manifest)}
        document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry] * 300}
        made = Image(encode(document), OCI_INDEX, {}, (made,))
    directory = layout(f"{files}/million", made)
    shared_program.run("copy", "-q", "--all", f"oci:{directory}:x", f"dir:{files}/t", name="skopeo")
    assert len(os.listdir(f"{files}/t")) < 12
    shutil.rmtree(f"{files}/t")


def archive_of(directory: str, path: str, *, cut: int = 0, link: bool = False) -> None:
    with tarfile.open(path, "w") as out:
        for name in ("oci-layout", "index.json"):
            out.add(f"{directory}/{name}", name)
        for name in sorted(os.listdir(f"{directory}/blobs/sha256")):
            if link and name == LAYER:
                entry = tarfile.TarInfo(f"blobs/sha256/{name}")
                entry.type, entry.linkname = tarfile.SYMTYPE, "../../../../../etc/passwd"
                out.addfile(entry)
            else:
                out.add(f"{directory}/blobs/sha256/{name}", f"blobs/sha256/{name}")
    if cut:
        os.truncate(path, os.path.getsize(path) - cut)


@pytest.mark.parametrize(("cut", "link", "said"), [(11_000, False, ""), (0, True, "lacks the file")])
def test_archives(shared_program: Program, cut: int, link: bool, said: str) -> None:
    """Cut off in the middle; a link that leaves it."""
    files = shared_program.files
    directory = layout(f"{files}/archive-{cut}", GOOD)
    archive_of(directory, f"{files}/{cut}.tar", cut=cut, link=link)
    done = shared_program.run(
        "copy", "-q", f"oci-archive:{files}/{cut}.tar:x", f"dir:{files}/t", name="skopeo", check=1
    )
    assert said in done.stderr
    assert "root:" not in done.stderr
    assert not os.path.exists(f"{files}/t")


def test_a_directory_with_links_is_not_written_through(shared_program: Program) -> None:
    files = shared_program.files
    source = layout(f"{files}/plain", GOOD)
    os.makedirs(f"{files}/victim")
    target = layout(f"{files}/trap", GOOD)
    shutil.rmtree(f"{target}/blobs")
    os.symlink(f"{files}/victim", f"{target}/blobs")
    done = shared_program.run("copy", "-q", f"oci:{source}:x", f"oci:{target}:y", name="skopeo", check=1)
    assert "cannot write" in done.stderr
    assert os.listdir(f"{files}/victim") == []


@pytest.mark.parametrize(
    ("status", "where"),
    [(404, "PUT"), (500, "PUT"), (400, "PUT"), (404, "POST"), (403, "POST"), (416, "PATCH"), (413, "PATCH")],
)
def test_registries_that_refuse(shared_program: Program, status: int, where: str) -> None:
    files = shared_program.files
    directory = layout(f"{files}/refused-{status}-{where}", GOOD)
    manifests = []

    def script(exchange: Exchange) -> None:
        if exchange.method == where and (where != "PUT" or "/manifests/" in exchange.path):
            exchange.answer(status, b'{"errors":[{"code":"DENIED","message":"no such luck"}]}')
        elif exchange.method == "HEAD":
            exchange.answer(404)
        elif exchange.method == "POST" or exchange.method == "PATCH":
            exchange.answer(202, headers={"Location": "/v2/a/blobs/uploads/1"})
        elif exchange.method == "GET" and "uploads" in exchange.path:
            exchange.answer(204, headers={"Range": "0-0", "Location": "/v2/a/blobs/uploads/1"})
        else:
            if "/manifests/" in exchange.path:
                manifests.append(exchange.path)
            exchange.answer(201 if exchange.method == "PUT" else 200)

    with Hostile(script) as registry:
        flags = ("--dest-tls-verify=false", "--dest-creds", "u:hunter2")
        target = f"docker://{registry.name}/a:1"
        done = shared_program.run("copy", "-q", *flags, f"oci:{directory}:x", target, name="skopeo", check=1)
    assert "no such luck" in done.stderr
    assert "hunter2" not in done.stderr
    assert manifests == []


def test_foreign_layers_stay_where_they_are(shared_program: Program) -> None:
    """Layouts keep their descriptors; a place that must have them says that it cannot."""
    files = shared_program.files
    manifest = json.loads(GOOD.manifest)
    manifest["layers"][1].update(
        mediaType=FOREIGN.replace(
            "docker.image.rootfs.foreign.diff.tar.gzip", "oci.image.layer.nondistributable.v1.tar+gzip"
        )
    )
    manifest["layers"][1]["urls"] = ["http://127.0.0.1:1/layer"]
    made = Image(encode(manifest), OCI_MANIFEST, {key: data for key, data in GOOD.blobs.items() if LAYER not in key})
    directory = layout(f"{files}/foreign", made)
    shared_program.run("copy", "-q", f"oci:{directory}:x", f"oci:{files}/kept:x", name="skopeo")
    raw = shared_program.run("inspect", "--raw", f"oci:{files}/kept:x", name="skopeo").stdout_bytes
    assert sha256(raw) == made.digest
    done = shared_program.run("copy", "-q", f"oci:{directory}:x", f"dir:{files}/t", name="skopeo", check=1)
    assert LAYER in done.stderr
    assert not os.path.exists(f"{files}/t")


def test_memory_stays_bounded(shared_program: Program) -> None:
    """A layer of 200 MB goes through every kind of place, and through a conversion, in less memory than it has."""
    files = shared_program.files
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as out:
        entry = tarfile.TarInfo("big")
        entry.size = 200 << 20
        out.addfile(entry, io.BytesIO(bytes(200 << 20)))
    plain = data.getvalue()
    config = encode({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [sha256(plain)]}})
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": sha256(config),
            "size": len(config),
        },
        "layers": [
            {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": sha256(plain), "size": len(plain)}
        ],
    }
    made = Image(encode(manifest), OCI_MANIFEST, {sha256(config): config, sha256(plain): plain})
    source = f"oci:{layout(f'{files}/big', made)}:x"
    del plain, data
    for target in (f"dir:{files}/big-dir", f"oci:{files}/big-oci:x", f"docker-archive:{files}/big.tar:a:b"):
        argv = shared_program.argv("copy", "-q", source, target, name="skopeo")
        done = shared_program.call("/usr/bin/env", "bash", "-c", 'ulimit -v 420000; exec "$@"', "-", *argv)
        assert done.returncode == 0, done.stderr

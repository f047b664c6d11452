"""`load` of archives and directories that lie: each is told, nothing is created, nothing outside is read or written."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import struct
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from tests.attacks.ground import Ground
from tests.rig.program import Program
from tests.unit.archive import tars
from tests.unit.archive.tars import archive, fifo, file, hardlink, symlink

LAYER = archive(file(b"x", b"content"))
DIFF_ID = "sha256:" + hashlib.sha256(LAYER).hexdigest()
ESCAPE = "\x1b[2J"


def config(**fields: Any) -> bytes:
    made = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [DIFF_ID]}, **fields}
    return json.dumps(made).encode()


CONFIG = config()


def listed(*entries: dict[str, Any]) -> bytes:
    found = [{"Config": "c.json", "RepoTags": ["a/b:1"], "Layers": ["l.tar"], **entry} for entry in entries]
    return file(b"manifest.json", json.dumps(found).encode())


def docker(*parts: bytes, manifest: bytes | None = None, config: bytes = CONFIG, layer: bytes = LAYER) -> bytes:
    """What `docker save` writes; `parts` stand before all else."""
    manifest = listed({}) if manifest is None else manifest
    return archive(*parts, manifest, file(b"c.json", config), file(b"l.tar", layer))


def bare(*parts: bytes) -> bytes:
    return archive(*parts)


def layout(
    *,
    size: int | None = None,
    digest: str = "",
    blob: bytes | None = None,
    index: Any = None,
    annotations: dict[str, str] | None = None,
) -> bytes:
    """An OCI layout with one image, parts of which are replaced."""
    blobs: dict[str, bytes] = {}

    def add(data: bytes, kind: str) -> dict[str, Any]:
        hexes = hashlib.sha256(data).hexdigest()
        blobs[hexes] = data
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{hexes}", "size": len(data)}

    layer = add(LAYER, "layer.v1.tar")
    if size is not None:
        layer["size"] = size
    if blob is not None:
        blobs[layer["digest"][7:]] = blob
    if digest:
        layer["digest"] = digest
    manifest = {"schemaVersion": 2, "config": add(CONFIG, "config.v1+json"), "layers": [layer]}
    top = add(json.dumps(manifest).encode(), "manifest.v1+json")
    if annotations is not None:
        top["annotations"] = annotations
    made = {"schemaVersion": 2, "manifests": [top]} if index is None else index
    return archive(
        file(b"oci-layout", b'{"imageLayoutVersion":"1.0.0"}'),
        file(b"index.json", json.dumps(made).encode()),
        *(file(f"blobs/sha256/{name}".encode(), data) for name, data in blobs.items()),
    )


CASES: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "archive"),
    "zeros": (bytes(1 << 20), ""),
    "no tar": (b"x" * 5000, ""),
    "only an end": (archive(), ""),
    "cut within a header": (docker()[:700], ""),
    "cut within a layer": (docker()[:-1200], ""),
    "no manifest.json": (bare(file(b"c.json", CONFIG)), ""),
    "manifest.json is a list of nothing": (docker(manifest=file(b"manifest.json", b"[]")), "not a list of images"),
    "manifest.json is an object": (docker(manifest=file(b"manifest.json", b"{}")), "not a list of images"),
    "manifest.json is no JSON": (docker(manifest=file(b"manifest.json", b"[{")), "manifest.json"),
    "manifest.json is deep": (docker(manifest=file(b"manifest.json", b"[" * 200_000)), "manifest.json"),
    "manifest.json twice": (docker(listed({"Config": "d.json"})), "two files called manifest.json"),
    "an entry without a config": (docker(manifest=listed({"Config": None})), "lacks its Config"),
    "a config that is a list": (docker(manifest=listed({"Config": ["c.json"]})), "lacks its Config"),
    "a config that is not there": (docker(manifest=listed({"Config": "d.json"})), "lacks the file d.json"),
    "a config of the host": (docker(manifest=listed({"Config": "/etc/passwd"})), "lacks the file /etc/passwd"),
    "a config up and out": (docker(manifest=listed({"Config": "../../../etc/passwd"})), "lacks the file"),
    "a config with control characters": (docker(manifest=listed({"Config": ESCAPE})), r"\x1b[2J"),
    "two files for one config": (docker(file(b"./c.json", CONFIG)), "two files called c.json"),
    "a config that is none": (docker(config=b"x"), ""),
    "a huge config": (docker(config=b" " * (5 << 20)), "more than"),
    "a config of another digest": (
        docker(config=config(rootfs={"type": "layers", "diff_ids": ["sha256:" + "0" * 64]})),
        "",
    ),
    "diff ids that are none": (docker(config=config(rootfs={"type": "layers", "diff_ids": ["../x"]})), ""),
    "more layers than diff ids": (
        docker(manifest=listed({"Layers": ["l.tar"] * 2})),
        "2 layers in manifest.json, 1 in",
    ),
    "layers that are numbers": (docker(manifest=listed({"Layers": [7]})), "lacks its Config or Layers"),
    "a layer of the host": (docker(manifest=listed({"Layers": ["/etc/passwd"]})), "lacks the file /etc/passwd"),
    "a layer that is a link out": (
        bare(listed({}), file(b"c.json", CONFIG), symlink(b"l.tar", b"../../../../etc/passwd")),
        "lacks the file",
    ),
    "a layer that is a link to itself": (
        bare(listed({}), file(b"c.json", CONFIG), symlink(b"l.tar", b"l.tar")),
        "lacks",
    ),
    "a layer that is a hard link out": (
        bare(listed({}), file(b"c.json", CONFIG), hardlink(b"l.tar", b"/etc/passwd")),
        "lacks",
    ),
    "a layer that is a FIFO": (bare(listed({}), file(b"c.json", CONFIG), fifo(b"l.tar")), "lacks the file l.tar"),
    "a config that is a FIFO": (bare(listed({}), fifo(b"c.json"), file(b"l.tar", LAYER)), "lacks the file c.json"),
    "a layer that is a device": (bare(listed({}), file(b"c.json", CONFIG), tars.device(b"l.tar", 1, 5)), "lacks"),
    "a layer that is no tar": (docker(layer=b"x" * 512, config=config()), ""),
    "names that are none": (docker(manifest=listed({"RepoTags": ["UPPER:1"]})), "UPPER"),
    "names with control characters": (docker(manifest=listed({"RepoTags": [f"a{ESCAPE}:1"]})), r"\x1b[2J"),
    "names that are numbers": (docker(manifest=listed({"RepoTags": [1]})), "lacks its Config or Layers"),
    "a name by digest": (
        docker(manifest=listed({"RepoTags": ["a@sha256:" + "0" * 64]})),
        "which is the digest of another",
    ),
    "a path of 5000 bytes": (docker(file(b"d/" * 2500 + b"x", b"")), ""),
    "a negative size": (bare(tars.header(b"manifest.json", size=b"-0000000001\0")), ""),
    "an enormous size": (bare(tars.header(b"manifest.json", size=struct.pack(">BxxxQ", 0x80, 1 << 62))), ""),
    "a wrong checksum": (docker()[:148] + b"0000000\0" + docker()[156:], ""),
    "a bomb of gzip": (gzip.compress(bytes(64 << 20)), ""),
    "layout of another version": (
        bare(file(b"oci-layout", b'{"imageLayoutVersion":"9"}'), file(b"index.json", b"{}")),
        "version",
    ),
    "layout without an index": (
        bare(file(b"oci-layout", b'{"imageLayoutVersion":"1.0.0"}')),
        "lacks the file index.json",
    ),
    "an index of nothing": (layout(index={"schemaVersion": 2, "manifests": []}), "lists no image"),
    "an index that names another digest": (
        layout(annotations={"org.opencontainers.image.ref.name": "a/b@sha256:" + "0" * 64}),
        "which is the digest of another",
    ),
    "an index that is a list": (layout(index=[]), ""),
    "an index that points out": (
        layout(
            index={
                "schemaVersion": 2,
                "manifests": [
                    {
                        "mediaType": "application/vnd.oci.image.manifest.v1+json",
                        "digest": "sha256:../../../../etc/passwd",
                        "size": 3,
                    }
                ],
            }
        ),
        "digest",
    ),
    "a blob of another size": (layout(size=3), ""),
    "a blob of a negative size": (layout(size=-1), ""),
    "a blob of another content": (layout(blob=LAYER[:-1] + b"x"), ""),
    "a blob that is not there": (layout(digest="sha256:" + "1" * 64), "lacks the file blobs/sha256/111"),
    "a blob whose digest is none": (layout(digest="sha256:x"), ""),
}


@pytest.mark.parametrize("case", CASES)
def test_archives(ground: Ground, case: str) -> None:
    """Every other one comes as a file, the rest through a pipe."""
    data, words = CASES[case]
    if list(CASES).index(case) % 2:
        ground.attack("load", words=[words], input=data, metered=True)
    else:
        ground.attack("load", "--input", ground.program.write("archive", data), words=[words], metered=True)


def _directory(make: Callable[[str], None]) -> Callable[[Program], str]:
    def made(program: Program) -> str:
        path = f"{program.files}/layout-{make.__name__}"
        os.mkdir(path)
        done = subprocess.run(["tar", "-xC", path], input=layout(), check=False, capture_output=True)
        assert done.returncode == 0, done.stderr
        make(path)
        return path

    return made


def index_is_a_fifo(path: str) -> None:
    os.unlink(f"{path}/index.json")
    os.mkfifo(f"{path}/index.json", 0o666)


def index_is_a_link_out(path: str) -> None:
    os.unlink(f"{path}/index.json")
    os.symlink("/etc/shadow", f"{path}/index.json")


def index_is_endless(path: str) -> None:
    os.unlink(f"{path}/index.json")
    os.symlink("/dev/zero", f"{path}/index.json")


def index_is_a_directory(path: str) -> None:
    os.unlink(f"{path}/index.json")
    os.mkdir(f"{path}/index.json")


def blobs_are_fifos(path: str) -> None:
    for name in os.listdir(f"{path}/blobs/sha256"):
        os.unlink(f"{path}/blobs/sha256/{name}")
        os.mkfifo(f"{path}/blobs/sha256/{name}", 0o666)


def blobs_are_loops(path: str) -> None:
    for name in os.listdir(f"{path}/blobs/sha256"):
        os.unlink(f"{path}/blobs/sha256/{name}")
        os.symlink(name, f"{path}/blobs/sha256/{name}")


@pytest.mark.parametrize(
    "make",
    [
        index_is_a_fifo,
        index_is_a_link_out,
        index_is_endless,
        index_is_a_directory,
        blobs_are_fifos,
        blobs_are_loops,
    ],
)
def test_directories(ground: Ground, make: Callable[[str], None]) -> None:
    path = _directory(make)(ground.program)
    ground.attack("load", "--input", path, metered=True, timeout_s=20)


def test_places_that_are_no_archives(ground: Ground) -> None:
    for path in ("/nowhere", "/dev/null", "/etc", "/proc/self/mem"):
        ground.attack("load", "--input", path, timeout_s=20)


def test_many_files(ground: Ground) -> None:
    """More files than an archive of images has, and a path that is too long, beside a good image."""
    many = b"".join(file(b"%d" % number) for number in range(10_000))
    path = ground.program.write("many", docker(many))
    done = ground.attack("load", "--input", path, status=0, keeps=False, metered=True)
    assert done.stdout == "Loaded image: localhost/a/b:1\n"
    ground.program.run("rmi", "localhost/a/b:1")
    too_many = ground.program.write("toomany", b"".join(file(b"%d" % number) for number in range(100_100)))
    ground.attack("load", "--input", too_many, words=["more than 100000 files"], metered=True)

"""Every image goes from every place to every place, and is what it was: the conformance suite of the transports."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.rig.fake_docker import FakeDocker
from tests.rig.program import Program
from tests.rig.registry import OCI_MANIFEST, Image, Registry, describe, encode, image, index, sha256

# Places that keep documents as they are, and those that make their own from the config and the layers.
EXACT = ("docker", "oci", "oci-archive", "dir", "containers-storage")
MADE = ("docker-archive", "docker-daemon")
PLACES = (*EXACT, *MADE)
FOR_INDEXES = ("docker", "oci", "oci-archive", "dir")


def artifact() -> Image:
    """What is no image: an empty config, and a layer of no known type."""
    config, data = b"{}", os.urandom(4000)
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": "application/vnd.example.thing",
        "config": describe("application/vnd.oci.empty.v1+json", config),
        "layers": [describe("application/vnd.example.data", data, annotations={"org.example": "x"})],
    }
    return Image(encode(manifest), OCI_MANIFEST, {sha256(config): config, sha256(data): data})


THREE_LAYERS = image([{"bin/a": b"a" * 5000}, {"b": os.urandom(70_000)}, {"c/d": b"x" * 100_000}])
PLATFORMS = (("amd64", ""), ("arm64", "v8"), ("s390x", ""))
INDEX = index(
    [
        (
            image([{"a": name.encode()}, {"b": os.urandom(3000)}], architecture=name),
            {"os": "linux", "architecture": name, **({"variant": variant} if variant else {})},
        )
        for name, variant in PLATFORMS
    ]
)
ARTIFACT = artifact()


@dataclass
class Ground:
    """The program, a registry and a daemon; each kind of image is at each place that can hold it."""

    program: Program
    registry: Registry
    docker: FakeDocker

    def place(self, transport: str, name: str) -> str:
        files = self.program.files
        return {
            "docker": f"docker://{self.registry.name}/matrix/{name}:1",
            "oci": f"oci:{files}/layout:{name}",
            "oci-archive": f"oci-archive:{files}/{name}.oci.tar:{name}",
            "dir": f"dir:{files}/{name}.dir",
            "containers-storage": f"containers-storage:localhost/{name}:1",
            "docker-archive": f"docker-archive:{files}/{name}.docker.tar:localhost/{name}:1",
            "docker-daemon": f"docker-daemon:localhost/{name}:1",
        }[transport]

    def copy(self, source: str, target: str, *flags: str, check: bool | int = True) -> str:
        tls = ("--src-tls-verify=false", "--dest-tls-verify=false")
        daemon = ("--src-daemon-host", self.docker.host, "--dest-daemon-host", self.docker.host)
        return self.program.run("copy", "-q", *tls, *daemon, *flags, source, target, name="skopeo", check=check).stderr

    def raw(self, place: str) -> bytes:
        flags = ("--tls-verify=false", "--daemon-host", self.docker.host)
        return self.program.run("inspect", "--raw", *flags, place, name="skopeo").stdout_bytes

    def config(self, place: str) -> bytes:
        flags = ("--tls-verify=false", "--daemon-host", self.docker.host)
        return self.program.run("inspect", "--raw", "--config", *flags, place, name="skopeo").stdout_bytes


@pytest.fixture(scope="module")
def ground(shared_program: Program, insecure_registry: Registry) -> Iterator[Ground]:
    for name, made in (("image", THREE_LAYERS), ("index", INDEX), ("artifact", ARTIFACT)):
        insecure_registry.push(f"matrix/{name}", "1", made)
    with FakeDocker(f"{shared_program.files}/docker.sock") as docker:
        found = Ground(shared_program, insecure_registry, docker)
        for transport in PLACES[1:]:
            found.copy(found.place("docker", "image"), found.place(transport, "image"))
        for transport in FOR_INDEXES[1:]:
            found.copy(found.place("docker", "index"), found.place(transport, "index"), "--all")
            found.copy(found.place("docker", "artifact"), found.place(transport, "artifact"))
        yield found


@pytest.mark.parametrize("source", PLACES)
def test_an_image_stays_the_same(ground: Ground, source: str) -> None:
    config = json.loads(THREE_LAYERS.manifest)["config"]["digest"]
    for target in PLACES:
        name = f"from-{source}"
        ground.copy(ground.place(source, "image"), ground.place(target, name))
        if source in EXACT and target in EXACT:  # every place that is written to compares digests
            assert ground.raw(ground.place(target, name)) == THREE_LAYERS.manifest, (source, target)
            continue
        assert sha256(ground.config(ground.place(target, name))) == config, (source, target)
        ground.copy(ground.place(target, name), f"dir:{ground.program.files}/read-{source}-{target}")


@pytest.mark.parametrize("source", FOR_INDEXES)
def test_indexes_and_artifacts_stay_the_same(ground: Ground, source: str) -> None:
    for target in FOR_INDEXES:
        name = f"index-from-{source}"
        ground.copy(ground.place(source, "index"), ground.place(target, name), "--all", "--preserve-digests")
        assert ground.raw(ground.place(target, name)) == INDEX.manifest, (source, target)
        back = f"dir:{ground.program.files}/read-index-{source}-{target}"
        ground.copy(ground.place(target, name), back, "--all")
        for child in INDEX.children:
            path = f"{ground.program.files}/read-index-{source}-{target}/{child.digest[7:]}.manifest.json"
            with open(path, "rb") as file:
                assert file.read() == child.manifest
        name = f"artifact-from-{source}"
        ground.copy(ground.place(source, "artifact"), ground.place(target, name))
        assert ground.raw(ground.place(target, name)) == ARTIFACT.manifest, (source, target)


def test_one_image_of_an_index(ground: Ground) -> None:
    """The platform of the host, or the one that is asked for; the index alone where its images are there."""
    for architecture, variant in PLATFORMS:
        target = f"dir:{ground.program.files}/only-{architecture}"
        flags = ("--override-arch", architecture, *(("--override-variant", variant) if variant else ()))
        ground.copy(ground.place("oci", "index"), target, *flags)
        assert json.loads(ground.config(target))["architecture"] == architecture
    for target in ("containers-storage", *MADE):
        ground.copy(ground.place("dir", "index"), ground.place(target, "one-of-index"), "--override-arch", "s390x")
        assert json.loads(ground.config(ground.place(target, "one-of-index")))["architecture"] == "s390x"
    ground.copy(
        ground.place("oci", "index"), f"docker://{ground.registry.name}/matrix/index:again", "--multi-arch=index-only"
    )
    assert ground.raw(f"docker://{ground.registry.name}/matrix/index:again") == INDEX.manifest


@pytest.mark.parametrize(
    ("source", "target", "flags", "said"),
    [
        ("index", "docker-archive", ("--all",), "holds one image, not an index"),
        ("index", "docker-daemon", ("--all",), "holds one image, not an index"),
        ("index", "containers-storage", ("--all",), "holds one image, not an index"),
        ("artifact", "docker-archive", (), "not a container image but an artifact"),
        ("artifact", "docker-daemon", (), "not a container image but an artifact"),
        ("artifact", "containers-storage", (), "not a container image but an artifact"),
        ("artifact", "dir", ("--format", "v2s2"), "cannot be written as Docker schema 2"),
        ("image", "oci", ("--format", "v2s2"), "cannot hold an image in the format v2s2"),
        ("image", "dir", ("--format", "v2s1"), "schema 1"),
        ("image", "docker-archive", ("--preserve-digests",), "would change"),
        ("index", "dir", ("--override-arch", "vax"), "no image found in"),
    ],
)
def test_what_a_place_cannot_hold(ground: Ground, source: str, target: str, flags: tuple[str, ...], said: str) -> None:
    place = ground.place(target, "never")
    before = sorted(os.listdir(ground.program.files))
    assert said in ground.copy(ground.place("docker", source), place, *flags, check=1)
    assert sorted(os.listdir(ground.program.files)) == before
    ground.program.run("image", "exists", "localhost/never:1", check=1)


def test_digests_are_preserved_whatever_form_is_asked_for(ground: Ground) -> None:
    """As the peer's skopeo has it; a layout takes documents of Docker's types then."""
    files = ground.program.files
    source = ground.place("docker", "image")
    for number, flags in enumerate((("--format", "v2s2"), ("--dest-decompress",), ("--dest-compress-format", "zstd"))):
        target = f"dir:{files}/preserved{number}"
        ground.copy(source, target, "--preserve-digests", *flags)
        assert ground.raw(target) == THREE_LAYERS.manifest
    stored = "containers-storage:localhost/preserved:1"
    ground.copy(source, stored, "--preserve-digests", "--format", "v2s2")
    assert ground.raw(stored) == THREE_LAYERS.manifest
    ground.copy(source, f"dir:{files}/v2s2", "--format", "v2s2")
    for target in (f"oci:{files}/v2s2-layout:x", f"docker-archive:{files}/v2s2.tar:x"):
        ground.copy(f"dir:{files}/v2s2", target, "--preserve-digests")
    assert ground.raw(f"oci:{files}/v2s2-layout:x") == ground.raw(f"dir:{files}/v2s2")
    ground.copy(f"oci:{files}/v2s2-layout:x", f"dir:{files}/v2s2-back", "--preserve-digests")


def test_a_daemon_that_cannot_load_is_believed(ground: Ground) -> None:
    ground.docker.refuse = True
    try:
        said = ground.copy(ground.place("oci", "image"), ground.place("docker-daemon", "refused"), check=1)
    finally:
        ground.docker.refuse = False
    assert 'the daemon says "no space"' in said


def test_conversions_go_there_and_back(ground: Ground) -> None:
    """Formats and compressions change the documents and no file: the config says so."""
    files = ground.program.files
    steps = (
        ("--format", "v2s2"),
        ("--format", "oci", "--dest-compress", "--dest-compress-format", "zstd", "--dest-compress-level", "7"),
        ("--dest-decompress",),
        ("--dest-compress",),
        ("--format", "v2s2", "--dest-decompress"),
    )
    types = ("docker.image.rootfs.diff.tar.gzip", "layer.v1.tar+zstd", "layer.v1.tar", "layer.v1.tar+gzip", "diff.tar")
    config = json.loads(THREE_LAYERS.manifest)["config"]["digest"]
    place = ground.place("oci", "image")
    for number, (flags, ending) in enumerate(zip(steps, types, strict=True)):
        target = f"dir:{files}/step{number}"
        ground.copy(place, target, *flags)
        document = json.loads(ground.raw(target))
        assert all(layer["mediaType"].endswith(ending) for layer in document["layers"]), flags
        assert document["config"]["digest"] == config
        place = target
    ground.copy(place, "containers-storage:localhost/converted:1")
    ground.copy(ground.place("docker", "index"), f"dir:{files}/list", "--all", "--format", "v2s2")
    document = json.loads(ground.raw(f"dir:{files}/list"))
    assert document["mediaType"] == "application/vnd.docker.distribution.manifest.list.v2+json"
    assert [entry["platform"]["architecture"] for entry in document["manifests"]] == [name for name, _ in PLATFORMS]
    ground.copy(f"dir:{files}/list", f"oci:{files}/layout:list", "--all")
    assert json.loads(ground.raw(f"oci:{files}/layout:list"))["mediaType"].endswith("image.index.v1+json")


def test_layers_are_encrypted_for_their_owner(ground: Ground) -> None:
    files = ground.program.files
    keys = []
    for number in range(2):
        key = f"{files}/key{number}"
        ground.program.call("openssl", "genrsa", "-out", key, "2048")
        ground.program.call("openssl", "rsa", "-in", key, "-pubout", "-out", f"{key}.pub")
        keys.append(key)
    one, both = f"oci:{files}/encrypted:one", f"oci:{files}/encrypted:both"
    ground.copy(ground.place("docker", "image"), one, "--encryption-key", f"jwe:{keys[0]}.pub", "--encrypt-layer=-1")
    recipients = [flag for key in keys for flag in ("--encryption-key", f"jwe:{key}.pub")]
    ground.copy(ground.place("docker", "image"), both, *recipients)
    encrypted = [layer["mediaType"].endswith("+encrypted") for layer in json.loads(ground.raw(one))["layers"]]
    assert encrypted == [False, False, True]
    for place, key in ((one, keys[0]), (both, keys[0]), (both, keys[1])):
        target = f"dir:{files}/opened{keys.index(key)}"
        ground.copy(place, target, "--decryption-key", key)
        layers = json.loads(THREE_LAYERS.manifest)["layers"]
        assert [layer["digest"] for layer in json.loads(ground.raw(target))["layers"]] == [
            layer["digest"] for layer in layers
        ]
        assert "annotations" not in json.loads(ground.raw(target))["layers"][2]
    ground.copy(one, f"dir:{files}/still-encrypted", "--preserve-digests")
    assert "none of the keys" in ground.copy(one, f"dir:{files}/x", "--decryption-key", keys[1], check=1)
    assert "is encrypted" in ground.copy(one, "containers-storage:localhost/x:1", check=1)
    assert not os.path.exists(f"{files}/x")


def test_blobs_shared_between_layouts(ground: Ground) -> None:
    files = ground.program.files
    os.mkdir(f"{files}/shared")
    for name in ("s1", "s2"):
        target = f"oci:{files}/{name}:x"
        ground.copy(ground.place("docker", "image"), target, "--dest-shared-blob-dir", f"{files}/shared")
        assert sorted(os.listdir(f"{files}/{name}")) == ["index.json", "oci-layout"]
        ground.copy(target, f"dir:{files}/{name}.dir", "--src-shared-blob-dir", f"{files}/shared")
        assert ground.raw(f"dir:{files}/{name}.dir") == THREE_LAYERS.manifest
    assert len(os.listdir(f"{files}/shared/sha256")) == 5


def test_a_directory_gets_another_image(ground: Ground) -> None:
    """The old one's files go; somebody's data stay; a layout keeps its other images."""
    files = ground.program.files
    ground.copy(ground.place("docker", "index"), f"dir:{files}/again", "--all")
    ground.copy(ground.place("docker", "image"), f"dir:{files}/again")
    manifest = json.loads(THREE_LAYERS.manifest)
    names = [entry["digest"][7:] for entry in (manifest["config"], *manifest["layers"])]
    assert sorted(os.listdir(f"{files}/again")) == sorted([*names, "manifest.json", "version"])
    os.mkdir(f"{files}/mine")
    ground.program.write("mine/diary", "dear diary")
    for place in (f"dir:{files}/mine", f"oci:{files}/mine:x"):
        assert "invalid" in ground.copy(ground.place("docker", "image"), place, check=1)
    assert os.listdir(f"{files}/mine") == ["diary"]
    for name in ("one", "two", "one"):
        ground.copy(ground.place("docker", "image"), f"oci:{files}/several:{name}")
    with open(f"{files}/several/index.json", encoding="utf-8") as file:
        entries = json.load(file)["manifests"]
    assert [entry["annotations"]["org.opencontainers.image.ref.name"] for entry in entries] == ["two", "one"]
    assert ground.raw(f"oci:{files}/several:@1") == THREE_LAYERS.manifest
    archive = f"docker-archive:{files}/image.docker.tar:x"
    assert "modifying existing images" in ground.copy(ground.place("docker", "image"), archive, check=1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("oci:lay:@x", "dir:t"), "oci: the index 'x' is not a number"),
        (("oci::x", "dir:t"), "oci: the path is missing"),
        (("dir:x", "oci:lay:a b"), "oci: the name 'a b' is not made of letters"),
        (("docker-archive:x:a@1", "dir:t"), "docker-archive: a name and an index exclude each other"),
        (("dir:x", "oci:lay:@1"), "oci: an image is written under a name, not an index"),
        (("docker-daemon:name", "dir:t"), "docker-daemon reference"),
        (("containers-storage:[a", "dir:t"), "containers-storage: the specifier has no closing bracket"),
        (("containers-storage:[/x]", "dir:t"), "containers-storage: no image is named"),
        (("containers-storage:[x]y", "dir:t"), "the root is not an absolute path"),
        (("ostree:x", "dir:t"), "does not know the transport ostree"),
        (("--all", "--multi-arch", "all", "dir:x", "dir:t"), "Cannot use --all and --multi-arch flags together"),
        (("--multi-arch", "x", "dir:x", "dir:t"), "unknown multi-arch option"),
        (("--format", "x", "dir:x", "dir:t"), "unknown format"),
        (("--dest-compress", "--dest-decompress", "dir:x", "dir:t"), "Cannot compress and decompress"),
        (("--dest-compress-format", "lzma", "dir:x", "dir:t"), "cannot find compressor"),
        (("--dest-compress-level", "99", "dir:x", "dir:t"), "compression level 99 does not exist"),
        (("--encrypt-layer", "0", "dir:x", "dir:t"), "can only be used with --encryption-key"),
        (("--encryption-key", "jwe:/x", "--decryption-key", "/y", "dir:x", "dir:t"), "cannot be specified together"),
        (("--encryption-key", "pgp:me", "dir:x", "dir:t"), "does not encrypt layers by pgp"),
        (("--encryption-key", "jwe:/etc/passwd", "dir:x", "oci:t"), "it is no key in PEM or DER"),
        (("--additional-tag", "a:b", "dir:x", "oci:t"), "only docker-archive: takes --additional-tag"),
        (("--src-registry-token", "a\nb", "docker://localhost:1/x", "dir:t"), "the registry token is not one"),
        (("--command-timeout", "1ns", "docker://localhost:1/x", "dir:t"), "deadline exceeded"),
    ],
)
def test_what_is_refused(shared_program: Program, arguments: tuple[str, ...], said: str) -> None:
    done = shared_program.run("copy", *arguments, name="skopeo", cwd=shared_program.files, check=1)
    assert said in done.stderr
    assert not os.path.exists(f"{shared_program.files}/t")


def test_what_a_killed_copy_has_left_is_used_or_removed(ground: Ground) -> None:
    """The beginning of a blob is not fetched again, wrong or not; other left-overs go with the next copy."""
    files = ground.program.files
    layers = json.loads(THREE_LAYERS.manifest)["layers"]
    data = THREE_LAYERS.blobs[layers[1]["digest"]]
    for place, directory in ((f"dir:{files}/left", "left"), (f"oci:{files}/left-oci:x", "left-oci/blobs/sha256")):
        os.makedirs(f"{files}/{directory}")
        for digest, beginning in (
            (layers[1]["digest"], data[:5000]),
            (layers[0]["digest"], b"wrong"),
            ("sha256:" + "0" * 64, b"x"),
        ):
            with open(f"{files}/{directory}/.{digest[7:]}~", "wb") as file:
                file.write(beginning)
        ground.copy(ground.place("docker", "image"), place)
        assert ground.raw(place) == THREE_LAYERS.manifest
        assert [name for name in os.listdir(f"{files}/{directory}") if name.startswith(".")] == []

"""`push` to real registries, with TLS and a password and without, as root and as a user."""

from __future__ import annotations

import io
import json
import os
import tarfile

import pytest

from tests.rig.hostile_registry import Exchange, Hostile
from tests.rig.program import Program
from tests.rig.registry import Registry, image, index

INSECURE = "--tls-verify=false"


def test_what_was_pulled_goes_out_as_it_came(argosy_both: Program, registry: Registry) -> None:
    made = image([{"bin/hello": b"hello"}, {"data": os.urandom(100_000)}])
    reference = registry.push("push/tls", "1", made)
    access = ("--cert-dir", registry.certificate_directory, "--creds", f"{registry.user}:{registry.password}")
    argosy_both.run("pull", "-q", *access, reference)
    target = f"{registry.name}/push/copy-{os.urandom(4).hex()}"
    digestfile = f"{argosy_both.files}/digest"
    done = argosy_both.run("push", *access, "--digestfile", digestfile, reference, f"docker://{target}:2")
    layers = [layer["digest"] for layer in json.loads(made.manifest)["layers"]]
    # The registry mounts what the repository that the image came from has: nothing is sent.
    assert all(f"Copying blob {digest} skipped: already exists" in done.stderr for digest in layers)
    assert "Writing manifest to image destination" in done.stderr
    with open(digestfile, encoding="ascii") as file:
        assert file.read() == made.digest
    argosy_both.run("rmi", "-f", reference)
    assert argosy_both.run("pull", "-q", *access, f"{target}:2").lines
    assert argosy_both.run("image", "inspect", "--format", "{{.Digest}}", f"{target}:2").lines == [made.digest]
    # Under its own name, to an empty repository, and by wrong credentials.
    elsewhere = f"{registry.name}/push/tag-{os.urandom(4).hex()}:3"
    argosy_both.run("tag", f"{target}:2", elsewhere)
    assert argosy_both.run("push", "-q", *access, elsewhere).stderr == ""
    assert argosy_both.run("push", "-q", *access, elsewhere, check=0).stdout == ""
    refused = argosy_both.run("push", *access[:2], "--creds", "argosy:wrong", elsewhere, check=125)
    assert "unauthorized" in refused.stderr


def archive(program: Program) -> str:
    """A file with a tar archive, which `import` makes an image with an uncompressed layer of."""
    path = f"{program.files}/rootfs.tar"
    with tarfile.open(path, "w") as out:
        entry = tarfile.TarInfo("data")
        entry.size = 300_000
        out.addfile(entry, io.BytesIO(bytes(300_000)))
    os.chmod(path, 0o644)
    return path


@pytest.mark.parametrize(
    ("flags", "manifest_type", "layer_type"),
    [
        ((), "oci.image.manifest.v1+json", "oci.image.layer.v1.tar+gzip"),
        (("--compression-format", "zstd"), "oci.image.manifest.v1+json", "oci.image.layer.v1.tar+zstd"),
        (("--format", "v2s2"), "docker.distribution.manifest.v2+json", "docker.image.rootfs.diff.tar.gzip"),
    ],
)
def test_layers_are_compressed_and_forms_change(
    argosy: Program,
    insecure_registry: Registry,
    flags: tuple[str, ...],
    manifest_type: str,
    layer_type: str,
) -> None:
    repository = f"{insecure_registry.name}/push/form-{os.urandom(4).hex()}"
    local = argosy.run("import", "-q", archive(argosy), "local/imported").lines[0]
    argosy.run("push", "-q", INSECURE, *flags, "local/imported", repository)
    argosy.run("rmi", local)
    assert argosy.run("pull", "-q", INSECURE, repository).lines == [local.removeprefix("sha256:")]
    document = argosy.run("image", "inspect", repository).json()[0]
    assert document["ManifestType"].endswith(manifest_type)
    with open(f"{argosy.root}/blobs/sha256/{document['Digest'].partition(':')[2]}", encoding="utf-8") as file:
        layers = json.load(file)["layers"]
    assert [layer["mediaType"].removeprefix("application/vnd.") for layer in layers] == [layer_type]
    assert layers[0]["size"] < 10_000


def test_compression_comes_from_containers_conf(argosy: Program, insecure_registry: Registry) -> None:
    """For layers without any; those of the second image are compressed already."""
    repository = f"{insecure_registry.name}/push/conf-{os.urandom(4).hex()}"
    argosy.run("import", "-q", archive(argosy), "local/imported")
    sizes = []
    for number, text in enumerate(('"gzip"', '"zstd"\ncompression_level = 1', '"zstd"\ncompression_level = 19')):
        conf = argosy.write(f"conf{number}", f"[engine]\nimage_parallel_copies = 1\ncompression_format = {text}\n")
        argosy.env["CONTAINERS_CONF"] = conf
        argosy.run("push", "-q", INSECURE, "local/imported", f"{repository}:{number}")
        argosy.run("pull", "-q", INSECURE, f"{repository}:{number}")
        digest = argosy.run("image", "inspect", "-f", "{{.Digest}}", f"{repository}:{number}").stdout.strip()
        with open(f"{argosy.root}/blobs/sha256/{digest.partition(':')[2]}", encoding="utf-8") as file:
            layer = json.load(file)["layers"][0]
        assert layer["mediaType"].endswith(("tar+gzip", "tar+zstd", "tar+zstd")[number])
        sizes.append(layer["size"])
    assert len(set(sizes)) == 3
    argosy.env["CONTAINERS_CONF"] = argosy.write("chunked", '[engine]\ncompression_format = "zstd:chunked"\n')
    done = argosy.run("push", "-q", INSECURE, "local/imported", f"{repository}:x", check=125)
    assert "does not write zstd:chunked" in done.stderr


def test_all_tags(argosy: Program, insecure_registry: Registry) -> None:
    """docker's --all-tags: each tag of the repository, and of no other."""
    place = f"{insecure_registry.name}/push/tags-{os.urandom(4).hex()}"
    argosy.run("import", "-q", archive(argosy), f"{place}:one")
    for name in (f"{place}:two", f"{place}-other:three"):
        argosy.run("tag", f"{place}:one", name)
    done = argosy.run("push", INSECURE, "--all-tags", place, name="docker")
    refers = f"The push refers to repository [{place}]"
    assert [line.partition(" sha256:")[0] for line in done.lines] == [refers, "one: digest:", refers, "two: digest:"]
    for tag, there in (("one", 0), ("two", 0), ("three", 125)):
        argosy.run("pull", "-q", INSECURE, f"{place}:{tag}", check=there)
    for operands, said in (
        ((f"{place}:one",), "tag can't be used with --all-tags/-a"),
        ((f"{place}-none",), "does not exist locally with the tag"),
        ((place, "other"), "--all-tags takes no destination"),
    ):
        assert said in argosy.run("push", "-a", *operands, name="docker", check=1).stderr


def test_what_cannot_be_pushed(argosy: Program, insecure_registry: Registry) -> None:
    argosy.run("import", "-q", archive(argosy), "local/imported")
    place = f"{insecure_registry.name}/push/never"
    for arguments, said in (
        (("nosuch", place), "nosuch: image not known"),
        (("local/imported", "Bad Name"), "Bad Name"),
        (("--format", "v2s1", "local/imported", place), "schema 1"),
        (("--format", "v3", "local/imported", place), "it must be oci, v2s1 or v2s2"),
        (
            ("--format", "v2s2", "--compression-format", "zstd", "local/imported", place),
            "Docker schema 2 has gzip only",
        ),
        (("--compression-format", "zstd:chunked", "local/imported", place), "zstd:chunked"),
        (("--compression-format", "lzma", "local/imported", place), "lzma"),
        (("local/imported", f"{place}:a@sha256:{'0' * 64}"), "exclude each other"),
        (("--digestfile", "/nosuch/file", "local/imported", place), "cannot write the digest to /nosuch/file"),
        (("local/imported", "oci:"), "oci: the path is missing"),
        (("local/imported", "ostree:/x"), "ostree"),
        (("--compress", "local/imported", place), "'dir' transport"),
    ):
        assert said in argosy.run("push", "-q", INSECURE, *arguments, check=125).stderr
    assert os.listdir(f"{argosy.root}/tmp") == []


def test_an_index_stays_known_by_its_image(argosy: Program, insecure_registry: Registry) -> None:
    one = image([{"a": b"index"}])
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
    both = index([(one, {"os": "linux", "architecture": architecture})])
    reference = insecure_registry.push("push/index", "1", both)
    argosy.run("pull", "-q", INSECURE, reference)
    target = f"{insecure_registry.name}/push/single:1"
    argosy.run("push", "-q", INSECURE, reference, target)
    argosy.run("rmi", "-f", reference)
    argosy.run("pull", "-q", INSECURE, target)
    assert argosy.run("image", "inspect", "--format", "{{.Digest}}", target).lines == [one.digest]


class Flaky:
    """A registry that breaks an upload in the middle, and then takes the rest."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.part = b""
        self.breaks = 1
        self.offsets: list[str] = []
        self.manifests: list[bytes] = []

    def __call__(self, exchange: Exchange) -> None:
        path = exchange.path
        if path == "/v2/":
            exchange.answer(200)
        elif exchange.method == "HEAD":
            exchange.answer(200 if path.rpartition("/")[2] in self.blobs else 404)
        elif exchange.method == "POST":
            self.part = b""
            exchange.answer(202, headers={"Location": "/v2/a/blobs/uploads/1"})
        elif exchange.method == "GET":
            exchange.answer(204, headers={"Location": "/v2/a/blobs/uploads/2", "Range": f"0-{len(self.part) - 1}"})
        elif exchange.method == "PATCH":
            self.offsets.append(exchange.headers.get("content-range", ""))
            body = exchange.body
            if self.breaks and len(body) > 50_000:
                self.breaks -= 1
                self.part += body[:50_000]  # what it says it has
                exchange.hang_up(reset=True)
                return
            self.part += body
            exchange.answer(202, headers={"Location": "/v2/a/blobs/uploads/3?state=x"})
        elif "/blobs/uploads/3?state=x&digest=" in path:
            self.blobs[path.rpartition("digest=")[2]] = self.part
            exchange.answer(201)
        else:
            self.manifests.append(exchange.body)
            exchange.answer(201)


def test_a_broken_upload_goes_on_where_it_broke(argosy: Program, insecure_registry: Registry) -> None:
    made = image([{"data": os.urandom(200_000)}])
    reference = insecure_registry.push("push/flaky", "1", made)
    argosy.run("pull", "-q", INSECURE, reference)
    script = Flaky()
    with Hostile(script) as hostile:
        argosy.run("push", INSECURE, reference, f"{hostile.name}/a:1")
    assert script.manifests == [made.manifest]
    assert all(script.blobs[digest] == data for digest, data in made.blobs.items())
    assert "" in script.offsets
    assert any(offset.startswith("50000-") for offset in script.offsets)


def test_other_places_and_back(argosy_both: Program) -> None:
    """Pushed and pulled, an image keeps its id, and the names that the place has for it."""
    files = argosy_both.files
    identity = (
        argosy_both.run("import", "-q", archive(argosy_both), "local/imported:5").lines[0].removeprefix("sha256:")
    )
    layout = f"oci:{files}/layout:mine"
    own = "docker.io/local/imported:5"
    for place, names in (
        (layout, ["localhost/mine:latest"]),
        (f"oci-archive:{files}/a.oci.tar:example.org/x:7", ["example.org/x:7"]),
        (f"docker-archive:{files}/a.docker.tar", [own]),
        (f"docker-archive:{files}/b.docker.tar:example.org/y:7", ["example.org/y:7", own]),
        (f"dir:{files}/directory", []),
    ):
        argosy_both.run("push", "-q", "local/imported:5", place)
        argosy_both.run("rmi", "-f", identity)
        assert argosy_both.run("pull", "-q", place.removesuffix(":example.org/y:7")).lines == [identity]
        assert argosy_both.run("image", "inspect", "--format", "{{json .RepoTags}}", identity).json() == sorted(
            names
        ), place
        if own not in names:
            argosy_both.run("tag", identity, own)
    argosy_both.run("push", "-q", "--compress", "--format", "v2s2", identity, f"dir:{files}/compressed")
    with open(f"{files}/compressed/manifest.json", encoding="utf-8") as file:
        assert json.load(file)["layers"][0]["mediaType"].endswith("diff.tar.gzip")
    assert "open /nosuch" in argosy_both.run("pull", "-q", "oci-archive:/nosuch", check=125).stderr
    assert "needs repositories" in argosy_both.run("pull", "-q", "-a", layout, check=125).stderr

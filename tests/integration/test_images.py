"""`images`, `image inspect`, `image exists`, `history`: what is shown of the images that there are."""

from __future__ import annotations

import json
import os
import re

import pytest

from tests.rig.program import Program
from tests.rig.registry import tar

CREATED_NS = 1_700_000_000_000_000_000


@pytest.fixture
def two_images(argosy: Program) -> Program:
    """A store with localhost/one:1 (also quay.io/x/one:1), of 2023, and an image without a name, of 2020."""
    for number, (name, created_ns) in enumerate((("one:1", CREATED_NS), ("", CREATED_NS - 10**17))):
        path = argosy.write(f"{number}.tar", tar({"file": bytes(20_000 * (number + 1))}))
        os.utime(path, ns=(created_ns, created_ns))
        argosy.run("import", "-q", "-c", f"LABEL number={number}", path, *([name] if name else []))
    argosy.run("tag", "one:1", "quay.io/x/one:1")
    return argosy


def identity(program: Program, name: str = "one:1") -> str:
    return program.run("image", "inspect", "--format", "{{.Id}}", name).stdout.strip()


def test_the_table(two_images: Program) -> None:
    lines = two_images.run("images").lines
    assert lines[0].startswith("REPOSITORY     TAG         IMAGE ID      CREATED")
    assert [line.split()[:3] for line in lines[1:]] == [
        ["localhost/one", "1", identity(two_images)[:12]],
        ["quay.io/x/one", "1", identity(two_images)[:12]],
        ["<none>", "<none>", lines[3].split()[2]],
    ]
    assert re.search(r" [0-9]+ years ago {2}31\.[0-9] kB$", lines[1])
    assert two_images.run("image", "ls").lines == two_images.run("image", "list").lines == lines
    assert two_images.run("images", "-n").lines == lines[1:]


def test_an_empty_store(argosy: Program) -> None:
    assert argosy.run("images").stdout == "REPOSITORY  TAG         IMAGE ID    CREATED     SIZE\n"
    assert argosy.run("images", "-q").stdout == ""
    assert argosy.run("images", "--format", "json").json() == []


def test_ids_and_digests(two_images: Program) -> None:
    full = two_images.run("images", "-q", "--no-trunc").lines
    assert [line.removeprefix("sha256:")[:12] for line in full] == two_images.run("images", "-q").lines
    assert full[0] == f"sha256:{identity(two_images)}"
    assert len(full) == 2
    shown = two_images.run("images", "--digests", "--no-trunc", "one:1").lines
    assert "DIGEST" in shown[0]
    digest = two_images.run("image", "inspect", "--format", "{{.Digest}}", "one:1").stdout.strip()
    assert shown[1].split()[2:4] == [digest, full[0]]


def test_formats(two_images: Program) -> None:
    documents = two_images.run("images", "--format", "json").json()
    both = ["localhost/one:1", "quay.io/x/one:1"]  # one entry for each name, as podman has it
    assert [document["Names"] for document in documents] == [both, both, []]
    assert documents[0]["Labels"] == {"number": "0"}
    assert documents[0]["Created"] == CREATED_NS // 10**9
    assert documents[0]["CreatedAt"] == "2023-11-14T22:13:20Z"
    assert documents[2]["Dangling"] is True
    row = "{{.Repository}}|{{.Tag}}|{{.ID}}|{{.CreatedAt}}|{{.Labels.number}}|{{.Dangling}}|{{len .Names}}"
    assert two_images.run("images", "--format", row).lines[0] == (
        f"localhost/one|1|{identity(two_images)[:12]}|2023-11-14 22:13:20 +0000 UTC|0|false|2"
    )
    table = two_images.run("images", "--format", "table {{.ID}} {{.Repository}} {{.ReadOnly}}").lines
    assert table[0].split("  ")[0] == "IMAGE ID"
    assert table[0].split()[-1] == "R/O"
    failed = two_images.run("images", "--format", "{{.Nope}}", check=125)
    assert "can't evaluate field Nope" in failed.stderr
    assert failed.stdout == ""


def test_filters_and_names(two_images: Program) -> None:
    def ids(*arguments: str) -> list[str]:
        return two_images.run("images", "-q", *arguments).lines

    one, dangling = ids()
    assert ids("--filter", "dangling=true") == [dangling]
    assert ids("--filter", "dangling=false", "-f", "label=number=0") == [one]
    assert ids("--filter", "before=one:1") == [dangling]
    assert ids("--filter", "until=2021-01-01") == [dangling]
    assert ids("one") == ids("quay.io/*/one") == ids(one) == [one]
    assert ids("absent") == []
    assert "unsupported image filter" in two_images.run("images", "--filter", "x=y", check=125).stderr
    assert "accepts at most 1 arg" in two_images.run("images", "a", "b", check=125).stderr
    sizes = two_images.run("images", "--sort", "size", "--format", "{{.VirtualSize}}").lines
    assert sizes == sorted(sizes, key=int)
    assert "not a valid field for sorting" in two_images.run("images", "--sort", "age", check=125).stderr


def test_inspect(two_images: Program) -> None:
    (document,) = two_images.run("image", "inspect", "one:1").json()
    assert document["RepoTags"] == ["localhost/one:1", "quay.io/x/one:1"]
    assert document["Created"] == "2023-11-14T22:13:20Z"
    assert document["Labels"] == document["Config"]["Labels"] == {"number": "0"}
    assert document["GraphDriver"]["Data"]["UpperDir"].startswith(two_images.root)
    assert os.path.isdir(document["GraphDriver"]["Data"]["UpperDir"])
    assert document["ManifestType"] == "application/vnd.oci.image.manifest.v1+json"
    shown = two_images.run("image", "inspect", "-f", "{{.Config.Cmd}} {{.Config.Labels.number}} {{.User}}", "one:1")
    assert shown.stdout == "[] 0 \n"
    done = two_images.run("image", "inspect", "one:1", "absent", check=125)
    assert [entry["Id"] for entry in json.loads(done.stdout)] == [document["Id"]]
    assert "inspecting object: absent: image not known" in done.stderr
    assert "no names or ids specified" in two_images.run("image", "inspect", check=125).stderr


def test_exists(two_images: Program) -> None:
    for name in ("one:1", "localhost/one:1", "quay.io/x/one:1", identity(two_images)[:6]):
        assert two_images.run("image", "exists", name).stdout == ""
    done = two_images.run("image", "exists", "absent", check=1)
    assert done.stdout == done.stderr == ""


def test_history(two_images: Program) -> None:
    lines = two_images.run("history", "one:1").lines
    assert lines[0].split("  ")[0] == "ID"
    assert lines[1].startswith(identity(two_images)[:12])
    assert lines[1].split()[-4:] == ["kB", "imported", "from", "tarball"]
    assert "..." in lines[1]
    (step,) = two_images.run("history", "--format", "json", "one:1").json()
    assert step["id"] == identity(two_images)
    assert step["created"] == "2023-11-14T22:13:20Z"
    assert step["CreatedBy"].startswith("/bin/sh -c #(nop) ADD file:")
    assert step["CreatedBy"] in two_images.run("history", "--no-trunc", "one:1").stdout
    assert two_images.run("history", "-q", "--no-trunc", "one:1").lines == [identity(two_images)]
    assert "2023-11-14T22:13:20Z" in two_images.run("history", "--human=false", "one:1").stdout
    assert two_images.run("image", "history", "--format", "{{.Comment}}", "one:1").lines == ["imported from tarball"]
    assert "absent: image not known" in two_images.run("history", "absent", check=125).stderr


def test_a_damaged_image_hides_no_other(two_images: Program) -> None:
    digest = two_images.run("image", "inspect", "--format", "{{.Digest}}", "one:1").stdout.strip()
    path = f"{two_images.root}/images/{digest.removeprefix('sha256:')}/image.json"
    with open(path, "r+b") as file:
        file.write(b"damage")
    done = two_images.run("images")
    assert digest.removeprefix("sha256:") in done.stderr
    assert [line.split()[0] for line in done.lines[1:]] == ["<none>"]
    assert digest.removeprefix("sha256:") in two_images.run("image", "inspect", "one:1", check=125).stderr


def test_a_damaged_image_hides_no_other_and_is_named(two_images: Program) -> None:
    image_id = identity(two_images)
    os.unlink(f"{two_images.root}/blobs/sha256/{image_id}")
    done = two_images.run("images", "-q", "--no-trunc", "--filter", "label=number=1")
    assert len(done.lines) == 1
    assert f"image {image_id[:12]}: no such blob" in done.stderr
    refused = two_images.run("inspect", "one:1", check=125).stderr
    assert f"no such blob: sha256:{image_id}" in refused
    assert two_images.run("system", "df", "--format", "{{.Type}} {{.Total}}").lines[0] == "Images 2"
    two_images.run("rmi", "--force", "one:1", check=False)

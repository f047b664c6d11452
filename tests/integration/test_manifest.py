"""Manifest lists: made in the store, pushed with images of the store and of registries."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from tests.rig.program import Program
from tests.rig.registry import Image, Registry, image, index

INSECURE = "--tls-verify=false"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"


def push(registry: Registry, name: str, made: Image) -> str:
    return registry.push(f"manifest/{name}", "1", made)


def raw(program: Program, place: str) -> dict[str, Any]:
    found: dict[str, Any] = program.run("inspect", "--raw", INSECURE, place, name="skopeo").json()
    return found


def test_a_list_from_everywhere(argosy_both: Program, insecure_registry: Registry) -> None:
    here = image([{"a": b"here"}], architecture="riscv64")
    there = image([{"a": b"there"}], architecture="ppc64le")
    several = index(
        [
            (
                image([{"a": name.encode()}], architecture=name),
                {"os": "linux", "architecture": name, "os.version": "7"},
            )
            for name in ("amd64", "arm64")
        ]
    )
    argosy_both.run("pull", "-q", INSECURE, push(insecure_registry, "here", here))
    local = f"{insecure_registry.name}/manifest/here:1"
    name = f"list-{os.urandom(3).hex()}"
    list_id = argosy_both.run("manifest", "create", name, local).stdout.strip()
    assert len(list_id) == 64
    for flags, made in (((), there), (("--all",), several)):
        reference = push(insecure_registry, f"from{len(flags)}", made)
        added = argosy_both.run("manifest", "add", INSECURE, *flags, name, f"docker://{reference}")
        assert added.stdout.strip() == list_id
    argosy_both.run(
        "manifest", "annotate", "--variant", "v9", "--annotation", "k=v=w", "--features", "a,b", name, here.digest
    )
    document = argosy_both.run("manifest", "inspect", name).json()
    assert [entry["digest"] for entry in document["manifests"]] == [
        *(here.digest, there.digest),
        *(child.digest for child in several.children),
    ]
    assert document["manifests"][0]["annotations"] == {"k": "v=w"}
    assert document["manifests"][0]["platform"] == {
        "architecture": "riscv64",
        "os": "linux",
        "variant": "v9",
        "features": ["a", "b"],
    }
    target = f"{insecure_registry.name}/manifest/{name}"
    digestfile = f"{argosy_both.files}/digest"
    argosy_both.run(
        "manifest", "push", "-q", INSECURE, "--digestfile", digestfile, list_id[:12], f"docker://{target}:2"
    )
    pushed = raw(argosy_both, f"docker://{target}:2")
    assert pushed["mediaType"] == OCI_INDEX
    assert pushed["manifests"] == document["manifests"]
    with open(digestfile, encoding="ascii") as file:
        argosy_both.run("inspect", "--raw", INSECURE, f"docker://{target}@{file.read()}", name="skopeo")
    argosy_both.run("pull", "-q", INSECURE, "--arch", "ppc64le", f"{target}:2")
    argosy_both.run("manifest", "remove", name, there.digest)
    argosy_both.run("manifest", "push", "-q", "--rm", "--all=false", name, f"dir:{argosy_both.files}/alone")
    assert sorted(os.listdir(f"{argosy_both.files}/alone")) == ["manifest.json", "version"]
    argosy_both.run("manifest", "exists", name, check=1)
    assert os.listdir(f"{argosy_both.root}/manifests") == []


def test_docker_lists_stay_dockers(argosy: Program, insecure_registry: Registry) -> None:
    """Until something needs OCI's; conversion changes the list with its images."""
    made = image([{"a": b"docker"}], docker=True)
    reference = push(insecure_registry, "docker", made)
    argosy.run("manifest", "create", INSECURE, "list", f"docker://{reference}")
    assert argosy.run("manifest", "inspect", "list").json()["mediaType"].endswith("manifest.list.v2+json")
    place = f"dir:{argosy.files}/docker"
    argosy.run("manifest", "push", "-q", INSECURE, "list", place)
    assert raw(argosy, place)["manifests"][0]["digest"] == made.digest
    place = f"oci:{argosy.files}/oci:x"
    argosy.run("manifest", "push", "-q", INSECURE, "--format", "oci", "list", place)
    assert raw(argosy, place)["mediaType"] == OCI_INDEX
    assert raw(argosy, place)["manifests"][0]["mediaType"].endswith("image.manifest.v1+json")
    shown = argosy.run("manifest", "inspect", INSECURE, f"docker://{reference}").json()
    assert shown == json.loads(made.manifest)


def test_what_does_not_go(argosy: Program, insecure_registry: Registry) -> None:
    reference = push(insecure_registry, "plain", image([{"a": b"plain"}]))
    list_id = argosy.run("manifest", "create", "taken").stdout.strip()
    assert argosy.run("manifest", "create", "--amend", "taken").stdout.strip() == list_id
    assert argosy.run("manifest", "inspect", "taken").json()["manifests"] is None
    zeros = f"sha256:{'0' * 64}"
    cases: tuple[tuple[tuple[str, ...], str], ...] = (
        (("create", "taken"), "that name is already in use"),
        (("create", "Bad Name"), "Bad Name"),
        (("create", "other", "docker://localhost:1/x"), "cannot reach the registry"),
        (("add", "nolist", f"docker://{reference}"), "nolist: image not known"),
        (("add", "taken", "oci:/tmp/x"), "pull it first"),
        (("add", "--annotation", "x", INSECURE, "taken", f"docker://{reference}"), "KEY=VALUE"),
        (("annotate", "taken", "nosuch"), "invalid checksum digest format"),
        (("remove", "taken", zeros), "no instance matching digest"),
        (("push", "nolist", "docker://localhost/x"), "nolist: image not known"),
        (("push", "taken", "docker-archive:/tmp/never.tar"), "holds one image, not an index"),
        (("inspect", "localhost:1/nolist"), "cannot reach the registry"),
    )
    for arguments, said in cases:
        assert said in argosy.run("manifest", *arguments, check=125).stderr, arguments
    assert argosy.run("manifest", "exists", "other", check=1).stdout == ""
    done = argosy.run("manifest", "rm", "nolist", "taken", check=1)
    assert done.lines == ["Untagged: localhost/taken:latest", f"Deleted: {list_id}"]
    assert "nolist: image not known" in done.stderr


@pytest.mark.parametrize("kind", ["gone", "changed"])
def test_images_that_a_list_has_lost(argosy: Program, insecure_registry: Registry, kind: str) -> None:
    made = image([{"a": kind.encode()}])
    local = push(insecure_registry, f"lost-{kind}", made)
    argosy.run("pull", "-q", INSECURE, local)
    argosy.run("manifest", "create", "list", local)
    if kind == "gone":
        argosy.run("rmi", "-f", local)
    else:
        with open(f"{argosy.root}/blobs/sha256/{made.digest[7:]}", "r+b") as file:
            file.write(b" ")
    target = f"dir:{argosy.files}/out"
    done = argosy.run("manifest", "push", "-q", "list", target, check=125)
    assert made.digest in done.stderr
    assert not os.path.exists(f"{argosy.files}/out")
    if kind == "changed":
        argosy.run("system", "check", "--repair", check=False)


def test_dockers_words(argosy: Program, insecure_registry: Registry) -> None:
    """docker names entries by their images, and pushes a list under its own name."""
    made = image([{"a": b"dockers words"}], docker=True)
    reference = push(insecure_registry, "words", made)
    argosy.env["CONTAINERS_REGISTRIES_CONF"] = argosy.write(
        "registries.conf", f'[[registry]]\nlocation = "{insecure_registry.name}"\ninsecure = true\n'
    )

    def docker(*arguments: str) -> str:
        return argosy.run("manifest", *arguments, name="docker").stdout

    target = f"{insecure_registry.name}/manifest/words:list"
    docker("create", "--insecure", target, reference)
    docker("annotate", "--arch", "arm64", "--variant", "v8", target, reference)
    docker("push", "--insecure", "-p", target)
    listed = json.loads(docker("inspect", "--insecure", target))
    assert listed["manifests"][0]["platform"] == {"architecture": "arm64", "os": "linux", "variant": "v8"}
    verbose = json.loads(docker("inspect", "--insecure", "-v", target))
    assert verbose[0]["SchemaV2Manifest"] == json.loads(made.manifest)
    assert verbose[0]["Ref"].endswith(made.digest)
    assert json.loads(docker("inspect", "--insecure", "--verbose", reference))["Descriptor"]["digest"] == made.digest
    assert os.listdir(f"{argosy.root}/manifests") == []


def test_lists_where_images_are_meant(argosy: Program, insecure_registry: Registry) -> None:
    """`push` and `rmi` take lists as well, as podman's do."""
    made = image([{"a": b"list or image"}])
    reference = push(insecure_registry, "either", made)
    list_id = argosy.run("manifest", "create", INSECURE, "either", f"docker://{reference}").stdout.strip()
    target = f"docker://{insecure_registry.name}/manifest/either:list"
    argosy.run("push", "-q", INSECURE, "either", target)
    assert raw(argosy, target)["manifests"][0]["digest"] == made.digest
    assert argosy.run("rmi", "either").lines == ["Untagged: localhost/either:latest", f"Deleted: {list_id}"]
    assert "image not known" in argosy.run("rmi", "either", check=1).stderr
    assert "image not known" in argosy.run("push", "either", target, check=125).stderr


def test_a_list_is_listed_tagged_run_and_removed_like_an_image(argosy: Program, busybox: str) -> None:
    """By all its names; of what is asked of an image, the one for this platform answers."""
    list_id = argosy.run("manifest", "create", "many:1", busybox).stdout.strip()
    argosy.run("tag", "many:1", "again:2")

    def listed(*flags: str) -> list[str]:
        return argosy.run("images", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}", *flags).stdout.splitlines()

    assert {f"localhost/{name} {list_id[:12]}" for name in ("many:1", "again:2")} < set(listed())
    assert len(listed("--filter", "manifest=true")) == 2
    shown = argosy.run("images", "--format", "json", "many:1").json()[0]
    assert (shown["Id"], shown["RepoTags"], shown["Names"]) == (
        list_id,
        None,
        ["localhost/many:1", "localhost/again:2"],
    )

    own = argosy.run("image", "inspect", busybox).json()[0]["Id"]
    assert argosy.run("image", "inspect", "again:2").json()[0]["Id"] == own
    assert argosy.run("run", "--rm", "--network", "none", "many:1", "echo", "hello").stdout == "hello\n"
    refused = argosy.run("run", "--rm", "--pull", "never", "--platform", "linux/s390x", "many:1", "true", check=125)
    assert "many:1: image not known" in refused.stderr
    argosy.run("image", "exists", "many:1")

    taken = argosy.run("manifest", "create", busybox, check=False)
    assert "that name is already in use" in taken.stderr
    argosy.run("tag", busybox, "again:2")  # the name goes over to the image
    assert f"localhost/again:2 {own[:12]}" in listed()
    argosy.run("tag", "many:1", "again:2")  # and back
    assert f"localhost/again:2 {list_id[:12]}" in listed()

    several = argosy.run("rmi", list_id, check=False)
    assert "with more than one tag ([localhost/many:1 localhost/again:2]): please force removal" in several.stderr
    assert argosy.run("rmi", "many:1").lines == ["Untagged: localhost/many:1"]
    argosy.run("untag", "again:2")
    assert f"<none>:<none> {list_id[:12]}" in listed()
    assert argosy.run("image", "prune", "-f").stdout == f"{list_id}\n"
    argosy.run("image", "exists", busybox)

    lone = argosy.run("manifest", "create", "empty:1").stdout.strip()
    none = argosy.run("history", "empty:1", check=False)
    assert "no image found in manifest list for architecture" in none.stderr
    assert argosy.run("rmi", "empty:1").stdout == f"Untagged: localhost/empty:1\nDeleted: {lone}\n"

"""skopeo's sync and delete against a real registry."""

from __future__ import annotations

import os

import pytest

from tests.rig.program import Program
from tests.rig.registry import Registry, image, index

INSECURE = ("--src-tls-verify=false", "--dest-tls-verify=false")


@pytest.fixture(scope="module")
def source(insecure_registry: Registry) -> str:
    """A repository with three tags, one of them an index; its name."""
    for number in range(2):
        insecure_registry.push("sync/team/app", f"1.{number}", image([{"a": b"%d" % number}]))
    child = image([{"a": b"child"}])
    platform = {"os": "linux", "architecture": {"x86_64": "amd64"}.get(os.uname().machine, "arm64")}
    insecure_registry.push("sync/team/app", "multi", index([(child, platform), (image([{"b": b""}]), {"os": "plan9"})]))
    return f"{insecure_registry.name}/sync/team/app"


def sync(program: Program, *arguments: str, check: bool | int = True) -> str:
    return program.run("sync", *INSECURE, *arguments, name="skopeo", check=check).stderr


def tags(program: Program, repository: str) -> list[str]:
    done = program.run("list-tags", "--tls-verify=false", f"docker://{repository}", name="skopeo")
    found: list[str] = sorted(done.json()["Tags"])
    return found


def test_there_and_back(shared_program: Program, insecure_registry: Registry, source: str) -> None:
    files = shared_program.files
    said = sync(shared_program, "--dry-run", "--src", "docker", "--dest", "dir", source, f"{files}/plain")
    assert f"from docker://{source}:multi to dir:{files}/plain/app:multi" in said
    assert "Would have synced 3 images from 1 sources" in said
    assert not os.path.exists(f"{files}/plain")
    said = sync(shared_program, "--src", "docker", "--dest", "dir", source, f"{files}/plain")
    assert "Synced 3 images from 1 sources" in said
    assert sorted(os.listdir(f"{files}/plain")) == ["app:1.0", "app:1.1", "app:multi"]
    said = sync(shared_program, "-s", "docker", "-d", "dir", f"{source}:1.0", f"{files}/plain", check=1)
    assert "Refusing to overwrite destination directory" in said
    sync(shared_program, "-a", "--scoped", "-s", "docker", "-d", "dir", source, f"{files}/scoped")
    assert sorted(os.listdir(f"{files}/scoped/{source.rpartition('/')[0]}")) == ["app:1.0", "app:1.1", "app:multi"]
    target = f"{insecure_registry.name}/sync/copied"
    sync(shared_program, "-a", "-s", "dir", "-d", "docker", f"{files}/scoped", target)
    assert tags(shared_program, f"{target}/app") == ["1.0", "1.1", "multi"]
    sync(
        shared_program, "-a", "--append-suffix=-x", "--preserve-digests", "-s", "docker", "-d", "docker", source, target
    )
    assert tags(shared_program, f"{target}/app") == ["1.0", "1.0-x", "1.1", "1.1-x", "multi", "multi-x"]
    for tag in ("1.0", "multi"):
        raw = [
            shared_program.run(
                "inspect", "--raw", "--tls-verify=false", f"docker://{place}:{tag}", name="skopeo"
            ).stdout
            for place in (source, f"{target}/app")
        ]
        assert raw[0] == raw[1]


def test_a_list_in_a_file(shared_program: Program, insecure_registry: Registry, source: str) -> None:
    listed = f"""
{insecure_registry.name}:
  tls-verify: false
  images:
    sync/team/app: ["1.0"]
    sync/team/gone: ["7", "8"]
  images-by-tag-regex:
    sync/team/app: ^mul
"""
    path = shared_program.write("list.yml", listed)
    target = f"{insecure_registry.name}/sync/from-list"
    flags = ("-s", "yaml", "-d", "docker", "--dest-tls-verify=false")
    done = shared_program.run("sync", *flags, path, target, name="skopeo", check=1)
    assert "manifest unknown" in done.stderr
    done = shared_program.run("sync", "--keep-going", *flags, path, target, name="skopeo", check=1)
    assert "failed due to previous reported error(s) for 2 image(s)" in done.stderr
    assert tags(shared_program, f"{target}/app") == ["1.0", "multi"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("localhost: 7", "localhost is not a mapping"),
        ("localhost: {images: {a: b}}", "localhost.images.a is not a list of tags"),
        ("localhost: {images-by-tag-regex: {a: '('}}", "localhost.images-by-tag-regex.a"),
        ("localhost: {tls-verify: maybe}", "tls-verify is neither true nor false"),
        ("localhost: {image: {}}", "there is no key 'image'"),
        ("localhost: {}", "No images to sync found"),
        ("{", "invalid sync file"),
    ],
)
def test_a_broken_list(shared_program: Program, content: str, said: str) -> None:
    path = shared_program.write("broken.yml", content)
    assert said in sync(shared_program, "-s", "yaml", "-d", "docker", path, "localhost/x", check=1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("a", "b"), "A source transport must be specified"),
        (("-s", "oci", "-d", "dir", "a", "b"), '"oci" is not a valid source transport'),
        (("-s", "dir", "a", "b"), "A destination transport must be specified"),
        (("-s", "dir", "-d", "yaml", "a", "b"), '"yaml" is not a valid destination transport'),
        (("-s", "dir", "-d", "dir", "a", "b"), "consider using rsync instead"),
        (("-s", "dir", "-d", "docker", "/nosuch", "localhost/b"), "/nosuch: it is not a directory"),
        (("-s", "dir", "-d", "docker", "/dev/shm/../../proc/self/task/", "Bad Name"), "No images to sync found"),
        (("-s", "docker", "-d", "docker", "localhost/a:b:c", "x"), "localhost/a:b:c"),
    ],
)
def test_what_cannot_be_synced(shared_program: Program, arguments: tuple[str, ...], said: str) -> None:
    assert said in sync(shared_program, *arguments, check=1)


def test_delete(shared_program: Program, insecure_registry: Registry) -> None:
    insecure_registry.push("sync/doomed", "1", image([{"a": b"doomed"}]))
    insecure_registry.push("sync/doomed", "2", image([{"a": b"stays"}]))
    place = f"docker://{insecure_registry.name}/sync/doomed"
    shared_program.run("delete", "--tls-verify=false", f"{place}:1", name="skopeo")
    done = shared_program.run("delete", "--tls-verify=false", f"{place}:1", name="skopeo", check=1)
    assert "Unable to delete" in done.stderr
    shared_program.run("inspect", "--tls-verify=false", f"{place}:2", name="skopeo")
    shared_program.run(
        "copy", "-q", "--src-tls-verify=false", f"{place}:2", "containers-storage:doomed:2", name="skopeo"
    )
    shared_program.run("delete", "containers-storage:doomed:2", name="skopeo")
    assert (
        "image not known" in shared_program.run("delete", "containers-storage:doomed:2", name="skopeo", check=1).stderr
    )
    done = shared_program.run("delete", "dir:/tmp", name="skopeo", check=1)
    assert "Deleting images not implemented for dir: images" in done.stderr

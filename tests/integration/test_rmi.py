"""`rmi`: names, images, containers in the way, and the statuses that scripts rely on."""

from __future__ import annotations

import os

from tests.integration.test_tag import made, names
from tests.rig.program import Program, finish


def identity(program: Program, name: str) -> str:
    return program.run("image", "inspect", "--format", "{{.Id}}", name).stdout.strip()


def store_is_empty(program: Program) -> bool:
    return not any(os.listdir(f"{program.root}/{name}") for name in ("layers", "blobs/sha256", "images"))


def test_the_last_name_removes_the_image_and_its_files(argosy_both: Program) -> None:
    one = made(argosy_both)
    image_id = identity(argosy_both, one)
    argosy_both.run("tag", one, "two")
    assert argosy_both.run("rmi", one).lines == ["Untagged: localhost/one:1"]
    assert argosy_both.run("image", "rm", "two").lines == ["Untagged: localhost/two:latest", f"Deleted: {image_id}"]
    assert store_is_empty(argosy_both)


def test_by_id(argosy: Program) -> None:
    one = made(argosy)
    image_id = identity(argosy, one)
    argosy.run("tag", one, "two")
    refused = argosy.run("rmi", image_id[:12], check=125)
    assert f'unable to delete image "{image_id}" by ID with more than one tag' in refused.stderr
    assert argosy.run("rmi", "-f", image_id[:12]).lines == [
        "Untagged: localhost/one:1",
        "Untagged: localhost/two:latest",
        f"Deleted: {image_id}",
    ]
    assert argosy.run("rmi", made(argosy)).returncode == 0


def test_statuses(argosy: Program) -> None:
    one = made(argosy)
    assert "nope: image not known" in argosy.run("rmi", "nope", check=1).stderr
    done = argosy.run("rmi", "nope", one, "nada", check=1)
    assert "2 errors occurred" in done.stderr
    assert done.lines[0] == "Untagged: localhost/one:1"
    assert argosy.run("rmi", "-i", "nope").stderr == ""
    assert argosy.run("rmi", "--force", "nope").stderr == ""
    assert "image name or ID must be specified" in argosy.run("rmi", check=125).stderr
    assert "you may not pass any images" in argosy.run("rmi", "-a", "x", check=125).stderr


def test_images_in_use(argosy: Program) -> None:
    name = argosy.busybox()
    image_id = identity(argosy, name)
    container = argosy.run("create", "--network", "none", name, "true").stdout.strip()
    for operand in (name, image_id):
        refused = argosy.run("rmi", operand, check=2)
        assert f"image used by {container}: image is in use by a container" in refused.stderr
    assert argosy.run("rmi", "nope", name, check=2).stdout == ""
    argosy.run("tag", name, "other")
    assert argosy.run("rmi", "other").lines == ["Untagged: localhost/other:latest"]
    assert argosy.run("rmi", "--all", check=2).stdout == ""
    assert names(argosy) == ["localhost/busybox:latest"]
    assert argosy.run("rmi", "-f", name).lines[-1] == f"Deleted: {image_id}"
    argosy.run("container", "exists", container, check=1)
    assert store_is_empty(argosy)


def test_all(argosy: Program) -> None:
    for name in ("a:1", "b:1", "c:1"):
        made(argosy, name)
    argosy.run("untag", "b:1")
    done = argosy.run("rmi", "--all")
    assert sum(line.startswith("Deleted: ") for line in done.lines) == 3
    assert names(argosy) == []
    assert argosy.run("rmi", "--all").stdout == ""


def test_several_at_once(argosy: Program) -> None:
    for number in range(6):
        made(argosy, f"image:{number}")
    running = [argosy.start("rmi", f"image:{number % 6}") for number in range(12)]
    done = [finish(process, check=False) for process in running]
    assert {one.returncode for one in done} <= {0, 1}
    assert sum(line.startswith("Deleted: ") for one in done for line in one.lines) == 6
    assert store_is_empty(argosy)

"""Volumes: named, anonymous, filled from the image, read-only, removed."""

from __future__ import annotations

import os

import pytest

from tests.rig import images
from tests.rig.program import Program

NO_NETWORK = ("--network", "none")


CONTENT = """mkdir -p /data/sub
echo from the image > /data/file
ln -s file /data/link
mkfifo /data/fifo
chown -hR 7:8 /data
chmod 2750 /data
"""


def upper_of_only_container(program: Program, archive: str) -> None:
    """Pack what the store's one container has written."""
    (container,) = os.listdir(f"{program.root}/containers")
    tar = ("tar", "-C", f"{program.root}/containers/{container}/upper", "-cf", archive, ".")
    if program.rootless:
        program.run("unshare", *tar)
    else:
        program.call(*tar)


@pytest.fixture
def image(argosy_both: Program) -> str:
    """An image with a directory that a volume is mounted on, with content, an owner and a mode."""
    argosy_both.flags += ["--log-level", "error"]
    argosy_both.busybox()
    argosy_both.run("run", "--name", "maker", *NO_NETWORK, "busybox", "sh", "-c", CONTENT)
    archive = f"{argosy_both.files}/image.tar"
    upper_of_only_container(argosy_both, archive)
    argosy_both.run("rm", "maker")
    with open(images.busybox_archive(), "rb") as file:  # the checkout may be out of the user's reach
        base = argosy_both.write("base.tar", file.read())
    argosy_both.call("tar", "--concatenate", "-f", base, archive)
    argosy_both.run("import", "--change", "VOLUME /data", base, "with-data")
    return "with-data"


def sh(program: Program, image: str, script: str, *flags: str, check: bool | int = True) -> str:
    return program.run("run", "--rm", *NO_NETWORK, *flags, image, "sh", "-c", script, check=check).stdout


def volumes(program: Program) -> list[str]:
    try:
        return sorted(os.listdir(f"{program.root}/volumes"))
    except FileNotFoundError:
        return []


LISTING = "stat -c '%n %u:%g %a %F' /data /data/*; cat /data/file"
EXPECTED = """/data 7:8 2750 directory
/data/fifo 7:8 644 fifo
/data/file 7:8 644 regular file
/data/link 7:8 777 symbolic link
/data/sub 7:8 755 directory
from the image
"""


def test_a_named_volume_gets_the_images_content_once(argosy_both: Program, image: str) -> None:
    assert sh(argosy_both, image, LISTING, "-v", "kept:/data") == EXPECTED
    sh(argosy_both, image, "rm -r /data/*; echo mine > /data/own", "-v", "kept:/data")
    assert sh(argosy_both, image, "ls /data", "-v", "kept:/data") == "own\n"
    assert volumes(argosy_both) == ["kept"]


def test_nocopy_takes_the_directory_alone(argosy_both: Program, image: str) -> None:
    assert sh(argosy_both, image, "ls /data | wc -l; stat -c %u:%g /data", "-v", "bare:/data:nocopy") == "0\n7:8\n"


def test_a_volume_that_has_content_is_not_filled(argosy_both: Program, image: str) -> None:
    sh(argosy_both, "busybox", "echo before > /elsewhere/first", "-v", "shared:/elsewhere")
    assert sh(argosy_both, image, "ls /data", "-v", "shared:/data") == "first\n"


def test_the_images_volumes_are_anonymous_and_go_with_the_container(argosy_both: Program, image: str) -> None:
    assert sh(argosy_both, image, LISTING) == EXPECTED
    assert volumes(argosy_both) == []
    argosy_both.run("run", "--name", "keeps", *NO_NETWORK, image, "true")
    assert len(volumes(argosy_both)) == 1
    argosy_both.run("rm", "keeps")
    assert len(volumes(argosy_both)) == 1
    argosy_both.run("run", "--name", "takes", *NO_NETWORK, image, "true")
    argosy_both.run("rm", "--volumes", "takes")
    assert len(volumes(argosy_both)) == 1


def test_a_named_volume_outlives_rm_with_volumes(argosy_both: Program, image: str) -> None:
    argosy_both.run("run", "--name", "one", *NO_NETWORK, "-v", "named:/data", "-v", "/anonymous", image, "true")
    assert len(volumes(argosy_both)) == 2
    argosy_both.run("rm", "-v", "one")
    assert volumes(argosy_both) == ["named"]


def test_two_containers_share_a_volume(argosy_both: Program, image: str) -> None:
    argosy_both.run("run", "-d", "--name", "writer", *NO_NETWORK, "-v", "s:/s", image, "sleep", "1000")
    argosy_both.run("run", "-d", "--name", "reader", *NO_NETWORK, "-v", "s:/elsewhere:ro", image, "sleep", "1000")
    argosy_both.run("exec", "writer", "sh", "-c", "echo shared > /s/file")
    assert argosy_both.run("exec", "reader", "cat", "/elsewhere/file").stdout == "shared\n"
    argosy_both.run("exec", "reader", "touch", "/elsewhere/x", check=1)


def test_bind_mounts(argosy_both: Program, image: str) -> None:
    path = argosy_both.write("note", "from outside\n")
    assert sh(argosy_both, image, "cat /note", "-v", f"{path}:/note:ro") == "from outside\n"
    assert (
        sh(argosy_both, image, "cat /dir/note", "--mount", f"type=bind,src={argosy_both.files},dst=/dir")
        == "from outside\n"
    )
    done = argosy_both.run("run", "--rm", *NO_NETWORK, "-v", "/no/such:/x", image, "true", check=125)
    assert "no such file or directory" in done.stderr


def test_an_image_cannot_fill_a_volume_from_the_host(argosy_both: Program) -> None:
    """What is at the volume's place in the image may be a link out of it."""
    argosy_both.busybox()
    secret = argosy_both.write("secret", "sesame\n")
    argosy_both.run(
        "run", "--name", "evil", *NO_NETWORK, "busybox", "sh", "-c", f"mkdir -p $(dirname {secret}); ln -s / /data"
    )
    archive = f"{argosy_both.files}/evil.tar"
    upper_of_only_container(argosy_both, archive)
    argosy_both.run("import", archive, "evil")
    argosy_both.run("run", "--rm", *NO_NETWORK, "-v", f"v:/data/{os.path.dirname(secret)}", "evil", "true", check=False)
    found = argosy_both.call("find", f"{argosy_both.root}/volumes", "-name", "secret", check=False)
    assert found.stdout == ""


def test_a_volume_in_use_is_not_pruned(argosy_both: Program, image: str) -> None:
    sh(argosy_both, image, "true", "-v", "unused:/data")
    argosy_both.run("run", "-d", "--name", "holder", *NO_NETWORK, "-v", "held:/data", image, "sleep", "1000")
    argosy_both.run("system", "prune", "--force", "--volumes")
    assert volumes(argosy_both) == ["held"]


@pytest.mark.parametrize("name", ["../x", ".x", "-x", "a b"])
def test_names_that_cannot_be(argosy: Program, busybox: str, name: str) -> None:
    done = argosy.run("run", "--rm", *NO_NETWORK, "-v", f"{name}:/data", busybox, "true", check=125)
    assert "Error: " in done.stderr

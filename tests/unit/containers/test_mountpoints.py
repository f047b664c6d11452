"""Which part of a container's tree is in the way of a mount."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from argosy.containers import mountpoints


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "root"
    (made / "etc").mkdir(parents=True)
    (made / "etc/passwd").write_text("")
    (made / "etc/resolv.conf").mkdir()
    for name, target in (
        ("nowhere", "/not/there"),
        ("outside", str(tmp_path)),
        ("up", "../../.."),
        ("loop", "loop"),
        ("inside", "etc"),
        ("file", "etc/passwd"),
    ):
        os.symlink(target, made / name)
    return made


def problem(root: Path, *destinations: str, source: str = "/proc/self/status", kind: str = "bind") -> str:
    return mountpoints.problem(
        str(root), [{"type": kind, "source": source, "destination": place} for place in destinations]
    )


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("/nowhere", "at /nowhere in the container: /nowhere is a symbolic link that leads nowhere in the image"),
        ("/nowhere/x", "at /nowhere/x in the container: /nowhere is a symbolic link that leads nowhere"),
        ("/outside/x", "/outside is a symbolic link that leads nowhere in the image"),
        ("/loop", "/loop is a symbolic link that leads nowhere in the image (Too many levels"),
        ("/etc/passwd/x", "/etc/passwd is a file"),
        ("/file/x", "/file is a link to a file"),
        ("/etc/resolv.conf", "/etc/resolv.conf is a directory, what is to be mounted is a file"),
        ("/inside", "/inside is a link to a directory, what is to be mounted is a file"),
        ("/inside/../nowhere", "/nowhere is a symbolic link"),
    ],
)
def test_what_is_in_the_way_of_a_file(root: Path, place: str, words: str) -> None:
    assert words in problem(root, place)


@pytest.mark.parametrize("place", ["/etc/passwd", "/file", "/etc/new", "/new/deep", "/inside/new", "/up/new"])
def test_what_a_file_can_be_mounted_on(root: Path, place: str) -> None:
    assert problem(root, place) == ""


@pytest.mark.parametrize("kind", ["bind", "tmpfs"])
def test_what_is_in_the_way_of_a_directory(root: Path, kind: str) -> None:
    assert "/etc/passwd is a file, what is to be mounted is a directory" in problem(
        root, "/etc/passwd", source="/proc", kind=kind
    )
    assert problem(root, "/etc", "/inside", "/new", source="/proc", kind=kind) == ""


def test_what_lies_in_another_mount_is_not_looked_at(root: Path) -> None:
    assert problem(root, "/etc", "/etc/passwd/x", source="/proc") == ""
    assert problem(root, "/etcetera", "/etc/passwd/x", source="/proc") != ""


def test_a_source_that_is_gone_counts_as_a_directory(root: Path) -> None:
    assert problem(root, "/etc", source="/not/there") == ""

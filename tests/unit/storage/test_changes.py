"""What differs between two stacks of directories."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from argosy.linux import files
from argosy.storage.changes import changes
from argosy.storage.drivers import markers
from tests.rig import host

FLAVOUR = "trusted" if os.geteuid() == 0 else "user"


def tree(place: Path, *paths: str) -> str:
    """A directory with these files; a path that ends in a slash is a directory."""
    place.mkdir()
    for path in paths:
        target = place / path
        if path.endswith("/"):
            target.mkdir(parents=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(path)
    for found in [place, *place.rglob("*")]:
        os.utime(found, (1_600_000_000, 1_600_000_000), follow_symlinks=False)
    return str(place)


def told(newer: list[str], older: list[str], *ignored: str) -> list[str]:
    return [f"{change.kind[0].upper()} {change.path}" for change in changes(newer, older, FLAVOUR, ignored)]


def test_what_lies_on_top_is_added_or_changed(tmp_path: Path) -> None:
    low = tree(tmp_path / "low", "a/b/old", "a/same", "c/kept")
    top = tree(tmp_path / "top", "a/b/new", "a/b/old", "n/x/y", "c/")
    assert told([top, low], [low]) == ["C /a", "C /a/b", "A /a/b/new", "C /a/b/old", "A /n", "A /n/x", "A /n/x/y"]
    assert told([low], [low]) == []
    assert told([low], []) == ["A /a", "A /a/b", "A /a/b/old", "A /a/same", "A /c", "A /c/kept"]


def test_a_directory_that_got_another_mode_has_changed(tmp_path: Path) -> None:
    low, top = tree(tmp_path / "low", "a/x"), tree(tmp_path / "top", "a/")
    (tmp_path / "top" / "a").chmod(0o700)
    assert told([top, low], [low]) == ["C /a"]


def test_trees_that_share_nothing_are_compared_by_what_their_files_are(tmp_path: Path) -> None:
    one, two = tree(tmp_path / "one", "a/x", "gone/y", "file"), tree(tmp_path / "two", "a/x", "a/z", "file/in")
    assert told([two], [one]) == ["C /a", "A /a/z", "C /file", "A /file/in", "D /gone"]
    os.utime(tmp_path / "two" / "a" / "x", (1, 1))
    assert "C /a/x" in told([two], [one])


def test_ignored_paths_are_left_out(tmp_path: Path) -> None:
    low, top = tree(tmp_path / "low", "etc/"), tree(tmp_path / "top", "etc/hosts", "run/x")
    assert told([top, low], [low], "/etc/hosts", "/run") == []


@host.needs_root
def test_whiteouts_and_opaque_directories(tmp_path: Path) -> None:
    low = tree(tmp_path / "low", "a/gone", "b/hidden", "b/kept", "d/deep/x")
    top = tree(tmp_path / "top", "a/", "b/kept")
    os.mknod(f"{top}/a/gone", 0o20000, 0)
    os.mknod(f"{top}/d", 0o20000, 0)
    os.setxattr(f"{top}/b", "trusted.overlay.opaque", b"y")
    assert told([top, low], [low]) == ["C /a", "D /a/gone", "C /b", "D /b/hidden", "C /b/kept", "D /d"]


def test_a_tree_deeper_than_the_interpreter_can_recurse(tmp_path: Path) -> None:
    low, top = tree(tmp_path / "low"), tree(tmp_path / "top")
    place = top
    for _ in range(1500):
        place += "/d"
        os.mkdir(place)
    try:
        assert len(told([top, low], [low])) == 1500
    finally:
        files.remove_tree(f"{top}/d")  # pytest's own removal is recursive


def test_links_are_not_followed(tmp_path: Path) -> None:
    low, top = tree(tmp_path / "low", "etc/x"), tree(tmp_path / "top")
    (tmp_path / "top" / "etc").symlink_to("/")
    assert told([top, low], [low]) == ["C /etc"]


@pytest.mark.parametrize("count", [0, 3])
def test_empty_stacks(tmp_path: Path, count: int) -> None:
    empty = [tree(tmp_path / str(at)) for at in range(count)]
    assert told(empty, []) == []


def test_the_markers_of_fuse_overlayfs(tmp_path: Path) -> None:
    low = tree(tmp_path / "low", "etc/old", "bin/true", "bin/sh", "keep/x")
    top = tree(tmp_path / "top", "etc/.wh..wh..opq", "etc/new", "etc/.wh..opq", "bin/.wh.true", "new/.wh..wh..opq")
    found = changes([top, low], [low], FLAVOUR, marked=True)
    told_marked = [f"{change.kind[0].upper()} {change.path}" for change in found]
    assert told_marked == ["C /bin", "D /bin/true", "C /etc", "A /etc/new", "D /etc/old", "A /new"]


@host.needs_root
def test_markers_become_what_overlayfs_has(tmp_path: Path) -> None:
    top = tree(tmp_path / "top", "etc/.wh..wh..opq", "etc/new", "etc/.wh..opq", "bin/.wh.true", "bin/sh", "bin/.wh.sh")
    markers.settle(top, FLAVOUR)
    assert sorted(os.listdir(f"{top}/etc")) == ["new"]
    assert os.getxattr(f"{top}/etc", f"{FLAVOUR}.overlay.opaque") == b"y"
    assert sorted(os.listdir(f"{top}/bin")) == ["sh", "true"]
    assert os.lstat(f"{top}/bin/true").st_rdev == 0
    assert stat.S_ISCHR(os.lstat(f"{top}/bin/true").st_mode)
    assert os.stat(f"{top}/bin").st_mtime == 1_600_000_000

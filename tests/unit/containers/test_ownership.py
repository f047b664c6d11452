"""The volume option U."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from argosy.containers.ownership import give
from argosy.errors import ArgosyError, Invalid
from tests.rig import host


@host.needs_root
def test_everything_below_changes_hands_and_nothing_else(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("")
    tree = tmp_path / "tree"
    (tree / "a/b").mkdir(parents=True)
    (tree / "a/file").write_text("")
    (tree / "link").symlink_to(outside)
    (tree / "links").symlink_to(tmp_path)
    give(str(tree), 1234, 5678)
    for path in (tree, tree / "a", tree / "a/b", tree / "a/file", tree / "link", tree / "links"):
        assert (path.lstat().st_uid, path.lstat().st_gid) == (1234, 5678), path
    for path in (outside, tmp_path):
        assert path.stat().st_uid == 0


@host.needs_root
def test_what_belongs_to_the_user_already_is_not_touched(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("")
    os.chown(program, 1234, 5678)
    program.chmod(0o4755)
    give(str(program), 1234, 5678)
    assert program.stat().st_mode & 0o7777 == 0o4755


@pytest.mark.parametrize("path", ["/", "/etc", "/usr/", "/etc/../var", "/var/lib"])
def test_directories_of_the_system_are_refused(path: str) -> None:
    with pytest.raises(Invalid) as caught:
        give(path, 0, 0)
    assert "chown -R 0:0" in caught.value.hint


def test_a_link_to_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc")
    with pytest.raises(Invalid):
        give(f"{tmp_path}/link", 0, 0)


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ArgosyError, match="cannot change the owner"):
        give(f"{tmp_path}/nothing", 0, 0)

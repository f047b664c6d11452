"""The kernel's side of AppArmor and SELinux, on directories that look like a host which has them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from argosy.errors import ArgosyError
from argosy.linux import apparmor, below, selinux

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="security.* attributes need CAP_SYS_ADMIN")


def test_loaded_profiles(tmp_path: Path) -> None:
    assert apparmor.loaded("p", str(tmp_path)) is None
    (tmp_path / "apparmor").mkdir()
    (tmp_path / "apparmor/profiles").write_text("p//child (enforce)\na (b) (complain)\nother (enforce)\n")
    assert apparmor.loaded("other", str(tmp_path)) is True
    assert apparmor.loaded("a (b)", str(tmp_path)) is True
    assert apparmor.loaded("p", str(tmp_path)) is False


def test_loading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parser = tmp_path / "apparmor_parser"
    parser.write_text(f'#!/bin/sh\necho "$@" >{tmp_path}/words\ncat >{tmp_path}/profile\n')
    parser.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    apparmor.load("p", "profile p {}\n")
    assert (tmp_path / "profile").read_text() == "profile p {}\n"
    assert (tmp_path / "words").read_text().split() == ["--skip-cache", "--replace"]
    parser.write_text("#!/bin/sh\ncat >/dev/null\necho 'syntax error, line 3' >&2\nexit 1\n")
    with pytest.raises(ArgosyError, match="cannot load the AppArmor profile p") as raised:
        apparmor.load("p", "")
    assert "syntax error, line 3" in raised.value.details
    assert "unconfined" in raised.value.hint


def test_contexts_of_the_policy(tmp_path: Path) -> None:
    with pytest.raises(ArgosyError, match=r"does not know containers: .*/targeted/contexts/lxc_contexts"):
        selinux.container_contexts(str(tmp_path))
    (tmp_path / "config").write_text("# SELINUXTYPE=targeted\nSELINUXTYPE=mls # ours\n")
    (tmp_path / "mls/contexts").mkdir(parents=True)
    (tmp_path / "mls/contexts/lxc_contexts").write_text('process = "u:r:container_t:s0"\nfile = "u:r:file_t:s0"\n')
    assert selinux.container_contexts(str(tmp_path)) == ("u:r:container_t:s0", "u:r:file_t:s0")


@ROOT
def test_a_tree_is_labelled_and_nothing_outside(tmp_path: Path) -> None:
    tree, outside = tmp_path / "tree", tmp_path / "outside"
    (tree / "a/b").mkdir(parents=True)
    (tree / "a/b/file").touch()
    outside.mkdir()
    (outside / "file").touch()
    (tree / "a/link").symlink_to(outside)
    selinux.label_tree(str(tree), "u:r:t:s0:c1,c2")
    for path in (tree, tree / "a", tree / "a/b", tree / "a/b/file", tree / "a/link"):
        assert selinux.label_of(str(path)) == "u:r:t:s0:c1,c2"
    for path in (outside, outside / "file"):
        assert selinux.label_of(str(path)) == ""


def test_entries_below(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/c").touch()
    (tmp_path / "a/up").symlink_to("..")
    assert sorted(entry.name for _, entry in below.entries(str(tmp_path))) == ["a", "b", "c", "up"]

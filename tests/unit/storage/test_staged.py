"""Trees that are mounted for a container beside its root."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from argosy.errors import ArgosyError
from argosy.linux import mounts
from argosy.storage import rootfs, staged
from argosy.storage.store import Store
from tests.rig import host

pytestmark = [host.needs_root]


@pytest.fixture
def source(tmp_path: Path) -> str:
    tree = tmp_path / "source"
    (tree / "sub").mkdir(parents=True)
    (tree / "sub" / "file").write_text("content")
    (tree / "out").symlink_to("/etc")
    (tree / "up").symlink_to("../../../../etc")
    return str(tree)


@pytest.fixture
def container(tmp_path: Path) -> str:
    (tmp_path / "container").mkdir()
    return str(tmp_path / "container")


def test_changes_of_an_overlay_are_thrown_away(store: Store, source: str, container: str) -> None:
    os.chmod(source, 0o711)
    merged = staged.overlay(store, container, "0", source)
    try:
        Path(merged, "sub", "file").write_text("changed")
        assert os.stat(merged).st_mode & 0o777 == 0o711
        assert Path(source, "sub", "file").read_text() == "content"
    finally:
        rootfs.unmount(container)
    assert os.listdir(container) == []


def test_what_a_killed_start_has_left_is_replaced(store: Store, source: str, container: str) -> None:
    first = staged.overlay(store, container, "0", source)
    Path(first, "new").touch()
    second = staged.overlay(store, container, "0", source)
    try:
        assert first == second
        assert not os.path.exists(f"{second}/new")
    finally:
        staged.discard(container)
    assert not mounts.is_mount_point(second)


@pytest.mark.parametrize("path", ["out", "up", "sub/../../../etc", "none"])
def test_a_part_is_never_outside_the_tree(source: str, container: str, path: str) -> None:
    with pytest.raises(ArgosyError, match="no such file or directory"):
        staged.part(container, "0", source, path)
    staged.discard(container)


def test_a_part_stays_what_it_was(source: str, container: str) -> None:
    """A path that is exchanged after the look-up changes nothing, be it for a directory or a file."""
    directory, file = staged.part(container, "0", source, "sub"), staged.part(container, "1", source, "sub/file")
    try:
        os.rename(f"{source}/sub", f"{source}/other")
        os.symlink("/etc", f"{source}/sub")
        assert os.listdir(directory) == ["file"]
        assert Path(file).read_text() == "content"
    finally:
        staged.discard(container)


def test_the_source_of_an_overlay_is_a_directory(store: Store, source: str, container: str) -> None:
    for path, why in ((f"{source}/sub/file", "not a directory"), (f"{source}/none", "no such file or directory")):
        with pytest.raises(ArgosyError, match=f'mounting overlay failed "{path}": .*{why}'):
            staged.overlay(store, container, "0", path)

"""What was changed in a whole tree, taken out of it as an overlay's upper directory."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from argosy.archive.whiteout import is_whiteout
from argosy.storage import delta
from argosy.storage.drivers.copying import copy_merged


@pytest.fixture
def layer(tmp_path: Path) -> Path:
    """The layer from which the tree was copied."""
    for name in ("layer/etc/conf", "layer/etc/other", "layer/gone/below/file", "layer/kind", "layer/same/file"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    os.link(tmp_path / "layer/etc/other", tmp_path / "layer/etc/hard")
    return tmp_path / "layer"


@pytest.fixture
def tree(layer: Path) -> Path:
    """The copy."""
    copy_merged((str(layer),), f"{layer.parent}/tree", "user")
    return layer.parent / "tree"


def found(directory: Path) -> dict[str, str]:
    """Path to kind of all that is in a directory."""
    kinds = {}
    for path in directory.rglob("*"):
        status = path.lstat()
        kinds[str(path.relative_to(directory))] = "gone" if is_whiteout(status) else stat.filemode(status.st_mode)[0]
    return kinds


def test_a_copy_is_no_change(layer: Path, tree: Path) -> None:
    assert not delta.is_changed(str(tree), [str(layer)], "user")


def test_changes_are_moved_and_losses_become_whiteouts(layer: Path, tree: Path) -> None:
    (tree / "etc/conf").write_text("new")
    (tree / "etc/conf").chmod(0o4755)
    (tree / "etc").chmod(0o2750)
    (tree / "kind").unlink()
    (tree / "kind").mkdir()
    (tree / "kind/inside").symlink_to("/nowhere")
    (tree / "gone/below/file").unlink()
    (tree / "gone/below").rmdir()
    (tree / "new/deep").mkdir(parents=True)
    (tree / "new/deep/file").write_text("x")
    assert delta.is_changed(str(tree), [str(layer)], "user")
    target = layer.parent / "upper"
    before = (tree / "etc").stat()
    delta.extract(str(tree), [str(layer)], str(target), "user")
    assert found(target) == {
        "etc": "d",
        "etc/conf": "-",
        "gone": "d",
        "gone/below": "gone",
        "kind": "d",
        "kind/inside": "l",
        "new": "d",
        "new/deep": "d",
        "new/deep/file": "-",
    }
    assert stat.S_IMODE((target / "etc/conf").stat().st_mode) == 0o4755
    assert ((target / "etc").stat().st_mode, (target / "etc").stat().st_mtime_ns) == (
        before.st_mode,
        before.st_mtime_ns,
    )


def test_a_layer_above_with_a_whiteout(layer: Path, tree: Path) -> None:
    """The tree is compared with what several layers make."""
    above = layer.parent / "above"
    (above / "etc").mkdir(parents=True)
    os.mknod(above / "etc/conf", stat.S_IFCHR, 0)
    (tree / "etc/conf").unlink()
    os.utime(tree / "etc", ns=(1, (above / "etc").stat().st_mtime_ns))
    target = layer.parent / "upper"
    delta.extract(str(tree), [str(above), str(layer)], str(target), "user")
    assert "etc/conf" not in found(target)

"""The names of whiteouts."""

from __future__ import annotations

import pytest

from argosy.archive.tree import Outside, components, is_housekeeping
from argosy.archive.whiteout import hidden_name, is_kept_attribute


def test_hidden_name() -> None:
    assert hidden_name(b".wh.a") == b"a"
    assert hidden_name(b".wh..a") == b".a"
    assert hidden_name(b".wh....") == b"..."


@pytest.mark.parametrize("name", [b".wh.", b".wh..", b".wh..."])
def test_whiteouts_of_nothing(name: bytes) -> None:
    with pytest.raises(ValueError, match="of nothing"):
        hidden_name(name)


def test_housekeeping_of_aufs() -> None:
    assert is_housekeeping(b".wh..wh.plnk")
    assert is_housekeeping(b"a/.wh..wh.orph/b")
    assert not is_housekeeping(b"a/.whb/b.wh.c")
    with pytest.raises(ValueError, match="no directory"):
        is_housekeeping(b"a/.wh.b/c")


@pytest.mark.parametrize(
    ("path", "names"),
    [
        (b"a/b", [b"a", b"b"]),
        (b"/a//b/", [b"a", b"b"]),
        (b"./a/./b/.", [b"a", b"b"]),
        (b"a/../b", [b"b"]),
        (b"a/b/../../c", [b"c"]),
        (b"a/..", []),
        (b"./", []),
        (b"/", []),
        (b"...", [b"..."]),
        (b"..a/b..", [b"..a", b"b.."]),
    ],
)
def test_components(path: bytes, names: list[bytes]) -> None:
    assert components(path) == names


@pytest.mark.parametrize("path", [b"..", b"../a", b"/..", b"a/../..", b"a/../../b", b"./../a", b"a/b/../../../c"])
def test_paths_that_climb_out(path: bytes) -> None:
    with pytest.raises(Outside, match="out of the layer's root"):
        components(path)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("security.capability", True),
        ("security.ima", True),
        ("system.posix_acl_access", True),
        ("user.anything", True),
        ("user.overlayfs", True),
        ("user.overlay.opaque", False),
        ("user.fuseoverlayfs.override_stat", False),
        ("user.containers.override_stat", False),
        ("trusted.overlay.opaque", False),
        ("trusted.anything", False),
        ("security.selinux", False),
    ],
)
def test_attributes(name: str, kept: bool) -> None:
    assert is_kept_attribute(name) is kept

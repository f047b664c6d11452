"""The last name of a path: links are followed inside the root, and only as long as they lead somewhere."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from argosy.linux import entries, paths


@pytest.fixture
def root(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "outside").write_text("outside")
    tree = tmp_path / "root"
    (tree / "etc").mkdir(parents=True)
    (tree / "etc/file").write_text("inside")
    (tree / "absolute").symlink_to("/etc/file")
    (tree / "climbing").symlink_to("../../../etc/file")
    (tree / "out").symlink_to("../outside")
    (tree / "loop").symlink_to("loop")
    (tree / "way").symlink_to("/etc")
    fd = paths.open_root(str(tree))
    yield fd
    os.close(fd)


@pytest.mark.parametrize(
    ("path", "name", "is_there"),
    [
        ("/etc/file", "file", True),
        ("/absolute", "file", True),
        ("/climbing", "file", True),
        ("/way/file", "file", True),
        ("/way", "etc", True),
        ("/", ".", True),
        ("/out", "outside", False),
        ("/etc/new", "new", False),
    ],
)
def test_names(root: int, path: str, name: str, is_there: bool) -> None:
    with entries.find(root, path) as found:
        assert (found.name, found.status is not None) == (name, is_there)


def test_a_link_itself(root: int) -> None:
    with entries.find(root, "/absolute", follow=False) as found:
        assert (found.name, found.is_file, found.is_directory) == ("absolute", False, False)


@pytest.mark.parametrize("path", ["/loop", "/nodir/x", "/etc/file/x"])
def test_what_leads_nowhere(root: int, path: str) -> None:
    with pytest.raises(OSError, match=r"Too many|No such|Not a directory"):
        entries.find(root, path)

"""One tree put into another: what is merged, what replaces, what is left out, and where no link leads."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from argosy.linux.treemerge import Merger, WrongKind


@pytest.fixture
def sides(tmp_path: Path) -> Iterator[tuple[Path, Path, int, int]]:
    for name in ("from", "to", "outside"):
        (tmp_path / name).mkdir()
    fds = [os.open(tmp_path / name, os.O_RDONLY | os.O_DIRECTORY) for name in ("from", "to")]
    yield tmp_path / "from", tmp_path / "to", fds[0], fds[1]
    for fd in fds:
        os.close(fd)


def merger(*, overwrite: bool = False) -> Merger:
    return Merger(lambda status: (status.st_uid, status.st_gid), overwrite=overwrite)


Sides = tuple[Path, Path, int, int]


def test_directories_are_merged_and_files_replaced(sides: Sides) -> None:
    source, target, read, write = sides
    (source / "d/e").mkdir(parents=True)
    (source / "d/e/f").write_text("new")
    (source / "d/hole").write_bytes(b"")
    os.truncate(source / "d/hole", 1 << 24)
    os.chmod(source / "d", 0o750)
    os.utime(source / "d", (1, 2))
    (target / "d/e").mkdir(parents=True)
    (target / "d/e/f").write_text("old")
    (target / "d/kept").write_text("kept")
    held = open(target / "d/e/f")  # noqa: SIM115 -- closed below
    merger().content(read, write)
    assert (target / "d/e/f").read_text() == "new"
    assert held.read() == "old"
    held.close()
    assert (target / "d/kept").read_text() == "kept"
    found = (target / "d").stat()
    assert (found.st_mode & 0o7777, found.st_mtime) == (0o750, 2)
    hole = (target / "d/hole").stat()
    assert (hole.st_size, hole.st_blocks) == (1 << 24, 0)


def test_links_in_the_target_are_not_followed(sides: Sides) -> None:
    source, target, read, write = sides
    (source / "d").mkdir()
    (source / "d/f").write_text("new")
    (source / "g").write_text("new")
    (target / "d").symlink_to(target.parent / "outside")
    (target / "g").symlink_to(target.parent / "outside/g")
    with pytest.raises(WrongKind):
        merger().content(read, write)
    merger(overwrite=True).content(read, write)
    assert (target / "d/f").read_text() == (target / "g").read_text() == "new"
    assert os.listdir(target.parent / "outside") == []


def test_what_is_left_out(sides: Sides) -> None:
    source, target, read, write = sides
    os.mkfifo(source / "fifo", 0o640)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(source / "socket"))
    assert merger().entry(read, "socket", write, "s") is False
    merger().content(read, write)
    assert os.listdir(target) == ["fifo"]


def test_hardlinks_stay_linked(sides: Sides) -> None:
    source, target, read, write = sides
    (source / "a").mkdir()
    (source / "a/f").write_text("x")
    (source / "b").mkdir()
    os.link(source / "a/f", source / "b/f")
    merger().content(read, write)
    assert (target / "a/f").samefile(target / "b/f")

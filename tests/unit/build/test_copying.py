"""Trees of files: what is selected, what it is digested to, and where it goes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from argosy.build import content
from argosy.build.copying import Ownership, Placed, copy, place
from argosy.build.dockerfile.errors import DockerfileError
from argosy.build.dockerfile.ignore import Ignore
from argosy.build.filetree import FileTree
from argosy.build.symbolic import parse
from argosy.errors import ArgosyError
from argosy.linux import paths


def unchanged(mode: int, _is_directory: bool) -> int:
    return mode


OWN = Ownership((os.geteuid(), os.getegid()), unchanged)


@pytest.fixture
def source(tmp_path: Path) -> str:
    root = tmp_path / "source"
    for name in ("a.txt", "b.txt", "c.md", "dir/x", "dir/deep/y", "dir/deep/z.md", "other/w"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root / "link").symlink_to("dir/x")
    (root / "dirlink").symlink_to("/dir")
    (root / "outside").symlink_to("../../../../../../etc")
    (root / "absolute").symlink_to("/etc/passwd")
    (root / "[odd]").write_text("odd")
    return str(root)


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("a.txt", ["a.txt"]),
        ("/a.txt", ["a.txt"]),
        ("./a.txt", ["a.txt"]),
        ("../../a.txt", ["a.txt"]),
        ("dir/../a.txt", ["a.txt"]),
        ("*.txt", ["a.txt", "b.txt"]),
        ("?.txt", ["a.txt", "b.txt"]),
        ("[ab].txt", ["a.txt", "b.txt"]),
        ("[^a].txt", ["b.txt"]),
        ("*/x", ["dir/x", "dir/x"]),
        ("d*/deep/*", ["dir/deep/y", "dir/deep/z.md", "dir/deep/y", "dir/deep/z.md"]),
        ("**/*.md", ["c.md", "dir/deep/z.md"]),
        ("**/y", ["dir/deep/y"]),
        ("\\[odd\\]", ["[odd]"]),
        (".", ["."]),
        ("", ["."]),
        ("/", ["."]),
        ("dir", ["dir"]),
        ("link", ["dir/x"]),
        ("dirlink", ["dir"]),
        ("dirlink/x", ["dir/x"]),
    ],
)
def test_selection(source: str, pattern: str, found: list[str]) -> None:
    with FileTree(source, "the context") as tree:
        selected = [one.path for one in tree.select(pattern)]
    assert sorted(selected) == sorted(found)


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("nope", '"nope" is not in the context: no such file or directory'),
        ("a.tx", "(did you mean a.txt?)"),
        ("*.nope", "no source files were specified"),
        ("outside/passwd", "is not in the context"),
        ("absolute", "is a link to something that is not in it"),
        ("outside", "is a link to something that is not in it"),
        ("a.txt/x", "is not in the context"),
    ],
)
def test_what_is_not_there(source: str, pattern: str, words: str) -> None:
    with FileTree(source, "the context") as tree, pytest.raises(ArgosyError) as caught:
        tree.select(pattern)
    assert words in caught.value.brief


@pytest.mark.parametrize(
    ("patterns", "excludes", "found"),
    [
        ([], [], ["", "deep", "deep/y", "deep/z.md", "x"]),
        (["**/*.md"], [], ["", "deep", "deep/y", "x"]),
        (["dir/deep"], [], ["", "x"]),
        (["dir/deep", "!dir/deep/y"], [], ["", "deep", "deep/y", "x"]),
        (["*", "!dir/deep/y"], [], ["", "deep", "deep/y"]),
        ([], ["*.md"], ["", "deep", "deep/y", "deep/z.md", "x"]),
        ([], ["**/*.md", "x"], ["", "deep", "deep/y"]),
        ([], ["deep"], ["", "x"]),
    ],
)
def test_walks(source: str, patterns: list[str], excludes: list[str], found: list[str]) -> None:
    with FileTree(source, "the context", ignore=Ignore(patterns)) as tree:
        (selected,) = tree.select("dir")
        assert [one.inner for one in tree.walk(selected, Ignore(excludes))] == found


def test_digests(source: str, tmp_path: Path) -> None:
    memory = content.FileDigests(str(tmp_path / "memory"))

    def digest() -> str:
        with FileTree(source, "the context") as tree:
            (selected,) = tree.select("dir")
            return content.of_entries(tree, tree.walk(selected), memory)

    first = digest()
    os.utime(f"{source}/dir/x")
    assert digest() == first
    os.chmod(f"{source}/dir/x", 0o700)
    second = digest()
    assert second != first
    os.chmod(f"{source}/dir/x", 0o644)
    assert digest() == first
    Path(f"{source}/dir/x").write_text("other")
    assert digest() not in (first, second)


def test_a_file_is_read_once(source: str, tmp_path: Path) -> None:
    path = f"{source}/dir/x"
    os.utime(path, (1, 1))
    status = os.stat(path)
    settled = os.stat_result((*status[:7], 1, 1, 1), {"st_mtime_ns": 10**9, "st_ctime_ns": 10**9})
    memory = content.FileDigests(str(tmp_path / "memory"))
    fd = os.open(f"{source}/dir", os.O_RDONLY)
    try:
        first = memory.digest(fd, "x", settled)
        memory.save()
        os.unlink(path)
        assert content.FileDigests(str(tmp_path / "memory")).digest(fd, "x", settled) == first
        with pytest.raises(FileNotFoundError):
            content.FileDigests(str(tmp_path / "other")).digest(fd, "x", settled)
    finally:
        os.close(fd)


def copied(source: str, target: Path, pattern: str, destination: str, *, parents: bool = False) -> list[str]:
    """Copy, and list what is in the target then."""
    target.mkdir(exist_ok=True)
    root_fd = paths.open_root(str(target))
    try:
        with FileTree(source, "the context") as tree:
            for placed in place(tree.select(pattern), destination, root_fd, parents=parents):
                copy(tree, placed, root_fd, OWN)
    finally:
        os.close(root_fd)
    found = []
    for top, directories, names in os.walk(target):
        found += [os.path.relpath(f"{top}/{name}", target) for name in (*directories, *names)]
    return sorted(found)


@pytest.mark.parametrize(
    ("pattern", "destination", "found"),
    [
        ("a.txt", "/", ["a.txt"]),
        ("a.txt", "/new", ["new"]),
        ("a.txt", "/new/", ["new", "new/a.txt"]),
        ("*.txt", "/x/", ["x", "x/a.txt", "x/b.txt"]),
        ("dir", "/x", ["x", "x/deep", "x/deep/y", "x/deep/z.md", "x/x"]),
        ("dir", "/", ["deep", "deep/y", "deep/z.md", "x"]),
        ("dir/deep", "/a/b/c", ["a", "a/b", "a/b/c", "a/b/c/y", "a/b/c/z.md"]),
        ("link", "/", ["link"]),
    ],
)
def test_places(source: str, tmp_path: Path, pattern: str, destination: str, found: list[str]) -> None:
    assert copied(source, tmp_path / "target", pattern, destination) == found


def test_parents(source: str, tmp_path: Path) -> None:
    assert copied(source, tmp_path / "target", "dir/deep/y", "/p/", parents=True) == [
        "p",
        "p/dir",
        "p/dir/deep",
        "p/dir/deep/y",
    ]


def test_links_of_the_target_are_followed_inside(source: str, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (target / "real").mkdir()
    (target / "to").symlink_to("/real")
    (target / "up").symlink_to("../../../../../..")
    (target / "dangling").symlink_to("/made")
    copied(source, target, "a.txt", "/to/")
    copied(source, target, "b.txt", "/up/")
    copied(source, target, "c.md", "/dangling/")
    assert sorted(os.listdir(target)) == ["b.txt", "dangling", "made", "real", "to", "up"]
    assert (os.listdir(target / "real"), os.listdir(target / "made")) == (["a.txt"], ["c.md"])


def test_what_is_in_the_way(source: str, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (target / "file").write_text("before")
    (target / "x").mkdir()
    (target / "link").symlink_to("file")
    copied(source, target, "a.txt", "/file")
    copied(source, target, "b.txt", "/link")
    assert ((target / "file").read_text(), (target / "link").read_text()) == ("a.txt", "b.txt")
    assert not (target / "link").is_symlink()
    with pytest.raises(ArgosyError, match="a directory is there"):
        copied(source, target, "dir", "/")


def test_metadata(source: str, tmp_path: Path) -> None:
    os.chmod(f"{source}/dir/x", 0o4751)
    os.chmod(f"{source}/dir/deep", 0o700)
    os.link(f"{source}/dir/x", f"{source}/dir/twin")
    os.symlink("nowhere", f"{source}/dir/soft")
    os.utime(f"{source}/dir/x", (5, 5))
    os.utime(f"{source}/dir/deep", (6, 6))
    copied(source, tmp_path / "target", "dir", "/t")
    root = tmp_path / "target" / "t"
    assert os.stat(root / "x").st_mode & 0o7777 == 0o4751
    assert os.stat(root / "deep").st_mode & 0o7777 == 0o700
    assert os.path.samefile(root / "x", root / "twin")
    assert os.readlink(root / "soft") == "nowhere"
    assert (os.stat(root / "x").st_mtime, os.stat(root / "deep").st_mtime) == (5, 6)


@pytest.mark.parametrize(
    ("text", "mode", "is_directory", "expected"),
    [
        ("u+x", 0o644, False, 0o744),
        ("+x", 0o644, False, 0o755),
        ("go-r", 0o644, False, 0o600),
        ("a=r", 0o777, False, 0o444),
        ("u=rwX,go=rX", 0o600, False, 0o644),
        ("u=rwX,go=rX", 0o600, True, 0o755),
        ("u=rwX,go=rX", 0o700, False, 0o755),
        ("u+s,g+s,o+t", 0o755, False, 0o7755),
        ("u=rw,u+x", 0o000, False, 0o700),
        ("o=", 0o777, False, 0o770),
        ("a+t", 0o755, True, 0o1755),
    ],
)
def test_symbolic_modes(text: str, mode: int, is_directory: bool, expected: int) -> None:
    change: Callable[[int, bool], int] = parse(text)
    assert change(mode, is_directory) == expected


@pytest.mark.parametrize("text", ["x", "u", "u+q", "u+x,", "888", "u+x g+x", "=+z"])
def test_what_is_no_mode(text: str) -> None:
    with pytest.raises(DockerfileError):
        parse(text)


def test_a_source_is_placed_once(source: str) -> None:
    with FileTree(source, "the context") as tree:
        (selected,) = tree.select("a.txt")
        assert Placed(selected, "/x").target == "/x"

"""Look-ups in a hostile tree: nothing outside of it is read, opened or made, and nothing blocks."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from argosy.errors import Invalid
from argosy.linux import paths, syscalls
from tests.rig import host


@pytest.fixture
def root(tmp_path: Path) -> Iterator[int]:
    """The descriptor of tmp_path/root, beside which there is a secret."""
    (tmp_path / "root").mkdir()
    (tmp_path / "secret").write_bytes(b"outside")
    fd = paths.open_root(f"{tmp_path}/root")
    yield fd
    os.close(fd)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return tmp_path / "root"


def test_absolute_links_and_dots_stay_inside(root: int, tree: Path) -> None:
    (tree / "etc").mkdir()
    (tree / "etc/passwd").write_bytes(b"inside")
    (tree / "absolute").symlink_to("/etc/passwd")
    (tree / "dots").symlink_to("../../../../etc/passwd")
    (tree / "chain").symlink_to("/dots")
    for name in ("/etc/passwd", "etc/passwd", "absolute", "dots", "chain", "../../etc/passwd", "/../etc/../dots"):
        assert paths.read_in_root(root, name) == b"inside"


@pytest.mark.parametrize("name", ["secret", "../secret", "/../../secret", "up/secret", "absolute"])
def test_what_is_outside_is_not_found(root: int, tree: Path, name: str) -> None:
    (tree / "up").symlink_to("..")
    (tree / "absolute").symlink_to(f"{tree.parent}/secret")
    with pytest.raises(FileNotFoundError):
        paths.read_in_root(root, name)


@pytest.mark.parametrize("link", ["/proc/self/root/{}", "/proc/self/cwd", "/proc/self/fd/0"])
def test_links_into_proc_do_not_lead_out(root: int, tree: Path, link: str) -> None:
    (tree / "link").symlink_to(link.format(f"{tree.parent}/secret"))
    with pytest.raises(OSError):
        paths.read_in_root(root, "link")


def test_magic_links_are_refused() -> None:
    real_root = paths.open_root("/")
    try:
        with pytest.raises(OSError) as raised:
            paths.read_in_root(real_root, "/proc/self/root/etc/passwd")
        assert raised.value.errno == 40
    finally:
        os.close(real_root)


def test_the_kinds_that_are_no_regular_files_are_refused_without_opening_them(root: int, tree: Path) -> None:
    os.mkfifo(tree / "fifo")
    (tree / "directory").mkdir()
    (tree / "link").symlink_to("fifo")
    listener = socket.socket(socket.AF_UNIX)
    with listener:
        listener.bind(f"{tree}/socket")
        for name, kind in (("fifo", "FIFO"), ("directory", "directory"), ("socket", "socket"), ("link", "FIFO")):
            with pytest.raises(Invalid, match=f"it is a {kind}"):
                paths.read_in_root(root, name)


@host.needs_root
def test_devices_are_refused(root: int, tree: Path) -> None:
    os.mknod(tree / "zero", 0o666 | 0o020000, os.makedev(1, 5))
    os.mknod(tree / "disk", 0o666 | 0o060000, os.makedev(7, 0))
    with pytest.raises(Invalid, match="it is a character device"):
        paths.read_in_root(root, "zero")
    with pytest.raises(Invalid, match="it is a block device"):
        paths.read_in_root(root, "disk")


def test_a_file_above_the_limit_is_refused_before_it_is_read(root: int, tree: Path) -> None:
    with open(tree / "huge", "wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(Invalid, match="1099511627776 bytes, more than 4194304"):
        paths.read_in_root(root, "huge")
    (tree / "small").write_bytes(b"12345")
    assert paths.read_in_root(root, "small", 5) == b"12345"
    with pytest.raises(Invalid, match="5 bytes, more than 4"):
        paths.read_in_root(root, "small", 4)


def test_a_null_byte_is_refused(root: int, tree: Path) -> None:
    (tree / "a").write_bytes(b"other")
    for action in (paths.read_in_root, paths.make_directories_in_root):
        with pytest.raises(Invalid, match="null byte"):
            action(root, "a\0b")


def test_a_loop_of_links_ends(root: int, tree: Path) -> None:
    (tree / "one").symlink_to("two")
    (tree / "two").symlink_to("one")
    with pytest.raises(OSError):
        paths.read_in_root(root, "one")
    with pytest.raises(Invalid, match="loop of symbolic links"):
        paths.make_directories_in_root(root, "one/below")


def test_descriptors_are_close_on_exec(root: int, tree: Path) -> None:
    fd = paths.open_in_root(root, ".", os.O_PATH)
    assert not os.get_inheritable(fd)
    os.close(fd)
    fd = paths.open_in_root(root, "new", os.O_CREAT | os.O_WRONLY, 0o640)
    assert not os.get_inheritable(fd)
    os.close(fd)
    assert (tree / "new").exists()


def test_a_link_itself_can_be_looked_at(root: int, tree: Path) -> None:
    (tree / "link").symlink_to("nowhere")
    assert paths.stat_in_root(root, "link", follow=False).st_size == 7
    with pytest.raises(FileNotFoundError):
        paths.stat_in_root(root, "link")


def test_directories_are_made_through_links_inside(root: int, tree: Path) -> None:
    (tree / "run").mkdir()
    (tree / "var").mkdir()
    (tree / "var/run").symlink_to("/run")
    os.close(paths.make_directories_in_root(root, "/var/run/a/./b//c", 0o750))
    assert (tree / "run/a/b/c").is_dir()
    assert (tree / "run/a/b").stat().st_mode & 0o7777 == 0o750
    assert (tree / "run").stat().st_mode & 0o777 != 0o750
    fd = paths.make_directories_in_root(root, "/run/a")
    assert os.fstat(fd).st_ino == (tree / "run/a").stat().st_ino
    os.close(fd)


@host.needs_root
def test_directories_that_are_made_get_their_owner(root: int, tree: Path) -> None:
    (tree / "there").mkdir()
    os.close(paths.make_directories_in_root(root, "there/new/newer", uid=7, gid=8))
    assert {(p.stat().st_uid, p.stat().st_gid) for p in (tree / "there/new", tree / "there/new/newer")} == {(7, 8)}
    assert (tree / "there").stat().st_uid == os.getuid()


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("file/below", "not a directory"),
        ("file", "not a directory"),
        ("dangling/below", "dangling link"),
        ("outside/below", "dangling link"),
        ("missing/../../outside", r"\.\."),
    ],
)
def test_directories_are_not_made_where_that_is_not_clear(root: int, tree: Path, path: str, why: str) -> None:
    (tree / "file").touch()
    (tree / "dangling").symlink_to("nowhere")
    (tree / "outside").symlink_to(f"{tree.parent}/made")
    with pytest.raises(Invalid, match=why):
        paths.make_directories_in_root(root, path)
    assert sorted(os.listdir(tree.parent)) == ["root", "secret"]


def test_dots_at_the_top_make_directories_inside(root: int, tree: Path) -> None:
    os.close(paths.make_directories_in_root(root, "../../made"))
    assert (tree / "made").is_dir()


def test_a_directory_that_becomes_a_link_all_the_time_does_not_lead_out(root: int, tree: Path) -> None:
    outside = tree.parent / "outside"
    outside.mkdir()
    (tree / "trap").mkdir()
    (tree / "link").symlink_to(outside)
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            syscalls.renameat2(root, "trap", root, "link", syscalls.RENAME_EXCHANGE)

    swapper = threading.Thread(target=swap)
    swapper.start()
    made = 0
    try:
        for number in range(2000):
            try:
                os.close(paths.make_directories_in_root(root, f"trap/{number}/below"))
                made += 1
            except (Invalid, OSError):
                continue
    finally:
        stop.set()
        swapper.join()
    assert made
    assert os.listdir(outside) == []


def test_no_descriptor_is_left_by_failures(root: int, tree: Path) -> None:
    (tree / "file").touch()
    os.mkfifo(tree / "fifo")
    before = len(os.listdir("/proc/self/fd"))
    for path in ("file/x", "missing/../x", "fifo/x"):
        with pytest.raises(Invalid):
            paths.make_directories_in_root(root, path)
    with pytest.raises(Invalid):
        paths.read_in_root(root, "fifo")
    assert len(os.listdir("/proc/self/fd")) == before

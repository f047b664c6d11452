"""Whole reads, atomic writes, and the removal of trees that resist."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from argosy.errors import Invalid
from argosy.linux import files, mounts
from tests.rig import host
from tests.rig.as_user import AsUser


def test_a_read_returns_the_whole_file_and_stops_at_the_limit(tmp_path: Path) -> None:
    path = f"{tmp_path}/file"
    with open(path, "wb") as file:
        file.write(b"x" * 100_000)
    assert files.read(path) == b"x" * 100_000
    assert files.read(path, 100_000) == b"x" * 100_000
    with pytest.raises(OSError, match="longer than 99999 bytes") as raised:
        files.read(path, 99_999)
    assert raised.value.filename == path


def test_a_read_copes_with_files_that_do_not_know_their_size() -> None:
    assert files.read("/proc/self/mountinfo").count(b"\n") > 1
    with pytest.raises(OSError, match="longer than 5 bytes"):
        files.read("/proc/self/status", 5)
    with pytest.raises(OSError, match="longer than 1000 bytes"):
        files.read("/dev/zero", 1000)


def test_an_atomic_write_replaces_the_file_and_sets_the_mode_whatever_the_umask(tmp_path: Path) -> None:
    path = f"{tmp_path}/file"
    before = os.umask(0o077)
    try:
        files.write_atomic(path, b"one", mode=0o644)
        files.write_atomic(path, b"two", mode=0o664, durable=True)
    finally:
        os.umask(before)
    assert files.read(path) == b"two"
    assert os.stat(path).st_mode & 0o7777 == 0o664
    assert os.listdir(tmp_path) == ["file"]


def test_a_reader_never_sees_half_of_a_write(tmp_path: Path) -> None:
    path, seen, stop = f"{tmp_path}/file", set(), threading.Event()
    files.write_atomic(path, b"a" * 50_000)

    def watch() -> None:
        while not stop.is_set():
            seen.add(files.read(path))

    reader = threading.Thread(target=watch)
    reader.start()
    for _ in range(100):
        files.write_atomic(path, b"b" * 70_000)
        files.write_atomic(path, b"a" * 50_000)
    stop.set()
    reader.join()
    assert seen <= {b"a" * 50_000, b"b" * 70_000}


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = f"{tmp_path}/directory"
    os.makedirs(f"{path}/in-the-way")
    with pytest.raises(IsADirectoryError):
        files.write_atomic(path, b"x")
    assert os.listdir(tmp_path) == ["directory"]


def test_leftovers_of_writes_are_recognised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "rename", lambda *_: os.kill(os.getpid(), 9))
    pid = os.fork()
    if pid == 0:
        files.write_atomic(f"{tmp_path}/file", b"x")
        os._exit(0)
    os.waitpid(pid, 0)
    [name] = os.listdir(tmp_path)
    assert files.is_leftover(name)
    assert not files.is_leftover("file")


def test_directories_are_made_with_their_mode_and_may_exist(tmp_path: Path) -> None:
    files.make_directories(f"{tmp_path}/a/b/c/", 0o750)
    files.make_directories(f"{tmp_path}/a/b/c")
    assert {os.stat(f"{tmp_path}/{p}").st_mode & 0o777 for p in ("a", "a/b", "a/b/c")} == {0o750}
    files.write_atomic(f"{tmp_path}/file", b"")
    with pytest.raises(NotADirectoryError):
        files.make_directories(f"{tmp_path}/file")


def test_no_directories_where_nobody_can_make_any() -> None:
    for path in ("/proc/argosy", "/proc/argosy/a/b"):
        with pytest.raises(FileNotFoundError):
            files.make_directories(path)


def test_a_tree_is_removed_but_nothing_that_its_links_lead_to(tmp_path: Path) -> None:
    os.makedirs(f"{tmp_path}/kept")
    files.write_atomic(f"{tmp_path}/kept/file", b"")
    tree = f"{tmp_path}/tree"
    os.makedirs(f"{tree}/a/b")
    os.symlink(f"{tmp_path}/kept", f"{tree}/a/link")
    os.symlink("../kept/file", f"{tree}/link")
    os.mkfifo(f"{tree}/fifo")
    os.link(f"{tmp_path}/kept/file", f"{tree}/a/b/hard")
    files.remove_tree(tree)
    assert os.listdir(tmp_path) == ["kept"]
    assert os.listdir(f"{tmp_path}/kept") == ["file"]


def test_removal_takes_a_link_or_file_itself_and_nothing_is_fine(tmp_path: Path) -> None:
    os.makedirs(f"{tmp_path}/kept")
    os.symlink("kept", f"{tmp_path}/link")
    files.write_atomic(f"{tmp_path}/file", b"")
    for name in ("link", "file", "missing"):
        files.remove_tree(f"{tmp_path}/{name}")
    assert os.listdir(tmp_path) == ["kept"]


@pytest.mark.parametrize("path", ["", "/", "//", ".", "..", "tree", "./tree", "/tmp/../tree", "/tmp/..", "/tmp/."])
def test_only_an_absolute_path_is_removed(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkdir(f"{tmp_path}/tree")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Invalid):
        files.remove_tree(path)
    assert os.listdir(tmp_path) == ["tree"]


def test_a_tree_deeper_than_paths_and_descriptors_go_is_removed(tmp_path: Path) -> None:
    fd = os.open(tmp_path, os.O_RDONLY)
    for _ in range(600):  # 6,600 bytes of path; more levels would stop pytest from tidying up after a failure
        os.mkdir("directory", dir_fd=fd)
        os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=fd))
        below = os.open("directory", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(fd)
    before = len(os.listdir("/proc/self/fd"))
    files.remove_tree(f"{tmp_path}/directory")
    assert os.listdir(tmp_path) == ["file"]
    assert len(os.listdir("/proc/self/fd")) == before


def test_many_entries_are_removed(tmp_path: Path) -> None:
    for directory in range(2):
        os.mkdir(f"{tmp_path}/{directory}")
        for number in range(1500):
            os.close(os.open(f"{tmp_path}/{directory}/{number}", os.O_CREAT))
    files.remove_tree(str(tmp_path))
    assert not os.path.exists(tmp_path)


@pytest.mark.parametrize("mode", [0o000, 0o555, 0o111])
def test_directories_without_permissions_are_removed_by_their_owner(mode: int, as_user: AsUser) -> None:
    as_user.run(f"""
        from argosy.linux import files
        os.makedirs("tree/a/b/c")
        open("tree/a/b/file", "w").close()
        for name in ("tree/a/b/c", "tree/a/b", "tree/a", "tree"):
            os.chmod(name, {mode})
        files.remove_tree(os.path.abspath("tree"))
        assert os.listdir(".") == [], os.listdir(".")
    """)


@host.needs_root
def test_what_is_not_ours_stays_and_is_named_and_the_rest_goes(as_user: AsUser) -> None:
    as_user.prepare("tree/foreign/file", owner=0)
    os.chown(f"{as_user.directory}/tree", as_user.uid, -1)
    as_user.run("""
        from argosy.linux import files
        os.makedirs("tree/own/below")
        try:
            files.remove_tree(os.path.abspath("tree"))
        except files.TreeNotRemoved as error:
            assert "tree/foreign/file: Permission denied" in error.details, error.details
            assert len(error.failures) == 1, error.failures
        else:
            raise AssertionError("not refused")
        assert os.listdir("tree") == ["foreign"]
    """)


@host.needs_root
def test_a_mount_is_not_entered_and_is_named(tmp_path: Path) -> None:
    os.makedirs(f"{tmp_path}/kept/below")
    tree = f"{tmp_path}/tree"
    os.makedirs(f"{tree}/a/bound")
    os.makedirs(f"{tree}/b/c")
    mounts.bind(f"{tmp_path}/kept", f"{tree}/a/bound")
    try:
        with pytest.raises(files.TreeNotRemoved, match="a/bound: Device or resource busy") as raised:
            files.remove_tree(tree)
        assert "unmount" in raised.value.hint
        assert len(raised.value.failures) == 1
        assert os.listdir(f"{tmp_path}/kept") == ["below"]
        assert os.listdir(tree) == ["a"]
    finally:
        mounts.unmount(f"{tree}/a/bound")
    files.remove_tree(tree)


@host.needs_root
def test_a_mount_at_the_top_of_the_tree_is_not_entered(tmp_path: Path) -> None:
    os.makedirs(f"{tmp_path}/kept/below")
    os.makedirs(f"{tmp_path}/tree")
    mounts.bind(f"{tmp_path}/kept", f"{tmp_path}/tree")
    try:
        with pytest.raises(files.TreeNotRemoved):
            files.remove_tree(f"{tmp_path}/tree")
        assert os.listdir(f"{tmp_path}/kept") == ["below"]
    finally:
        mounts.unmount(f"{tmp_path}/tree")


def test_a_missing_file_may_be_unlinked(tmp_path: Path) -> None:
    files.write_atomic(f"{tmp_path}/file", b"")
    files.unlink_missing(f"{tmp_path}/file")
    files.unlink_missing(f"{tmp_path}/file")
    assert os.listdir(tmp_path) == []


@host.needs_root
def test_what_the_user_names_stays_the_device_that_it_is(tmp_path: Path) -> None:
    null = f"{tmp_path}/null"
    os.mknod(null, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    files.write_named(null, b"data")
    assert stat.S_ISCHR(os.stat(null).st_mode)
    files.write_named(f"{tmp_path}/file", b"data")
    assert files.read(f"{tmp_path}/file") == b"data"
    os.mkfifo(f"{tmp_path}/fifo")
    with pytest.raises(OSError, match="No such device or address"):
        files.write_named(f"{tmp_path}/fifo", b"data")

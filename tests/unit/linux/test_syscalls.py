"""The thin layer over the kernel: errors carry number and path, values arrive whole, nothing heavy is imported."""

from __future__ import annotations

import os
import select
import subprocess
import threading
from pathlib import Path

import pytest

from argosy.linux import syscalls
from tests.rig import host
from tests.rig.as_user import PYTHON
from tests.rig.program import CHECKOUT


@pytest.mark.parametrize("path", ["/missing/ünï", b"/missing/\xff"])
def test_an_error_carries_number_text_and_path(path: str | bytes) -> None:
    with pytest.raises(FileNotFoundError) as raised:
        syscalls.openat2(syscalls.AT_FDCWD, path, os.O_RDONLY)
    assert raised.value.filename == path
    assert raised.value.strerror == os.strerror(2)


def test_a_path_with_a_null_byte_is_not_cut_short(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    for call in (
        lambda path: syscalls.openat2(syscalls.AT_FDCWD, path, os.O_RDONLY),
        lambda path: syscalls.umount2(path),
        lambda path: syscalls.statx_mount(path),
    ):
        with pytest.raises(ValueError, match="null byte"):
            call(f"{tmp_path}/a\0b")


def test_openat2_resolves_as_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to("file")
    root = os.open(tmp_path, os.O_PATH)
    try:
        fd = syscalls.openat2(root, "link", os.O_RDONLY, 0, syscalls.RESOLVE_BENEATH)
        assert os.read(fd, 9) == b"x"
        assert not os.get_inheritable(fd)
        os.close(fd)
        with pytest.raises(OSError, match="Too many levels"):
            syscalls.openat2(root, "link", os.O_RDONLY, 0, syscalls.RESOLVE_NO_SYMLINKS)
        with pytest.raises(OSError, match="cross-device"):
            syscalls.openat2(root, "../x", os.O_RDONLY, 0, syscalls.RESOLVE_BENEATH)
    finally:
        os.close(root)


def test_rename_exchanges_and_does_not_replace(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    at = syscalls.AT_FDCWD
    syscalls.renameat2(at, f"{tmp_path}/a", at, f"{tmp_path}/b", syscalls.RENAME_EXCHANGE)
    assert (tmp_path / "a").read_text() == "b"
    with pytest.raises(FileExistsError):
        syscalls.renameat2(at, f"{tmp_path}/a", at, f"{tmp_path}/b", syscalls.RENAME_NOREPLACE)


def test_inotify_tells_of_new_files(tmp_path: Path) -> None:
    fd = syscalls.inotify_init1()
    try:
        syscalls.inotify_add_watch(fd, str(tmp_path), syscalls.IN_MOVED_TO | syscalls.IN_CREATE)
        (tmp_path / "new").touch()
        assert select.select([fd], [], [], 5)[0]
        assert b"new\0" in os.read(fd, 4096)
        with pytest.raises(FileNotFoundError):
            syscalls.inotify_add_watch(fd, f"{tmp_path}/missing", syscalls.IN_CREATE)
    finally:
        os.close(fd)


def test_descriptors_are_closed_by_range() -> None:
    pid = os.fork()
    if pid == 0:
        fds = [os.open("/dev/null", os.O_RDONLY) for _ in range(5)]
        syscalls.close_range(fds[0], syscalls.MAX_DESCRIPTOR)
        try:
            os.fstat(fds[-1])
        except OSError:
            os._exit(0)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_errno_belongs_to_the_thread() -> None:
    wrong: list[str] = []

    def fail(path: str, error: type[OSError]) -> None:
        for _ in range(300):
            try:
                os.close(syscalls.openat2(syscalls.AT_FDCWD, path, os.O_RDONLY | os.O_DIRECTORY))
            except error:
                continue
            except OSError as other:
                wrong.append(f"{path}: {other}")

    kinds = [("/missing", FileNotFoundError), ("/etc/passwd", NotADirectoryError)]
    threads = [threading.Thread(target=fail, args=kind) for kind in kinds * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_large_number_arrives_whole() -> None:
    libc = syscalls.load_library(None)
    assert libc.call("labs", -(1 << 40), result="l") == 1 << 40
    with pytest.raises(AttributeError):
        libc.call("no_such_function")
    with pytest.raises(OSError, match="no-such-library"):
        syscalls.load_library("no-such-library.so.1")


def test_a_buffer_is_written_by_the_callee() -> None:
    buffer = syscalls.Buffer(b"abc\0efgh")
    syscalls.load_library(None).call("memset", buffer, ord("x"), 3, result="P")
    assert buffer.bytes() == b"xxx\0efgh"


@host.needs_root
def test_a_write_error_is_not_hidden_by_syncfs(tmp_path: Path) -> None:
    fd = os.open(tmp_path, os.O_RDONLY)
    syscalls.syncfs(fd)
    os.close(fd)
    with pytest.raises(OSError, match="Bad file descriptor"):
        syscalls.syncfs(fd)


# fmt: off
HEAVY = {
    "re", "enum", "json", "typing", "pathlib", "subprocess", "contextlib", "functools", "collections", "signal",
    "socket", "threading", "tempfile", "shutil", "logging", "ctypes", "_ctypes", "hashlib", "datetime", "argparse",
    "random",
}
# fmt: on
MODULES = [name.removesuffix(".py") for name in os.listdir(f"{CHECKOUT}/argosy/linux") if name.endswith(".py")]


@pytest.mark.parametrize("name", sorted(MODULES))
def test_importing_a_module_of_linux_is_light(name: str) -> None:
    code = f"import sys; sys.path.insert(0, {CHECKOUT!r}); before = set(sys.modules); import argosy.linux.{name}; "
    code += "print(*(set(sys.modules) - before))"
    done = subprocess.run([PYTHON, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.split())

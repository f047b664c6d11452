"""What is said of a program that the kernel would refuse, and when nothing is."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from argosy.runtime import executable
from argosy.runtime.executable import NotExecutable, check

PATH = "PATH=/usr/bin:/bin"
NO_BINDS: Mapping[str, Path] = {}


def elf(machine: int = 62, interpreter: bytes = b"", *, big: bool = False, bits: int = 64) -> bytes:
    """A program header table with a PT_INTERP, and nothing that could run."""
    order = ">" if big else "<"
    head = b"\x7fELF" + bytes((2 if bits == 64 else 1, 2 if big else 1, 1)) + bytes(9)
    count = 1 if interpreter else 0
    if bits == 64:
        body = struct.pack(f"{order}HHIQQQIHHHHHH", 2, machine, 1, 0, 64, 0, 0, 64, 56, count, 0, 0, 0)
        entry = struct.pack(f"{order}IIQQQQQQ", 3, 4, 120, 0, 0, len(interpreter) + 1, 0, 1)
    else:
        body = struct.pack(f"{order}HHIIIIIHHHHHH", 2, machine, 1, 0, 52, 0, 0, 52, 32, count, 0, 0, 0)
        entry = struct.pack(f"{order}IIIIIIII", 3, 84, 0, 0, len(interpreter) + 1, 0, 4, 1)
    data = head + body + ((entry + interpreter + b"\0") if interpreter else b"")
    return data.ljust(200, b"\0")


class Tree:
    """A container's tree with one program in it."""

    def __init__(self, base: Path) -> None:
        self.root = base / "root"
        (self.root / "bin").mkdir(parents=True)
        (self.root / "usr" / "bin").mkdir(parents=True)
        self.put("/bin/sh", elf())

    def put(self, path: str, data: bytes, mode: int = 0o755) -> None:
        target = self.root / path[1:]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        target.chmod(mode)

    def check(
        self,
        *args: str,
        mounts: Iterable[str] = (),
        binds: Mapping[str, Path] = NO_BINDS,
        cwd: str = "/",
        machine: str = "x86_64",
    ) -> None:
        """`mounts` are the places of tmpfs mounts, `binds` give the source for each place."""
        all_mounts = [{"destination": place, "type": "tmpfs", "source": "tmpfs"} for place in mounts]
        all_mounts += [{"destination": place, "type": "bind", "source": str(at)} for place, at in binds.items()]
        check(str(self.root), {"args": list(args), "env": [PATH], "cwd": cwd}, all_mounts, machine)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


@pytest.mark.parametrize(
    "data",
    [
        elf(),
        elf(3),
        elf(3, b"/bin/sh", bits=32),
        elf(62, b"/bin/sh"),
        b"#!/bin/sh\n",
        b"#! /bin/sh -e\necho\n",
        b"#!\n",
        b"#!relative/interpreter\n",
        b"\x7fELF",
        b"\x7fELF\x02\x01" + bytes(10) + struct.pack("<HH", 2, 62) + b"\xff" * 200,
    ],
    ids=str,
)
def test_nothing_is_said_of_what_may_run(tree: Tree, data: bytes) -> None:
    tree.put("/bin/x", data)
    tree.check("/bin/x")


@pytest.mark.parametrize(
    ("data", "words", "status"),
    [
        (elf(183), "it is built for arm64, and this host is amd64", 126),
        (elf(22, big=True), "it is built for s390x, and this host is amd64", 126),
        (elf(9999), "it is built for machine 9999", 126),
        (elf(40, bits=32), "it is built for arm, and", 126),
        (b"#!/bin/sh\r\necho\r\n", r"its first line ends in CR LF", 127),
        (b"#!/bin/sh -e\r\necho\r\n", r"its first line ends in CR LF", 127),
        (b"#!/usr/bin/env python3\n", 'its interpreter "/usr/bin/env" is not in the image', 127),
        (elf(62, b"/lib64/ld-linux-x86-64.so.2"), 'its dynamic loader "/lib64/ld-linux-x86-64.so.2" is not in', 127),
        (elf(3, b"/lib/ld-linux.so.2", bits=32), 'its dynamic loader "/lib/ld-linux.so.2" is not in', 127),
        (b"echo hi\n", "is neither a program for Linux nor a script with a #! line", 126),
        (b"", "is empty", 126),
    ],
    ids=str,
)
def test_what_cannot_run_is_explained(tree: Tree, data: bytes, words: str, status: int) -> None:
    tree.put("/bin/x", data)
    with pytest.raises(NotExecutable, match=words) as caught:
        tree.check("/bin/x")
    assert caught.value.exit_code == status
    assert caught.value.hint


@pytest.mark.parametrize("name", ["x", "../bin/x", "bin/x", "/bin/link", "/bin/outside"])
def test_the_program_is_found_as_the_runtime_finds_it(tree: Tree, name: str) -> None:
    tree.put("/bin/x", elf(183))
    os.symlink("x", tree.root / "bin" / "link")
    os.symlink("/../../../bin/x", tree.root / "bin" / "outside")
    with pytest.raises(NotExecutable, match="cannot execute /bin/x"):
        tree.check(name, cwd="/bin" if name.startswith("..") else "/")


def test_what_is_earlier_on_the_path_counts(tree: Tree) -> None:
    tree.put("/bin/x", elf(183))
    tree.put("/usr/bin/x", elf())
    tree.check("x")


@pytest.mark.parametrize("name", ["nothing", "/bin/nothing", "/bin/loop", "/bin/sh/x", "n" * 5000])
def test_what_is_missing_is_left_to_the_runtime(tree: Tree, name: str) -> None:
    os.symlink("loop", tree.root / "bin" / "loop")
    tree.check(name)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("/bin/data", "cannot execute /bin/data: it may not be executed: its mode is 0644"),
        ("data", "cannot execute /bin/data: it may not be executed"),
        ("/bin", "cannot execute /bin: it is a directory"),
        ("./", "cannot execute /: it is a directory"),
        ("bin", "cannot execute /usr/bin/bin: it is a directory"),
        ("/bin/fifo", "cannot execute /bin/fifo: it is a FIFO"),
    ],
)
def test_what_is_no_program_is_named(tree: Tree, name: str, words: str) -> None:
    tree.put("/bin/data", b"#!/bin/sh", mode=0o644)
    (tree.root / "usr/bin/bin").mkdir()
    os.mkfifo(tree.root / "bin" / "fifo", 0o755)
    with pytest.raises(NotExecutable) as caught:
        tree.check(name, cwd="/")
    assert words in str(caught.value)
    assert caught.value.exit_code == 126


def test_what_may_be_executed_comes_before_what_may_not(tree: Tree) -> None:
    tree.put("/usr/bin/x", elf(), mode=0o644)
    tree.put("/bin/x", elf())
    tree.check("x")


@pytest.mark.parametrize(
    ("data", "mode", "words", "status"),
    [
        (elf(183), 0o755, 'its interpreter "/bin/i" is built for arm64, and this host is amd64', 126),
        (elf(62, b"/lib/ld.so"), 0o755, 'its interpreter "/bin/i" needs the dynamic loader "/lib/ld.so", which', 127),
        (b"#!/no\n", 0o755, 'its interpreter "/bin/i" needs the interpreter "/no", which is not in the image', 127),
        (b"#!/bin/sh\r\n", 0o755, 'the first line of its interpreter "/bin/i" ends in CR LF', 127),
        (elf(), 0o644, 'its interpreter "/bin/i" may not be executed: its mode is 0644', 126),
        (b"", 0o755, 'its interpreter "/bin/i" is empty', 126),
    ],
    ids=str,
)
def test_an_interpreter_that_cannot_run_is_explained(
    tree: Tree, data: bytes, mode: int, words: str, status: int
) -> None:
    tree.put("/bin/i", data, mode)
    tree.put("/bin/x", b"#!/bin/i\n")
    with pytest.raises(NotExecutable) as caught:
        tree.check("x")
    assert words in str(caught.value)
    assert caught.value.exit_code == status


def test_interpreters_that_go_in_a_circle_are_left_to_the_kernel(tree: Tree) -> None:
    tree.put("/bin/x", b"#!/bin/x\n")
    tree.check("x")


@pytest.mark.parametrize("place", ["/bin", "/bin/x", "/bin/"])
def test_a_mount_over_the_program_hides_it(tree: Tree, place: str) -> None:
    tree.put("/bin/x", elf(183))
    tree.check("/bin/x", mounts=(place,))


@pytest.mark.parametrize("place", ["/lib64", "/usr/lib64", "/usr", "/lib64/ld.so"])
def test_a_mount_may_bring_the_loader(tree: Tree, place: str) -> None:
    tree.put("/bin/x", elf(62, b"/lib64/ld.so"))
    tree.check("/bin/x", mounts=(place,))


@pytest.mark.parametrize("place", ["/proc", "/srv", "/binary", "/"])
def test_other_mounts_do_not_matter(tree: Tree, place: str) -> None:
    tree.put("/bin/x", elf(183))
    with pytest.raises(NotExecutable):
        tree.check("/bin/x", mounts=(place,))


def test_a_host_whose_machine_is_unknown_is_trusted(tree: Tree) -> None:
    tree.put("/bin/x", elf(183))
    tree.check("/bin/x", machine="z80")


def test_a_fifo_is_not_opened(tree: Tree) -> None:
    os.mkfifo(tree.root / "bin" / "i", 0o755)
    tree.put("/bin/x", b"#!/bin/i\n")
    with pytest.raises(NotExecutable, match="is a FIFO"):
        tree.check("/bin/x")


QEMU = """enabled
interpreter /usr/bin/qemu-aarch64-static
flags: OCF
offset 0
magic 7f454c460201010000000000000000000200b700
mask ffffffffffffff00fffffffffffffffffeffffff
"""


@pytest.mark.parametrize(
    ("entry", "taken"),
    [
        (QEMU, True),
        (QEMU.replace("enabled", "disabled"), False),
        (QEMU.replace("b700", "f300"), False),
        (QEMU.replace("offset 0", "offset 4"), False),
        ("enabled\ninterpreter /x\nflags: \nextension .arm\n", False),
        ("enabled\ninterpreter /x\nflags: \nextension .x\n", True),
        ("enabled\ninterpreter /x\nflags: \nmagic zz\n", True),
        ("", False),
    ],
)
def test_what_binfmt_misc_takes(entry: str, taken: bool) -> None:
    assert executable.entry_takes(entry, "/bin/a.x", elf(183)) is taken


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A directory of the host with a script whose lines end in CR LF."""
    directory = tmp_path / "work"
    directory.mkdir()
    (directory / "dos").write_bytes(b"#!/bin/sh\r\n")
    (directory / "dos").chmod(0o755)
    return directory


@pytest.mark.parametrize(
    ("args", "cwd", "place"),
    [(("/work/dos",), "/", "/work"), (("./dos",), "/work", "/work")],
)
def test_a_program_on_a_bind_mount(tree: Tree, work: Path, args: tuple[str, ...], cwd: str, place: str) -> None:
    with pytest.raises(NotExecutable, match="ends in CR LF") as caught:
        tree.check(*args, cwd=cwd, binds={place: work})
    assert "on the host" in caught.value.hint
    with pytest.raises(NotExecutable, match="ends in CR LF"):
        tree.check("/opt/it", binds={"/opt/it": work / "dos"})


def test_what_a_bind_mount_hides_or_links_to_is_left_to_the_kernel(tree: Tree, work: Path) -> None:
    tree.check("/work/dos", binds={"/work": work}, mounts=("/work/dos",))  # the innermost mount counts
    (work / "out").symlink_to("/bin/sh")
    (work / "up").symlink_to("../../x")
    for name in ("out", "up", "none"):
        tree.check(f"/work/{name}", binds={"/work": work})
    tree.check("/work/dos", binds={"/work": work / "nowhere"})


def test_the_mode_of_a_bound_file_is_mended_on_the_host(tree: Tree, work: Path) -> None:
    (work / "dos").chmod(0o644)
    with pytest.raises(NotExecutable, match="its mode is 0644") as caught:
        tree.check("/work/dos", binds={"/work": work})
    assert caught.value.hint == "make it executable (chmod +x /work/dos) on the host"


def test_an_interpreter_behind_links_to_a_mount_is_not_missing(tree: Tree, work: Path) -> None:
    (tree.root / "usr/local").symlink_to("../opt/tools")
    tree.put("/bin/script", b"#!/usr/local/bin/python\n")
    with pytest.raises(NotExecutable, match="its interpreter"):
        tree.check("/bin/script")
    tree.check("/bin/script", binds={"/opt/tools": work})
    (tree.root / "bin/py").symlink_to("/opt/tools/bin/python")
    tree.put("/bin/script", b"#!/bin/py\n")
    tree.check("/bin/script", mounts=("/opt/tools",))
    (tree.root / "loop").symlink_to("loop")
    tree.put("/bin/script", b"#!/loop/x\n")
    tree.check("/bin/script")

"""Why the kernel would refuse to execute a container's program, told before the container starts.

A runtime learns of it too late for a good message: "exec format error", or "no such file or directory" for a file that
is there.  Nothing is said here unless it is certain: what a mount covers, what binfmt_misc takes, and what cannot be
read is left to the kernel.  execve(2), elf(5), binfmt_misc.rst of the kernel.
"""

from __future__ import annotations

import os
import struct

from argosy.errors import ArgosyError, Invalid, shown
from argosy.linux import files, paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

_HEADER = 4096
_LINE = 256  # what the kernel reads of a first line (BINPRM_BUF_SIZE)
_BINFMT = "/proc/sys/fs/binfmt_misc"
_MACHINES = {3: "386", 8: "mips", 21: "ppc64", 22: "s390x", 40: "arm", 62: "amd64", 183: "arm64", 243: "riscv64"}
# What a kernel for this machine may run by itself.
_NATIVE = {
    "x86_64": (62, 3),
    "aarch64": (183, 40),
    "armv7l": (40,),
    "i686": (3,),
    "ppc64le": (21,),
    "riscv64": (243,),
    "s390x": (22,),
}


class NotExecutable(ArgosyError):
    """The program is there and may be executed, but cannot be."""


def check(root: str, process: Mapping[str, Any], mounts: Iterable[str], machine: str) -> None:
    """Raise NotExecutable when the program of an OCI `process` object cannot be executed in the tree `root`.

    `mounts` are the places of the container's mounts, which may hide what `root` has; `machine` is uname(2)'s.
    """
    places = tuple(mounts)
    root_fd = paths.open_root(root)
    try:
        program = _locate(root_fd, root, process, places)
        if program is None:
            return
        try:
            head = _head(root_fd, program)
        except (OSError, Invalid):
            return
        problem = _problem(root_fd, program, head, places, machine)
    finally:
        os.close(root_fd)
    if problem is not None:
        raise problem


def _locate(root_fd: int, root: str, process: Mapping[str, Any], places: tuple[str, ...]) -> str | None:
    """The program's place in the container, links followed; None when it is not there, or a mount may cover it."""
    name = process["args"][0]
    if "/" in name:
        candidates = [os.path.join(process["cwd"], name)]
    else:
        value = next((entry[5:] for entry in process.get("env", ()) if entry.startswith("PATH=")), "")
        candidates = [f"{directory}/{name}" for directory in value.split(":") if directory.startswith("/")]
    for candidate in candidates:
        if _covered(candidate, places):
            return None
        try:
            fd = paths.open_in_root(root_fd, candidate, os.O_PATH)
        except (OSError, Invalid):
            continue
        try:
            found = os.readlink(f"/proc/self/fd/{fd}").removeprefix(os.path.realpath(root))
            is_file = os.fstat(fd).st_mode & 0o170000 == 0o100000 and os.fstat(fd).st_mode & 0o111
        finally:
            os.close(fd)
        if is_file:
            return None if _covered(found, places) else found
    return None


def _covered(path: str, places: tuple[str, ...]) -> bool:
    """Whether a mount is at `path` or above it, also where /bin and /lib are links into /usr."""
    plain = os.path.normpath(path)
    return any(
        place != "/" and f"{spelled}/".startswith(f"{place.rstrip('/')}/")
        for place in places
        for spelled in (plain, f"/usr{plain}")
    )


def _head(root_fd: int, path: str) -> bytes:
    handle = paths.open_in_root(root_fd, path, os.O_PATH)
    try:
        fd = os.open(f"/proc/self/fd/{handle}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    finally:
        os.close(handle)
    try:
        return os.read(fd, _HEADER)
    finally:
        os.close(fd)


def _problem(root_fd: int, program: str, head: bytes, places: tuple[str, ...], machine: str) -> NotExecutable | None:
    if head.startswith(b"#!"):
        return _script_problem(root_fd, program, head, places)
    if head.startswith(b"\x7fELF"):
        return _elf_problem(root_fd, program, head, places, machine)
    if _has_interpreter_of_its_own(program, head):
        return None
    what = "is empty" if not head else "is neither a program for Linux nor a script with a #! line"
    hint = "begin it with #!/bin/sh, or run it as an argument of its interpreter"
    return NotExecutable(f"cannot execute {program}: it {what}", details="exec format error", hint=hint, exit_code=126)


def _script_problem(root_fd: int, program: str, head: bytes, places: tuple[str, ...]) -> NotExecutable | None:
    line = head[2:_LINE].split(b"\n", 1)[0]
    words = line.strip(b" \t").split(None, 1) if b"\r" not in line else [line.strip(b" \t")]
    if not words:
        return None
    interpreter = os.fsdecode(words[0])
    if not _is_missing(root_fd, interpreter, places):
        return None
    if interpreter.endswith("\r"):
        return NotExecutable(
            f"cannot execute {program}: its first line ends in CR LF, so that its interpreter is {shown(interpreter)}",
            hint="write its lines with LF alone (dos2unix, or `sed -i 's/\\r$//'`) and build the image again",
            exit_code=127,
        )
    return NotExecutable(
        f"cannot execute {program}: its interpreter {shown(interpreter)} is not in the image",
        hint="install the interpreter in the image, or correct the first line",
        exit_code=127,
    )


def _elf_problem(
    root_fd: int, program: str, head: bytes, places: tuple[str, ...], machine: str
) -> NotExecutable | None:
    if len(head) < 64 or head[5] not in (1, 2):
        return None
    order = "<" if head[5] == 1 else ">"
    number = struct.unpack_from(f"{order}H", head, 18)[0]
    native = _NATIVE.get(machine)
    if native is not None and number not in native:
        if _has_interpreter_of_its_own(program, head):
            return None
        built, here = _MACHINES.get(number, f"machine {number}"), _MACHINES[native[0]]
        return NotExecutable(
            f"cannot execute {program}: it is built for {built}, and this host is {here}",
            details="exec format error",
            hint=f"pull the image with --platform linux/{here}, or install qemu-user-static to emulate {built}",
            exit_code=126,
        )
    loader = _loader(head, order)
    if not loader or not _is_missing(root_fd, loader, places):
        return None
    return NotExecutable(
        f"cannot execute {program}: its dynamic loader {shown(loader)} is not in the image",
        hint="the program was built for another C library (glibc, musl): link it statically, or change the base image",
        exit_code=127,
    )


def _loader(head: bytes, order: str) -> str:
    """The PT_INTERP of an ELF file; "" when it has none, or none within `head`."""
    try:
        if head[4] == 2:
            table, size, count = *struct.unpack_from(f"{order}Q", head, 32), *struct.unpack_from(f"{order}HH", head, 54)
        else:
            table, size, count = *struct.unpack_from(f"{order}I", head, 28), *struct.unpack_from(f"{order}HH", head, 42)
        for index in range(min(count, 64)):
            at = table + index * size
            if struct.unpack_from(f"{order}I", head, at)[0] != 3:
                continue
            if head[4] == 2:
                offset, length = (struct.unpack_from(f"{order}Q", head, at + place)[0] for place in (8, 32))
            else:
                offset, length = (struct.unpack_from(f"{order}I", head, at + place)[0] for place in (4, 16))
            text = head[offset : offset + length]
            return os.fsdecode(text.rstrip(b"\0")) if len(text) == length else ""
    except (struct.error, OverflowError):
        pass
    return ""


def _is_missing(root_fd: int, path: str, places: tuple[str, ...]) -> bool:
    """Whether there is certainly nothing at this absolute path in the container."""
    if not path.startswith("/") or _covered(path, places):
        return False
    try:
        os.close(paths.open_in_root(root_fd, path, os.O_PATH))
    except FileNotFoundError:
        return True
    except (OSError, Invalid):
        return False
    return False


def _has_interpreter_of_its_own(program: str, head: bytes) -> bool:
    """Whether binfmt_misc has an entry that takes the file."""
    try:
        names = os.listdir(_BINFMT)
    except OSError:
        return False
    return any(_takes(f"{_BINFMT}/{name}", program, head) for name in names if name not in ("register", "status"))


def _takes(entry: str, program: str, head: bytes) -> bool:
    try:
        text = files.read(entry, 65536).decode("utf-8", "replace")
    except OSError:
        return False
    return entry_takes(text, program, head)


def entry_takes(text: str, program: str, head: bytes) -> bool:
    """Whether the binfmt_misc entry that reads `text` takes a file of this name and beginning."""
    lines = text.splitlines()
    fields = {key: value for key, _, value in (line.partition(" ") for line in lines)}
    if not lines or lines[0] != "enabled":
        return False
    if "extension" in fields:
        return program.endswith(fields["extension"])
    try:
        magic = bytes.fromhex(fields["magic"])
        mask = bytes.fromhex(fields["mask"]) if "mask" in fields else b"\xff" * len(magic)
        offset = int(fields.get("offset", "0"))
    except (KeyError, ValueError):
        return True
    part = head[offset : offset + len(magic)]
    return len(part) == len(magic) and all(b & m == g & m for b, m, g in zip(part, mask, magic, strict=True))

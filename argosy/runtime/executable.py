"""Why the kernel would refuse to execute a container's program, told before the container starts.

A runtime learns of it too late for a good message: "exec format error", or "no such file or directory" for a file that
is there.  Nothing is said here unless it is certain: what a mount other than a bind covers, what binfmt_misc takes, and
what cannot be read is left to the kernel.  execve(2), elf(5), binfmt_misc.rst of the kernel.
"""

from __future__ import annotations

import os
import stat
import struct

from argosy.errors import ArgosyError, Invalid, shown
from argosy.linux import files, paths, syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

_Problem = tuple[str, str, str, int]  # why, details, hint, exit status

_NOT_EXECUTABLE = 126
_NOT_FOUND = 127
_FORMAT = "exec format error"
_HEADER = 4096
_INTERPRETERS = 4  # so deep does the kernel follow one interpreter to the next
_MAX_LINKS = 40  # path_resolution(7)
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
    """The program is there, but cannot be executed."""


def check(root: str, process: Mapping[str, Any], mounts: Iterable[Mapping[str, Any]], machine: str) -> None:
    """Raise NotExecutable when the program of an OCI `process` object cannot be executed in the tree `root`.

    `mounts` are the OCI specification's, which may hide what `root` has; `machine` is uname(2)'s.
    """
    root_fd = paths.open_root(root)
    try:
        tree = _Tree(root_fd, os.path.realpath(root), mounts, machine)
        found = _locate(tree, process)
        problem = None if found is None else _problem(tree, found)
    finally:
        os.close(root_fd)
    if problem is not None:
        why, details, hint, status = problem
        text = f"cannot execute {shown(found or '/')[1:-1]}: {why}"
        raise NotExecutable(text, details=details, hint=hint, exit_code=status)


class _Tree:
    """A container's tree with its mounts, and what machine runs it."""

    def __init__(self, root_fd: int, root: str, mounts: Iterable[Mapping[str, Any]], machine: str) -> None:
        self.root_fd = root_fd
        self.machine = machine
        self._root = root
        # By the place: the directory or file of the host that is bound there, "" for any other mount.
        self._sources = {
            mount["destination"]: mount.get("source", "") if mount.get("type") == "bind" else "" for mount in mounts
        }

    def look_up(self, path: str) -> tuple[str, int]:
        """The place that `path` leads to, links followed, and its mode.  Raises OSError, Invalid."""
        fd, place = self._open(path)
        try:
            return place, os.fstat(fd).st_mode
        finally:
            os.close(fd)

    def head(self, path: str) -> bytes:
        """The beginning of the regular file at `path`.  Raises OSError, Invalid."""
        handle, _ = self._open(path)
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise Invalid("program", path, "it is no regular file")
            fd = os.open(f"/proc/self/fd/{handle}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        finally:
            os.close(handle)
        try:
            return os.read(fd, _HEADER)
        finally:
            os.close(fd)

    def _open(self, path: str) -> tuple[int, str]:
        """A descriptor (O_PATH) of what `path` leads to, and its place in the container."""
        mount = self._mount_of(path)
        if mount:
            return _open_bound(self._sources[mount], os.path.normpath(path)[len(mount) :].strip("/")), path
        fd = paths.open_in_root(self.root_fd, path, os.O_PATH)
        return fd, os.readlink(f"/proc/self/fd/{fd}").removeprefix(self._root) or "/"

    def covered(self, path: str) -> bool:
        """Whether a mount is at `path` or above it, so that what is there is not known.

        That is any but a bind, and a bind under another name where /bin and /lib are links into /usr.
        """
        mount = self._mount_of(path)
        if mount:
            return not self._sources[mount]
        plain = os.path.normpath(path)
        return bool(self._mount_of(f"/usr{plain}") or self._mount_of(plain.removeprefix("/usr")))

    def is_bound(self, path: str) -> bool:
        """Whether the file at `path` is one of the host's, and not of the image."""
        return bool(self._mount_of(path))

    def _mount_of(self, path: str) -> str:
        """The place of the mount in which `path` lies, the innermost of several; "" when it is none."""
        plain = f"{os.path.normpath(path)}/"
        found = ""
        for place in self._sources:
            if len(place) > len(found) and place != "/" and plain.startswith(f"{place.rstrip('/')}/"):
                found = place
        return found

    def is_missing(self, path: str) -> bool:
        """Whether there is certainly nothing at this absolute path in the container."""
        if not path.startswith("/") or self._mount_of(path) or self.covered(path):
            return False
        try:
            self.look_up(path)
        except FileNotFoundError:
            return not self._leads_to_mount(path)
        except (OSError, Invalid):
            return False
        return False

    def _leads_to_mount(self, path: str) -> bool:
        """Whether links on the way to `path` lead to a place where something is mounted."""
        place, todo, links = "", path.split("/"), 0
        while todo and links < _MAX_LINKS:
            name = todo.pop(0)
            if name in ("", "."):
                continue
            below = place.rpartition("/")[0] if name == ".." else f"{place}/{name}"
            target = self._link(below) if name != ".." else ""
            links += bool(target)
            todo[:0] = target.split("/")
            place = ("" if target.startswith("/") else place) if target else below
            if place and self._mount_of(place):
                return True
        return bool(todo)

    def _link(self, path: str) -> str:
        """Where the link at `path` points to; "" when there is none."""
        try:
            fd = paths.open_in_root(self.root_fd, path, os.O_PATH | os.O_NOFOLLOW)
        except (OSError, Invalid):
            return ""
        try:
            return os.readlink("", dir_fd=fd)
        except OSError:
            return ""
        finally:
            os.close(fd)


def _open_bound(source: str, path: str) -> int:
    """A descriptor (O_PATH) of what is at `path` in a directory of the host; links that leave it are an OSError."""
    fd = os.open(source, os.O_PATH | os.O_CLOEXEC)
    if not path:
        return fd
    try:
        return syscalls.openat2(fd, path, os.O_PATH, 0, syscalls.RESOLVE_BENEATH | syscalls.RESOLVE_NO_MAGICLINKS)
    finally:
        os.close(fd)


def _locate(tree: _Tree, process: Mapping[str, Any]) -> str | None:
    """The program's place in the container, links followed; None when it is not there, or a mount may cover it.

    On the PATH the first that may be executed counts; where there is none, the first that is there.
    """
    name = process["args"][0]
    if "/" in name:
        candidates = [os.path.join(process["cwd"], name)]
    else:
        value = next((entry[5:] for entry in process.get("env", ()) if entry.startswith("PATH=")), "")
        candidates = [f"{directory}/{name}" for directory in value.split(":") if directory.startswith("/")]
    blocked = None
    for candidate in candidates:
        if tree.covered(candidate):
            return None
        try:
            found, mode = tree.look_up(candidate)
        except (OSError, Invalid):
            continue
        if tree.covered(found):
            return None
        if stat.S_ISREG(mode) and mode & 0o111:
            return found
        blocked = blocked or found
    return blocked


def _problem(tree: _Tree, path: str, who: str = "", depth: int = 0) -> _Problem | None:
    """What is wrong with the file at `path`, which is the program, or `who` in place of it: "interpreter /bin/sh"."""
    if tree.covered(path):
        return None
    try:
        found, mode = tree.look_up(path)
        if not stat.S_ISREG(mode):
            return f"{_it(who)} is {paths.kind(mode)}", "", "name a program", _NOT_EXECUTABLE
        if not mode & 0o111:
            deed = f"make it executable ({'' if tree.is_bound(found) else 'RUN '}chmod +x {found})"
            why = f"{_it(who)} may not be executed: its mode is {stat.S_IMODE(mode):04o}"
            return why, "", _mend(tree, found, deed), _NOT_EXECUTABLE
        head = tree.head(found)
    except (OSError, Invalid):
        return None
    if head.startswith(b"#!"):
        return _script_problem(tree, found, head, who, depth)
    if head.startswith(b"\x7fELF"):
        return _elf_problem(tree, found, head, who)
    if _has_interpreter_of_its_own(found, head):
        return None
    what = "is empty" if not head else "is neither a program for Linux nor a script with a #! line"
    hint = "begin it with #!/bin/sh, or run it as an argument of its interpreter"
    return f"{_it(who)} {what}", _FORMAT, hint, _NOT_EXECUTABLE


def _mend(tree: _Tree, path: str, deed: str) -> str:
    """The hint to do something to the file at `path`: on the host where it is bound from there, else in the image."""
    return f"{deed} on the host" if tree.is_bound(path) else f"{deed} and build the image again"


def _it(who: str) -> str:
    return f"its {who}" if who else "it"


def _lacks(part: str, path: str, who: str) -> str:
    if who:
        return f"its {who} needs the {part} {shown(path)}, which is not in the image"
    return f"its {part} {shown(path)} is not in the image"


def _script_problem(tree: _Tree, path: str, head: bytes, who: str, depth: int) -> _Problem | None:
    line = head[2:_LINE].split(b"\n", 1)[0]
    words = line.strip(b" \t").split(None, 1) if b"\r" not in line else [line.strip(b" \t")]
    if not words:
        return None
    interpreter = os.fsdecode(words[0])
    if not tree.is_missing(interpreter):
        if depth == _INTERPRETERS or not interpreter.startswith("/"):
            return None
        return _problem(tree, interpreter, f"interpreter {shown(interpreter)}", depth + 1)
    if interpreter.endswith("\r"):
        line_of = f"the first line of its {who}" if who else "its first line"
        why = f"{line_of} ends in CR LF, so that its interpreter is {shown(interpreter)}"
        hint = _mend(tree, path, "write its lines with LF alone (dos2unix, or `sed -i 's/\\r$//'`)")
    else:
        why = _lacks("interpreter", interpreter, who)
        hint = "install the interpreter in the image, or correct the first line"
    return why, "", hint, _NOT_FOUND


def _elf_problem(tree: _Tree, path: str, head: bytes, who: str) -> _Problem | None:
    if len(head) < 64 or head[5] not in (1, 2):
        return None
    order = "<" if head[5] == 1 else ">"
    number = struct.unpack_from(f"{order}H", head, 18)[0]
    native = _NATIVE.get(tree.machine)
    if native is not None and number not in native:
        if _has_interpreter_of_its_own(path, head):
            return None
        built, here = _MACHINES.get(number, f"machine {number}"), _MACHINES[native[0]]
        hint = f"pull the image with --platform linux/{here}, or install qemu-user-static to emulate {built}"
        return f"{_it(who)} is built for {built}, and this host is {here}", _FORMAT, hint, _NOT_EXECUTABLE
    loader = _loader(head, order)
    if not loader or not tree.is_missing(loader):
        return None
    hint = "the program was built for another C library (glibc, musl): link it statically, or change the base image"
    return _lacks("dynamic loader", loader, who), "", hint, _NOT_FOUND


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

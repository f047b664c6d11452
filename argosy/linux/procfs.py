"""What /proc tells of processes that nobody has written down: their arguments, and who started whom."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_COMMAND_LINE = 1 << 16
_PF_EXITING = 0x4
_MAX_MOUNTS = 16 << 20
_ALWAYS_EMPTY = ("/proc/sys/fs/binfmt_misc", "/proc/fs/nfsd")


def parent(pid: int) -> int:
    """The pid of the process's parent, 0 when the process is gone or has none."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            return int(file.read(4096).rpartition(b")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def descendants(pid: int) -> list[int]:
    """The process's children, their children, and so on; only those of first threads."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", "rb", buffering=0) as file:
            children = [int(word) for word in file.read(_MAX_COMMAND_LINE).split()]
    except (FileNotFoundError, ProcessLookupError):
        return []
    return children + [below for child in children for below in descendants(child)]


def command_lines() -> Iterator[tuple[int, list[str]]]:
    """Pid and arguments of every other process that has some."""
    for text in os.listdir("/proc"):
        if not text.isdecimal() or int(text) == os.getpid():
            continue
        words = arguments(int(text))
        if words:
            yield int(text), words


def arguments(pid: int) -> list[str]:
    """The process's arguments; none when it is gone, a zombie, or not for us to see."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb", buffering=0) as file:
            data = file.read(_MAX_COMMAND_LINE)
    except OSError:
        return []
    return os.fsdecode(data).rstrip("\0").split("\0") if data else []


def is_exiting(pid: int) -> bool:
    """Whether the process has ended, or is in the middle of it: the first one of a pid namespace waits for the others.

    The flag PF_EXITING of field 9 in /proc/PID/stat, include/linux/sched.h.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return fields[0] in (b"Z", b"X") or bool(int(fields[6]) & _PF_EXITING)


def is_masked() -> bool:
    """Whether something is mounted over parts of our /proc.

    Then no other can be mounted in a user namespace below (`mount_too_revealing` in the kernel's fs/namespace.c);
    directories that are always empty do not count.
    """
    with open("/proc/self/mountinfo", "rb", buffering=0) as file:
        return covers_proc(file.read(_MAX_MOUNTS).decode(errors="replace"))


def covers_proc(mountinfo: str) -> bool:
    """The same, of the text of /proc/PID/mountinfo."""
    points = (line.split(" ", 5)[4] for line in mountinfo.splitlines() if " /proc/" in line)
    return any(point.startswith("/proc/") and point not in _ALWAYS_EMPTY for point in points)

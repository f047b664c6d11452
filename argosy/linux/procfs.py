"""What /proc tells of processes that nobody has written down: their arguments, and who started whom."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_COMMAND_LINE = 1 << 16
_PF_EXITING = 0x4
_MAX_MOUNTS = 16 << 20
# Where other file systems are mounted: sysfs_create_mount_point and proc_create_mount_point in the kernel.
_ALWAYS_EMPTY = (
    *("/proc/sys/fs/binfmt_misc", "/proc/fs/nfsd", "/sys/fs/cgroup", "/sys/fs/bpf", "/sys/fs/fuse/connections"),
    *("/sys/fs/pstore", "/sys/fs/selinux", "/sys/fs/smackfs", "/sys/kernel/config", "/sys/kernel/debug"),
    *("/sys/kernel/security", "/sys/kernel/tracing", "/sys/firmware/efi/efivars", "/sys/hypervisor"),
)


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


def covered() -> tuple[str, ...]:
    """Which of /proc and /sys are not wholly ours: a container around us has put mounts over parts of them.

    Then no other can be mounted in a user namespace below (`mount_too_revealing` in the kernel's fs/namespace.c).
    """
    from argosy.linux import files

    return covered_by(files.read("/proc/self/mountinfo", _MAX_MOUNTS).decode(errors="replace"))


def covered_by(mountinfo: str) -> tuple[str, ...]:
    """The same, of the text of /proc/PID/mountinfo.  Directories that are always empty in the kernel do not count."""
    found = {}
    for line in mountinfo.splitlines():
        if " /proc" not in line and " /sys" not in line:
            continue
        point, options = line.split(" ", 6)[4:6]
        for place in ("/proc", "/sys"):
            if point.startswith(f"{place}/") and not point.startswith(_ALWAYS_EMPTY):
                found[place] = True
        if point == "/sys" and "ro" in options.split(","):
            found[point] = True
    return tuple(found)

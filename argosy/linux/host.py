"""Facts about the host.  Each is a function: a command pays for what it asks.  `facts` gathers all for `info`."""

from __future__ import annotations

import os

from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.linux.cgroup import Cgroups

_PROGRAMS = (
    *("crun", "runc", "conmon", "pasta", "slirp4netns", "newuidmap", "newgidmap", "nft"),
    *("fuse-overlayfs", "catatonit"),
)


class HostFacts(Value):
    """What `argosy info` and `argosy doctor` tell about the host."""

    kernel: str
    machine: str
    hostname: str
    distribution: str
    version: str
    codename: str
    cpus: int
    memory_bytes: int
    memory_free_bytes: int
    swap_bytes: int
    swap_free_bytes: int
    uptime_s: float
    uid: int
    euid: int
    effective_capabilities: int
    bounding_capabilities: int
    cgroups: Cgroups
    has_overlay: bool
    user_namespaces: bool
    apparmor: bool
    selinux: bool
    seccomp: bool
    programs: dict[str, str]


def effective_capabilities() -> int:
    """Our effective capabilities as a bit mask."""
    return _capabilities(b"\nCapEff:")


def bounding_capabilities() -> int:
    """The most that a program started by us can ever have, as a bit mask."""
    return _capabilities(b"\nCapBnd:")


def _capabilities(field: bytes) -> int:
    text = _read("/proc/self/status")
    start = text.index(field) + len(field)
    return int(text[start : text.index(b"\n", start)], 16)


def has_filesystem(name: str) -> bool:
    """Whether the kernel knows the file system now; one in a module that is not loaded yet does not count."""
    return any(line.split()[-1:] == [name.encode()] for line in _read("/proc/filesystems").splitlines())


def user_namespaces() -> bool:
    """Whether the sysctls let somebody without privileges make a user namespace."""
    allowed = _read("/proc/sys/kernel/unprivileged_userns_clone").strip() != b"0"
    limit = _read("/proc/sys/user/max_user_namespaces").strip()
    return allowed and limit not in (b"", b"0")


def apparmor() -> bool:
    """Whether AppArmor is enabled."""
    return _read("/sys/module/apparmor/parameters/enabled").strip() == b"Y"


def selinux() -> bool:
    """Whether SELinux is enabled, enforcing or not."""
    return os.path.exists("/sys/fs/selinux/enforce")


def filtered() -> bool:
    """Whether a seccomp filter is on this process."""
    return b"\nSeccomp:\t2" in _read("/proc/self/status")


def seccomp() -> bool:
    """Whether the kernel has seccomp filters."""
    return b"\nSeccomp:" in _read("/proc/self/status")


def release() -> dict[str, str]:
    """The fields of os-release(5)."""
    text = (_read("/etc/os-release") or _read("/usr/lib/os-release")).decode(errors="replace")
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {key.strip(): value.strip().strip("\"'") for key, _, value in pairs}


def memory() -> dict[str, int]:
    """/proc/meminfo, in bytes."""
    fields = (line.split() for line in _read("/proc/meminfo").decode().splitlines())
    return {words[0].rstrip(":"): int(words[1]) * 1024 for words in fields if len(words) == 3}


def cpu_shares() -> tuple[float, float, float]:
    """Which share of its time since it started the machine spent for users, in the kernel, and idle; in percent."""
    words = _read("/proc/stat").split(b"\n", 1)[0].split()
    user, system, idle = (int(words[at]) if at < len(words) else 0 for at in (1, 3, 4))
    total = user + system + idle or 1
    return round(100 * user / total, 2), round(100 * system / total, 2), round(100 * idle / total, 2)


def package(path: str) -> str:
    """The package that a program came in, as NAME_VERSION_ARCHITECTURE or rpm's name; "Unknown" where nobody knows."""
    from argosy.errors import ArgosyError
    from argosy.linux import process

    def said(*words: str) -> str:
        try:
            return process.run(words, timeout_s=10).stdout.decode(errors="replace").strip()
        except ArgosyError:
            return ""

    if process.find_program("dpkg-query"):
        name = said("dpkg-query", "--search", path).partition(":")[0]
        shown = "${Package}_${Version}_${Architecture}"
        return (name and said("dpkg-query", "--showformat", shown, "--show", name)) or "Unknown"
    return (process.find_program("rpm") and said("rpm", "--query", "--file", path)) or "Unknown"


def programs() -> dict[str, str]:
    """The programs that Argosy works with, and where they are; "" for those that are missing."""
    from argosy.linux import process

    return {name: process.find_program(name) or "" for name in _PROGRAMS}


def facts(*, rootless: bool = False, uid: int = 0) -> HostFacts:
    """All of them, now; `uid` is the user's outside of any namespace of Argosy's."""
    from argosy.linux import cgroup

    names, size, distribution = os.uname(), memory(), release()
    return HostFacts(
        kernel=names.release,
        machine=names.machine,
        hostname=names.nodename,
        distribution=distribution.get("ID", ""),
        version=distribution.get("VERSION_ID", ""),
        codename=distribution.get("VERSION_CODENAME", ""),
        cpus=len(os.sched_getaffinity(0)),
        memory_bytes=size.get("MemTotal", 0),
        memory_free_bytes=size.get("MemFree", 0),
        swap_bytes=size.get("SwapTotal", 0),
        swap_free_bytes=size.get("SwapFree", 0),
        uptime_s=float(_read("/proc/uptime").split()[0]),
        uid=os.getuid(),
        euid=os.geteuid(),
        effective_capabilities=effective_capabilities(),
        bounding_capabilities=bounding_capabilities(),
        cgroups=cgroup.detect(rootless=rootless, uid=uid),
        has_overlay=has_filesystem("overlay"),
        user_namespaces=user_namespaces(),
        apparmor=apparmor(),
        selinux=selinux(),
        seccomp=seccomp(),
        programs=programs(),
    )


def _read(path: str) -> bytes:
    """The file's content, empty when there is no such file or it is not for us."""
    from argosy.linux import files

    try:
        return files.read(path)
    except OSError:
        return b""

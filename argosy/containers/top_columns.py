"""The columns of `top`: podman-top(1)'s descriptors, which are those of ps(1) for AIX and more."""

from __future__ import annotations

import os
import time

from argosy import durations
from argosy.containers.top import Process, by_id, link, read
from argosy.errors import ArgosyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def to_inside(pid: int, kind: str, seen: int) -> int:
    """A "uid" or "gid" of the process as the container sees it (/proc shows it as we see it)."""
    try:
        lines = read(f"/proc/{pid}/{kind}_map").splitlines()
    except OSError:
        return seen
    for line in lines:
        inside, outside, size = map(int, line.split())
        if outside <= seen < outside + size:
            return inside + seen - outside
    return seen


def _user(process: Process, which: int = 1) -> str:
    uid = to_inside(process.pid, "uid", int(process.status["Uid"].split()[which]))
    return process.passwd.get(uid, str(uid))


def _group_name(process: Process, which: int = 1) -> str:
    gid = to_inside(process.pid, "gid", int(process.status["Gid"].split()[which]))
    return process.group.get(gid, str(gid))


def _inside_pid(process: Process, key: str = "NSpid") -> str:
    return process.status.get(key, str(process.pid)).split()[-1]


def _inside_parent(process: Process) -> str:
    """The parent's pid inside: 0 for the first process, whose parent is outside."""
    parent = int(process.fields[1])
    if parent == 0 or link(f"/proc/{parent}/ns/pid") != link(f"/proc/{process.pid}/ns/pid"):
        return "0"
    try:
        lines = read(f"/proc/{parent}/status").splitlines()
    except OSError:
        return "0"
    return next((line.split()[-1] for line in lines if line.startswith("NSpid:")), str(parent))


def _tty(process: Process) -> str:
    number = int(process.fields[4])
    if not number:
        return "?"
    major, minor = os.major(number), os.minor(number)
    return f"pts/{(major - 136) * 256 + minor}" if 136 <= major <= 143 else f"{major}:{minor}"


def _cpu_percent(process: Process) -> str:
    elapsed_s = process.elapsed_s()
    return f"{100 * process.seconds_on_cpu() / elapsed_s if elapsed_s else 0:.3f}"


def _started(process: Process) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S %z %Z", time.localtime(time.time() - process.elapsed_s()))


def _host_name(process: Process, key: str, which: int) -> str:
    """Whom the kernel takes the process for on the host: the name, or the number of who has none."""
    kind, file = ("uid", "/etc/passwd") if key == "Uid" else ("gid", "/etc/group")
    return _name_on_host(kind, file, int(process.status[key].split()[which]))


def _name_on_host(kind: str, file: str, seen: int) -> str:
    for line in read(f"/proc/self/{kind}_map").splitlines():
        inside, outside, size = map(int, line.split())
        if inside <= seen < inside + size:
            number = outside + seen - inside
            try:
                return by_id(read(file).encode()).get(number, str(number))
            except OSError:
                return str(number)
    return str(seen)


def _groups(process: Process) -> str:
    gids = (to_inside(process.pid, "gid", int(text)) for text in process.status.get("Groups", "").split())
    return ",".join(process.group.get(gid, str(gid)) for gid in gids)


def _groups_on_host(process: Process) -> str:
    seen = process.status.get("Groups", "").split()
    return ",".join(_name_on_host("gid", "/etc/group", int(text)) for text in seen)


def _capabilities(process: Process, key: str) -> str:
    from argosy.oci.runtimespec import capability_names

    mask = int(process.status.get(key, "0"), 16)
    if not mask:
        return "none"
    if mask == (1 << int(read("/proc/sys/kernel/cap_last_cap")) + 1) - 1:
        return "full"
    return ",".join(sorted(name.removeprefix("CAP_") for name in capability_names(mask)))


def _label(process: Process) -> str:
    try:
        return read(f"/proc/{process.pid}/attr/current").strip("\0\n") or "?"
    except OSError:
        return "?"  # no security module


_COLUMNS: dict[str, tuple[str, str, Callable[[Process], str]]] = {
    "args": ("%a", "COMMAND", lambda process: process.args),
    "comm": ("%c", "COMMAND", lambda process: process.comm),
    "etime": ("%t", "ELAPSED", lambda process: durations.text(process.elapsed_s())),
    "group": ("%G", "GROUP", _group_name),
    "hpid": ("", "HPID", lambda process: str(process.pid)),
    "huser": ("", "HUSER", lambda process: _host_name(process, "Uid", 1)),
    "hgroup": ("", "HGROUP", lambda process: _host_name(process, "Gid", 1)),
    "hgroups": ("", "HGROUPS", _groups_on_host),
    "groups": ("", "GROUPS", _groups),
    "rgroup": ("%g", "RGROUP", lambda process: _group_name(process, 0)),
    "ruser": ("%u", "RUSER", lambda process: _user(process, 0)),
    "capamb": ("", "AMBIENT CAPS", lambda process: _capabilities(process, "CapAmb")),
    "capbnd": ("", "BOUNDING CAPS", lambda process: _capabilities(process, "CapBnd")),
    "capeff": ("", "EFFECTIVE CAPS", lambda process: _capabilities(process, "CapEff")),
    "capinh": ("", "INHERITED CAPS", lambda process: _capabilities(process, "CapInh")),
    "capprm": ("", "PERMITTED CAPS", lambda process: _capabilities(process, "CapPrm")),
    "label": ("", "LABEL", _label),
    "nice": ("%n", "NI", lambda process: process.fields[16]),
    "pcpu": ("%C", "%CPU", _cpu_percent),
    "pgid": ("%r", "PGID", lambda process: _inside_pid(process, "NSpgid")),
    "pid": ("%p", "PID", _inside_pid),
    "ppid": ("%P", "PPID", _inside_parent),
    "rss": ("", "RSS", lambda process: process.status.get("VmRSS", "0 kB").split()[0]),
    "seccomp": ("", "SECCOMP", lambda p: {"0": "disabled", "1": "strict", "2": "filter"}.get(p.status["Seccomp"], "?")),
    "state": ("", "STATE", lambda process: process.fields[0]),
    "stime": ("", "STIME", _started),
    "time": ("%x", "TIME", lambda process: durations.text(process.seconds_on_cpu())),
    "tty": ("%y", "TTY", _tty),
    "user": ("%U", "USER", _user),
    "vsz": ("%z", "VSZ", lambda process: process.status.get("VmSize", "0 kB").split()[0]),
}


class UnknownDescriptor(ArgosyError):
    """No descriptor of ours: it may be one of the `ps` in the container."""

    def __init__(self, name: str) -> None:
        super().__init__(f"'{name}': unknown descriptor", hint=f"known descriptors: {', '.join(_COLUMNS)}")


def descriptors() -> tuple[str, ...]:
    """The names of all descriptors."""
    return tuple(_COLUMNS)


def column(name: str) -> tuple[str, Callable[[Process], str]]:
    """Heading and text of the column that a descriptor names.  Raises UnknownDescriptor."""
    for known, (code, heading, show) in _COLUMNS.items():
        if name in (known, code):
            return heading, show
    raise UnknownDescriptor(name)

"""The processes of a container, read from /proc on the host's side: nothing is run in the container.

The descriptors are those of podman-top(1) that can be read without entering the container.
"""

from __future__ import annotations

import os
import time

from argosy.containers import state
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from argosy.containers.site import Site

DEFAULT = ("user", "pid", "ppid", "pcpu", "etime", "tty", "time", "args")
_STATUS_LIMIT = 1 << 16


class Process(Value):
    """One process: `fields` are those of /proc/PID/stat from the state on (proc(5), field 3), `status` of status."""

    pid: int
    comm: str
    fields: tuple[str, ...]
    status: Mapping[str, str]
    args: str
    passwd: Mapping[int, str]
    group: Mapping[int, str]
    ticks_per_s: int
    uptime_s: float

    def seconds_on_cpu(self) -> float:
        return (int(self.fields[11]) + int(self.fields[12])) / self.ticks_per_s

    def elapsed_s(self) -> float:
        return max(0.0, self.uptime_s - int(self.fields[19]) / self.ticks_per_s)


class Table(Value):
    """Headings and rows of what was asked for."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def top(site: Site, container_id: str, descriptors: tuple[str, ...] = DEFAULT) -> Table:
    """The container's processes, first one first.  Raises ArgosyError when it does not run, or for no descriptor."""
    columns = [_column(name) for name in descriptors or DEFAULT]
    run = state.derive(site, container_id)
    if not run.pid:
        raise ArgosyError("top can only be used on running containers")
    processes = list(_read_all(run.pid))
    return Table(
        tuple(heading for heading, _ in columns),
        tuple(tuple(show(process) for _, show in columns) for process in processes),
    )


def pids(first: int) -> list[int]:
    """The host pids of all processes in the pid namespace of process `first`, or, where that is shared with the host,
    of `first` and its descendants."""
    namespace = _link(f"/proc/{first}/ns/pid")
    found = sorted(int(name) for name in os.listdir("/proc") if name.isdigit())
    if namespace and namespace != _link("/proc/self/ns/pid"):
        return [pid for pid in found if _link(f"/proc/{pid}/ns/pid") == namespace]
    family = {first}
    parents = {pid: _parent(pid) for pid in found}
    grew = True
    while grew:
        more = {pid for pid, parent in parents.items() if parent in family} - family
        family |= more
        grew = bool(more)
    return sorted(family)


def _read_all(first: int) -> Iterable[Process]:
    passwd, group = _names(first)
    ticks = os.sysconf("SC_CLK_TCK")
    with open("/proc/uptime") as file:
        uptime_s = float(file.read().split()[0])
    for pid in pids(first):
        try:
            stat = _read(f"/proc/{pid}/stat")
            status = dict(line.split(":\t", 1) for line in _read(f"/proc/{pid}/status").splitlines() if ":\t" in line)
            args = _read(f"/proc/{pid}/cmdline").rstrip("\0").replace("\0", " ")
        except (FileNotFoundError, ProcessLookupError):
            continue
        comm = stat[stat.index("(") + 1 : stat.rindex(")")]
        fields = tuple(stat[stat.rindex(")") + 1 :].split())
        yield Process(pid, comm, fields, status, args or f"[{comm}]", passwd, group, ticks, uptime_s)


def _names(first: int) -> tuple[dict[int, str], dict[int, str]]:
    """Names by uid and by gid from the container's account files, as far as they can be read and parsed."""
    from argosy.containers import accounts

    try:
        passwd, group = accounts.read(f"/proc/{first}/root")
    except (ArgosyError, OSError):
        return {}, {}
    return _by_id(passwd), _by_id(group)


def _by_id(text: bytes) -> dict[int, str]:
    names: dict[int, str] = {}
    for line in text.decode(errors="replace").splitlines():
        parts = line.split(":")
        if len(parts) > 2 and parts[2].isdecimal():
            names.setdefault(int(parts[2]), parts[0])
    return names


def _read(path: str) -> str:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(fd, _STATUS_LIMIT).decode(errors="replace")
    finally:
        os.close(fd)


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def _parent(pid: int) -> int:
    try:
        return int(_read(f"/proc/{pid}/stat").rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return 0


def _inside_id(process: Process, key: str, which: int) -> int:
    """A uid or gid of the process as the container sees it (/proc shows it as we see it)."""
    seen = int(process.status[key].split()[which])
    kind = "uid" if key == "Uid" else "gid"
    try:
        lines = _read(f"/proc/{process.pid}/{kind}_map").splitlines()
    except OSError:
        return seen
    for line in lines:
        inside, outside, size = map(int, line.split())
        if outside <= seen < outside + size:
            return inside + seen - outside
    return seen


def _user(process: Process) -> str:
    uid = _inside_id(process, "Uid", 1)
    return process.passwd.get(uid, str(uid))


def _group_name(process: Process) -> str:
    gid = _inside_id(process, "Gid", 1)
    return process.group.get(gid, str(gid))


def _inside_pid(process: Process, key: str = "NSpid") -> str:
    return process.status.get(key, str(process.pid)).split()[-1]


def _inside_parent(process: Process) -> str:
    """The parent's pid inside: 0 for the first process, whose parent is outside."""
    parent = int(process.fields[1])
    if parent == 0 or _link(f"/proc/{parent}/ns/pid") != _link(f"/proc/{process.pid}/ns/pid"):
        return "0"
    try:
        lines = _read(f"/proc/{parent}/status").splitlines()
    except OSError:
        return "0"
    return next((line.split()[-1] for line in lines if line.startswith("NSpid:")), str(parent))


def _tty(process: Process) -> str:
    number = int(process.fields[4])
    if not number:
        return "?"
    major, minor = os.major(number), os.minor(number)
    return f"pts/{(major - 136) * 256 + minor}" if 136 <= major <= 143 else f"{major}:{minor}"


def _go_duration(seconds: float) -> str:
    """Seconds as Go prints a duration: 1h2m3.5s."""
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    text = f"{rest:.9f}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{int(hours)}h{int(minutes)}m{text}"
    return f"{int(minutes)}m{text}" if minutes else text


def _cpu_percent(process: Process) -> str:
    elapsed_s = process.elapsed_s()
    return f"{100 * process.seconds_on_cpu() / elapsed_s if elapsed_s else 0:.3f}"


def _started(process: Process) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(time.time() - process.elapsed_s()))


_COLUMNS: dict[str, tuple[str, str, Callable[[Process], str]]] = {
    "args": ("%a", "COMMAND", lambda process: process.args),
    "comm": ("%c", "COMMAND", lambda process: process.comm),
    "etime": ("%t", "ELAPSED", lambda process: _go_duration(process.elapsed_s())),
    "group": ("%g", "GROUP", _group_name),
    "hpid": ("", "HPID", lambda process: str(process.pid)),
    "huser": ("", "HUSER", lambda process: process.status["Uid"].split()[1]),
    "hgroup": ("", "HGROUP", lambda process: process.status["Gid"].split()[1]),
    "nice": ("%n", "NI", lambda process: process.fields[16]),
    "pcpu": ("%C", "%CPU", _cpu_percent),
    "pgid": ("%r", "PGID", lambda process: _inside_pid(process, "NSpgid")),
    "pid": ("%p", "PID", _inside_pid),
    "ppid": ("%P", "PPID", _inside_parent),
    "rss": ("", "RSS", lambda process: process.status.get("VmRSS", "0 kB").split()[0]),
    "seccomp": ("", "SECCOMP", lambda p: {"0": "disabled", "1": "strict", "2": "filter"}.get(p.status["Seccomp"], "?")),
    "state": ("", "STATE", lambda process: process.fields[0]),
    "stime": ("", "STIME", _started),
    "time": ("%x", "TIME", lambda process: _go_duration(process.seconds_on_cpu())),
    "tty": ("%y", "TTY", _tty),
    "user": ("%u", "USER", _user),
    "vsz": ("%z", "VSZ", lambda process: process.status.get("VmSize", "0 kB").split()[0]),
}


def descriptors() -> tuple[str, ...]:
    """The names of all descriptors."""
    return tuple(_COLUMNS)


def _column(name: str) -> tuple[str, Callable[[Process], str]]:
    for known, (code, heading, show) in _COLUMNS.items():
        if name in (known, code):
            return heading, show
    raise ArgosyError(f"'{name}': unknown descriptor", hint=f"known descriptors: {', '.join(_COLUMNS)}")

"""The processes of a container, read from /proc on the host's side: nothing is run in the container."""

from __future__ import annotations

import os

from argosy.containers import state
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from argosy.containers.site import Site

DEFAULT = ("user", "pid", "ppid", "pcpu", "etime", "tty", "time", "args")
_STATUS_LIMIT = 1 << 16
_OUTPUT_LIMIT = 16 << 20


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
    from argosy.containers import top_columns

    columns = [top_columns.column(name) for name in descriptors or DEFAULT]
    run = state.derive(site, container_id)
    if not run.pid:
        raise ArgosyError("top can only be used on running containers")
    processes = list(_read_all(run.pid))
    return Table(
        tuple(heading for heading, _ in columns),
        tuple(tuple(show(process) for _, show in columns) for process in processes),
    )


def by_ps(site: Site, container_id: str, words: tuple[str, ...]) -> list[str]:
    """What `ps` in the container prints with these arguments, less the line about itself.

    Raises ArgosyError when it cannot be run, or fails.
    """
    from argosy.containers import exec as execs

    outputs = [os.memfd_create("ps", os.MFD_CLOEXEC) for _ in range(2)]
    try:
        options = execs.ExecOptions(("ps", *words), stdout=outputs[0], stderr=outputs[1])
        status = execs.execute(site, container_id, options)
        out, err = (os.pread(fd, _OUTPUT_LIMIT, 0).decode(errors="replace") for fd in outputs)
    except ArgosyError as error:
        error.brief = f"executing ps(1) in the container: {error.brief}"
        raise
    finally:
        for fd in outputs:
            os.close(fd)
    if status:
        raise ArgosyError(f"executing ps(1) in the container: exit status {status}", details=err.strip())
    itself = " ".join(("ps", *words))
    return [line for line in out.splitlines() if itself not in line]


def pids(first: int) -> list[int]:
    """The host pids of all processes in the pid namespace of process `first`, or, where that is shared with the host,
    of `first` and its descendants."""
    namespace = link(f"/proc/{first}/ns/pid")
    found = sorted(int(name) for name in os.listdir("/proc") if name.isdigit())
    if namespace and namespace != link("/proc/self/ns/pid"):
        return [pid for pid in found if link(f"/proc/{pid}/ns/pid") == namespace]
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
            stat = read(f"/proc/{pid}/stat")
            status = dict(line.split(":\t", 1) for line in read(f"/proc/{pid}/status").splitlines() if ":\t" in line)
            args = read(f"/proc/{pid}/cmdline").rstrip("\0").replace("\0", " ")
        except (FileNotFoundError, ProcessLookupError):
            continue
        comm = stat[stat.index("(") + 1 : stat.rindex(")")]
        fields = tuple(stat[stat.rindex(")") + 1 :].split())
        yield Process(pid, comm, fields, status, args or f"[{comm}]", passwd, group, ticks, uptime_s)


def _names(first: int) -> tuple[dict[int, str], dict[int, str]]:
    """Names by uid and by gid from the container's account files, as far as they can be read and parsed."""
    from argosy.containers import accounts

    try:
        found = accounts.read(f"/proc/{first}/root")
    except (ArgosyError, OSError):
        return {}, {}
    return by_id(found.passwd or b""), by_id(found.group or b"")


def by_id(text: bytes) -> dict[int, str]:
    """The names in an account file, passwd or group, by their number."""
    names: dict[int, str] = {}
    for line in text.decode(errors="replace").splitlines():
        parts = line.split(":")
        if len(parts) > 2 and parts[2].isdecimal():
            names.setdefault(int(parts[2]), parts[0])
    return names


def read(path: str) -> str:
    """The text of a small file, such as /proc has them."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(fd, _STATUS_LIMIT).decode(errors="replace")
    finally:
        os.close(fd)


def link(path: str) -> str:
    """What a symbolic link says; "" where there is none, or we may not ask."""
    try:
        return os.readlink(path)
    except OSError:
        return ""


def _parent(pid: int) -> int:
    try:
        return int(read(f"/proc/{pid}/stat").rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return 0

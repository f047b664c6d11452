"""What containers use of the processor, of memory, of the network and of block devices."""

from __future__ import annotations

import time

from argosy.containers import groups as cgroups
from argosy.containers import prepare, state
from argosy.errors import Unsupported
from argosy.linux import cgroup, cgroupusage, files
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.containers.site import Site
    from argosy.containers.state import ContainerView
    from argosy.linux.cgroup import Cgroups
    from argosy.linux.cgroupusage import Usage

_COUNTING = frozenset(("cpu", "cpuacct", "memory", "blkio", "pids"))  # the controllers of version 1 that count


class Sample(Value):
    """One look at a container.  `moment_ns` is when, `cpu` the percentage of one processor since the look before."""

    id: str
    name: str
    moment_ns: int
    started_ns: int = 0
    usage: Usage = cgroupusage.Usage()
    cpu: float = 0.0
    average_cpu: float = 0.0
    memory_limit: int = 0
    net_input: int = 0
    net_output: int = 0

    @property
    def memory_percent(self) -> float:
        return self.usage.memory * 100 / self.memory_limit if self.memory_limit else 0.0


class Sampler:
    """Looks at containers again and again.  Raises Unsupported where nothing counts what they use."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._groups: Cgroups = cgroups.detect(site)
        self._memory = _memory_of_host()
        self._before: dict[str, tuple[int, int]] = {}
        if site.namespace.rootless and self._groups.mode != "v2":
            raise Unsupported(
                "stats is not supported in rootless mode without cgroups v2",
                hint="control groups of version 2, delegated to the user, are needed: see `argosy doctor cgroups`",
            )

    def sample(self, view: ContainerView) -> Sample:
        """What the container uses now; nothing where it does not run."""
        now = time.time_ns()
        if view.run.status not in state.ACTIVE:
            return Sample(view.id, view.name, now)
        usage = self._usage(view.id)
        started = int(view.run.started_at * 1e9)
        cpu_before, moment_before = self._before.get(view.id, (0, started))
        self._before[view.id] = usage.cpu_ns, now
        received, sent = _network(view.run.pid)
        return Sample(
            view.id,
            view.name,
            now,
            started,
            usage,
            cpu=_percent(usage.cpu_ns - cpu_before, now - moment_before),
            average_cpu=_percent(usage.cpu_ns, now - started),
            memory_limit=min(usage.memory_limit, self._memory),
            net_input=received if _own_network(view) else 0,
            net_output=sent if _own_network(view) else 0,
        )

    def _usage(self, container_id: str) -> Usage:
        plan = prepare.read_plan(self._site.run_directory(container_id))
        if plan is None or not plan.cgroups_path:
            return cgroupusage.Usage()
        places = zip(self._groups.hierarchies, cgroup.directories(self._groups, plan.cgroups_path), strict=True)
        return cgroupusage.read(
            directory
            for hierarchy, directory in places
            if hierarchy.version == 2 or not _COUNTING.isdisjoint(hierarchy.controllers)
        )


def _own_network(view: ContainerView) -> bool:
    """Whether what its network namespace counts is the container's own traffic."""
    mode = view.options.get("network") or {}
    return mode.get("kind") != "host"


def _percent(part_ns: int, whole_ns: int) -> float:
    return max(part_ns, 0) * 100 / whole_ns if whole_ns > 0 else 0.0


def _network(pid: int) -> tuple[int, int]:
    """What the process's network namespace has received and sent, but on its loopback device."""
    received = sent = 0
    try:
        table = files.read(f"/proc/{pid}/net/dev")
    except OSError:
        return 0, 0
    for line in table.splitlines():
        name, colon, counters = line.partition(b":")
        if colon and name.strip() != b"lo":
            fields = counters.split()
            received, sent = received + int(fields[0]), sent + int(fields[8])
    return received, sent


def _memory_of_host() -> int:
    with open("/proc/meminfo", encoding="ascii") as file:
        for line in file:
            if line.startswith("MemTotal:"):
                return int(line.split()[1]) * 1024
    return 0

"""What the control groups of this host can limit, and which devices the limits name."""

from __future__ import annotations

import os

from argosy.errors import ArgosyError, Unsupported
from argosy.linux import cgroup
from argosy.spec.options import BadOption

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.linux.cgroup import Cgroups
    from argosy.spec.options import ContainerOptions

_CONTROLLERS = ("memory", "cpu", "cpuset", "pids", "blkio")
# What some kernels lack: the controller, and the files that show it in cgroup v1 and in v2 (none: it is not there).
_PARTS = {
    "swap": ("memory", ("memory.memsw.limit_in_bytes",), ("memory.swap.max",)),
    "swappiness": ("memory", ("memory.swappiness",), ()),
    "oom": ("memory", ("memory.oom_control",), ()),
    "rt": ("cpu", ("cpu.rt_runtime_us",), ()),
    "blkio-weight": ("blkio", ("blkio.weight", "blkio.bfq.weight"), ("io.weight", "io.bfq.weight")),
}
_WORDS = {
    "swap": "counts swap",
    "swappiness": "takes a swappiness",
    "oom": "can go without killing",
    "rt": "shares out real time",
    "blkio-weight": "knows weights",
}


def unlimited(groups: Cgroups, options: ContainerOptions, *, rootless: bool, crun: bool) -> dict[str, str]:
    """What cannot be limited here, in the words of `spec.resources`, and why.

    In version 1 crun does not know the weights of the BFQ scheduler, the only ones that newer kernels have.
    """
    if options.cgroups == "disabled":
        why = "with --cgroups=disabled the container has no control group"
        return dict.fromkeys((*_CONTROLLERS, *_PARTS, "devices", "unified"), why)
    found = {name: why for name in _CONTROLLERS if (why := cgroup.can_limit(groups, name))}
    for name, (controller, files_v1, files_v2) in _PARTS.items():
        files_v1 = files_v1[:1] if crun else files_v1
        if controller not in found and not _has(groups, controller, files_v1, files_v2):
            found[name] = f"no {controller} controller of this host {_WORDS[name]}"
    if rootless:
        found["devices"] = "device rules are for root: a rootless container gets the devices of --device alone"
    if groups.mode != "v2":
        found["unified"] = "this host's control groups are not of version 2"
    return found


def _has(groups: Cgroups, controller: str, files_v1: tuple[str, ...], files_v2: tuple[str, ...]) -> bool:
    """Whether a group has one of the files.  The topmost one lacks some; where that is all we see, the runtime will
    tell."""
    for hierarchy in groups.hierarchies:
        names = files_v1 if hierarchy.version == 1 else files_v2
        if controller not in hierarchy.controllers and not (controller == "blkio" and "io" in hierarchy.controllers):
            continue
        if not names:
            return False
        places = [hierarchy.own, hierarchy.path]
        below = _first_below(hierarchy.path, next(iter(names)).partition(".")[0])
        if any(os.path.exists(f"{place}/{name}") for place in (*places, below) for name in names):
            return True
        if not below and hierarchy.own == hierarchy.path:
            return True
    return False


def _first_below(path: str, prefix: str) -> str:
    """A group below the topmost one in which the controller is switched on; "" where there is none."""
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False) and any(n.startswith(prefix) for n in os.listdir(entry.path)):
                return entry.path
    return ""


def block_devices(options: ContainerOptions) -> dict[str, tuple[int, int]]:
    """The numbers of the devices that weights and rates name.  Raises BadOption when one is not there."""
    found = {}
    for path in (item.path for item in options.blkio_weight_devices):
        try:
            found[path] = _numbers(path)
        except OSError as error:
            why = str(error.strerror).lower()
            raise BadOption(f"failed to inspect '{path}' in --blkio-weight-device: {why}") from error
    for path in (item.path for item in options.device_rates):
        try:
            found[path] = _numbers(path)
        except OSError as error:
            raise BadOption(f"could not parse throttle device at {path}: {str(error.strerror).lower()}") from error
    return found


def _numbers(path: str) -> tuple[int, int]:
    device = os.stat(path).st_rdev
    return os.major(device), os.minor(device)


def check_cpusets(groups: Cgroups, options: ContainerOptions) -> None:
    """Raise BadOption for CPUs or memory nodes that this host does not have."""
    from argosy.spec import parselimits

    for what, asked, said in (("cpus", options.cpuset_cpus, "CPUs"), ("mems", options.cpuset_mems, "memory nodes")):
        if not asked:
            continue
        available = _available(groups, what)
        if available and not parselimits.cpuset(asked) <= parselimits.cpuset(available):
            raise BadOption(f"requested {said} are not available - requested {asked}, available: {available}")


def _available(groups: Cgroups, what: str) -> str:
    for hierarchy in groups.hierarchies:
        for name in (f"cpuset.effective_{what}", f"cpuset.{what}.effective", f"cpuset.{what}"):
            try:
                with open(f"{hierarchy.path}/{name}", encoding="ascii") as file:
                    return file.read().strip()
            except OSError:
                continue
    return ""


def check_parent(options: ContainerOptions, manager: str) -> None:
    """Raise BadOption where --cgroup-parent is not of the kind that the manager of control groups takes."""
    parent = options.cgroup_parent
    if not parent:
        return
    if manager == "systemd" and not parent.endswith(".slice"):
        raise BadOption(
            "did not receive systemd slice as cgroup parent when using systemd to manage cgroups: invalid argument",
            hint="name a slice, as in --cgroup-parent machine.slice",
        )
    if manager == "cgroupfs" and os.path.basename(parent).endswith(".slice"):
        raise BadOption(
            "systemd slice received as cgroup parent when using cgroupfs: invalid argument",
            hint="name a path, or use --cgroup-manager systemd",
        )
    if manager == "none":
        raise Unsupported(
            f"cannot use the control group {parent}: there are none to use here", hint="see `argosy doctor cgroups`"
        )


def check_oom_score(score: int | None, *, privileged: bool) -> None:
    """Raise BadOption for a score below our own, which only CAP_SYS_RESOURCE may give (proc(5))."""
    if score is None or privileged:
        return
    with open("/proc/self/oom_score_adj", encoding="ascii") as file:
        own = int(file.read())
    if score < own:
        raise ArgosyError(
            f"cannot set --oom-score-adj to {score}: only root may go below this process's own, which is {own}",
            hint=f"--oom-score-adj {own} or more",
        )

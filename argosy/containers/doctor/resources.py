"""Checks of what can be limited, and of what is running short."""

from __future__ import annotations

from argosy.containers.doctor.advice import BAD, GOOD, LESS, Advice
from argosy.linux import cgroup

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from argosy.containers.doctor.facts import Facts

_LIMITS = ("memory", "cpu", "pids")
_DELEGATE = (
    "as root: mkdir -p /etc/systemd/system/user@.service.d && "
    "printf '[Service]\\nDelegate=cpu cpuset io memory pids\\n' "
    "> /etc/systemd/system/user@.service.d/delegate.conf && systemctl daemon-reload, then log in again"
)
_LOG_IN = "log in through systemd (machinectl shell, ssh; not su), or as root: loginctl enable-linger {user}"
_FEW_FILES = 1024
_LITTLE_BYTES, _NO_BYTES = 2 << 30, 64 << 20
_FEW_INODES, _NO_INODES = 50_000, 1_000


def cgroups(facts: Facts) -> Iterator[Advice]:
    """Which limits can hold: the version of control groups, and what of them is ours."""
    groups = facts.cgroups
    if facts.manager == "systemd" != groups.manager:
        why = groups.why_none or "no systemd answers"
        cost = "no container can be started with the cgroup manager systemd"
        yield Advice("cgroups", BAD, why, cost, "leave out --cgroup-manager, or cgroup_manager in containers.conf")
        return
    missing = {name: why for name in _LIMITS if (why := cgroup.can_limit(groups, name))}
    if not missing:
        text = f"cgroups {groups.mode}, made by {groups.manager}: {', '.join(groups.controllers)}"
        yield Advice("cgroups", GOOD, text)
        return
    for why in dict.fromkeys(missing.values()):
        names = ", ".join(name for name in missing if missing[name] == why)
        cost = f"limits of {names} are refused when asked for, and the default limit of processes goes"
        yield Advice(
            "cgroups", LESS, why, cost if "pids" in names else f"limits of {names} are refused", _remedy(facts)
        )


def _remedy(facts: Facts) -> str:
    groups = facts.cgroups
    if not facts.rootless:
        return "mount the controllers read-write; in a container: --cgroupns private with --privileged"
    if groups.mode != "v2":
        return "as root: boot with systemd.unified_cgroup_hierarchy=1 on the kernel's command line"
    if groups.manager == "none" and facts.systemd:
        return _LOG_IN.format(user=facts.user)
    if facts.systemd:
        return _DELEGATE
    own = f"/sys/fs/cgroup/{facts.user}"
    return (
        f"as root: write +cpu +io +memory +pids to /sys/fs/cgroup/cgroup.subtree_control, mkdir {own}, chown it and "
        f"its cgroup.procs, cgroup.subtree_control and cgroup.threads to {facts.user}, start argosy in it"
    )


def files(facts: Facts) -> Iterator[Advice]:
    """How many files a process may have open."""
    soft, hard = facts.open_files, facts.most_open_files
    if not 0 <= soft < _FEW_FILES:
        yield Advice("files", GOOD, f"{'any number of' if soft < 0 else soft} open files for each process")
        return
    remedy = f"ulimit -n {hard}" if hard > soft else "as root: raise nofile in /etc/security/limits.conf"
    yield Advice("files", LESS, f"only {soft} open files for each process", "images with many layers may fail", remedy)


def disk(facts: Facts) -> Iterator[Advice]:
    """Room for bytes and inodes where the store and the run directory are."""
    for room in facts.rooms:
        lacks = []
        few_inodes = bool(room.inodes_total) and room.inodes < _FEW_INODES
        if room.bytes < _LITTLE_BYTES:
            lacks.append(f"{room.bytes >> 20} MiB")
        if few_inodes:
            lacks.append(f"{room.inodes} inodes")
        run = room is facts.rooms[-1] and len(facts.rooms) > 1
        none = room.bytes < _NO_BYTES or (bool(room.inodes_total) and room.inodes < _NO_INODES)
        if not lacks or (run and not none):
            yield Advice("disk", GOOD, f"{room.path}: {room.bytes >> 20} MiB free")
            continue
        cost = "images and containers do not fit" if none else "larger images do not fit"
        remedy = "argosy system prune --all frees what nothing uses; argosy system df shows what is there"
        yield Advice("disk", BAD if none else LESS, f"{room.path}: only {' and '.join(lacks)} free", cost, remedy)


def rundir(facts: Facts) -> Iterator[Advice]:
    """Where the state is that a reboot ends."""
    if not facts.rootless or facts.run.startswith("/run/"):
        yield Advice("rundir", GOOD, facts.run)
        return
    text = f"state that a reboot should end is kept in {facts.run}: there is no XDG_RUNTIME_DIR"
    cost = "whoever clears /tmp loses sight of running containers"
    yield Advice("rundir", LESS, text, cost, f"as root: loginctl enable-linger {facts.user}, or set XDG_RUNTIME_DIR")

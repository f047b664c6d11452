"""What hosts with control groups of either version can limit."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from argosy.containers import limits
from argosy.errors import ArgosyError
from argosy.linux.cgroup import Cgroups, Hierarchy
from argosy.spec.options import BadOption, ContainerOptions, DeviceRate

PLAIN = ContainerOptions(image="x")
V1 = {
    "memory": ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.swappiness", "memory.oom_control"),
    "cpu": ("cpu.shares", "cpu.rt_runtime_us"),
    "cpuset": ("cpuset.effective_cpus", "cpuset.effective_mems"),
    "pids": ("pids.max",),
    "blkio": ("blkio.bfq.weight",),
}
V2 = ("memory.max", "memory.swap.max", "cpu.max", "cpuset.cpus.effective", "pids.max", "io.max", "io.bfq.weight")


def v1(top: Path, *lacking: str) -> Cgroups:
    """A host of version 1 whose groups lack some files; the topmost ones have none, as with most kernels."""
    found = []
    for controller, files in V1.items():
        (top / controller / "below").mkdir(parents=True)
        for name in files:
            place = top / controller if "effective" in name else top / controller / "below"
            if name not in lacking:
                (place / name).write_text("0-1\n")
        path = str(top / controller)
        found.append(Hierarchy(1, path, path, (controller,), True))
    return Cgroups("v1", tuple(found), ("cpu", "cpuset", "io", "memory", "pids"), "cgroupfs", False)


def v2(top: Path, *lacking: str) -> Cgroups:
    (top / "below").mkdir(parents=True)
    for name in V2:
        if name not in lacking:
            (top / "below" / name).write_text("0-1\n")
    names = ("cpu", "cpuset", "io", "memory", "pids")
    return Cgroups("v2", (Hierarchy(2, str(top), str(top), names, True),), names, "cgroupfs", False)


def test_version_1(tmp_path: Path) -> None:
    groups = v1(tmp_path)
    assert set(limits.unlimited(groups, PLAIN, rootless=False, crun=False)) == {"unified"}
    assert set(limits.unlimited(groups, PLAIN, rootless=False, crun=True)) == {"unified", "blkio-weight"}
    assert set(limits.unlimited(groups, PLAIN, rootless=True, crun=False)) == {"unified", "devices"}


def test_version_1_that_lacks_files(tmp_path: Path) -> None:
    groups = v1(tmp_path, "memory.memsw.limit_in_bytes", "cpu.rt_runtime_us")
    found = limits.unlimited(groups, PLAIN, rootless=False, crun=False)
    assert set(found) == {"unified", "swap", "rt"}
    assert found["swap"] == "no memory controller of this host counts swap"


def test_version_2_has_no_swappiness_and_no_real_time(tmp_path: Path) -> None:
    groups = v2(tmp_path)
    assert set(limits.unlimited(groups, PLAIN, rootless=False, crun=True)) == {"swappiness", "oom", "rt"}
    assert "swap" in limits.unlimited(v2(tmp_path / "2", "memory.swap.max"), PLAIN, rootless=False, crun=True)


def test_where_nothing_is_delegated_the_reason_is_the_hosts(tmp_path: Path) -> None:
    groups = v2(tmp_path).replace(manager="none", controllers=(), why_none="because")
    found = limits.unlimited(groups, PLAIN, rootless=True, crun=True)
    assert found["memory"] == found["pids"] == found["blkio"] == "because"


def test_without_a_control_group_nothing_is_limited(tmp_path: Path) -> None:
    found = limits.unlimited(v2(tmp_path), PLAIN.replace(cgroups="disabled"), rootless=False, crun=True)
    assert {"memory", "cpu", "cpuset", "pids", "blkio", "devices", "unified"} <= set(found)
    assert set(found.values()) == {"with --cgroups=disabled the container has no control group"}


@pytest.mark.parametrize("kind", ["v1", "v2"])
def test_processors_that_are_not_there(tmp_path: Path, kind: str) -> None:
    groups = v1(tmp_path) if kind == "v1" else v2(tmp_path)
    if kind == "v2":
        (tmp_path / "cpuset.cpus.effective").write_text("0-1\n")
    limits.check_cpusets(groups, PLAIN.replace(cpuset_cpus="0,1"))
    with pytest.raises(BadOption, match="requested CPUs are not available - requested 0-9, available: 0-1"):
        limits.check_cpusets(groups, PLAIN.replace(cpuset_cpus="0-9"))


@pytest.mark.parametrize(
    ("parent", "manager", "words"),
    [
        ("/a", "systemd", "did not receive systemd slice as cgroup parent when using systemd to manage cgroups"),
        ("a.slice", "cgroupfs", "systemd slice received as cgroup parent when using cgroupfs: invalid argument"),
        ("/a", "none", "cannot use the control group /a"),
        ("a.slice", "systemd", ""),
        ("/a", "cgroupfs", ""),
    ],
)
def test_the_parent_is_of_the_managers_kind(parent: str, manager: str, words: str) -> None:
    options = PLAIN.replace(cgroup_parent=parent)
    if not words:
        limits.check_parent(options, manager)
        return
    with pytest.raises(ArgosyError, match=words):
        limits.check_parent(options, manager)


def test_block_devices() -> None:
    rate = DeviceRate("device-read-bps", "/dev/null", 1)
    assert limits.block_devices(PLAIN.replace(device_rates=(rate,))) == {"/dev/null": (1, 3)}
    with pytest.raises(BadOption, match="could not parse throttle device at /dev/nope: no such file or directory"):
        limits.block_devices(PLAIN.replace(device_rates=(rate.replace(path="/dev/nope"),)))


def test_nobody_goes_below_his_own_oom_score() -> None:
    own = int(Path("/proc/self/oom_score_adj").read_text())
    limits.check_oom_score(own, privileged=False)
    limits.check_oom_score(-1000, privileged=True)
    if own > -1000 and os.path.exists("/proc/self"):
        with pytest.raises(ArgosyError, match="cannot set --oom-score-adj to -1000"):
            limits.check_oom_score(-1000, privileged=False)

"""Limits of a pod's control group: what each version of the kernel's interface is told, and systemd."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.errors import ArgosyError
from argosy.linux import cgrouplimits
from argosy.linux.cgroup import Cgroups, Hierarchy

RESOURCES = {
    "memory": {"limit": 1000, "reservation": 500, "swap": 3000},
    "cpu": {"shares": 1024, "period": 100000, "quota": 50000, "cpus": "0-1", "mems": "0"},
    "blockIO": {
        "weight": 300,
        "weightDevice": [{"major": 8, "minor": 0, "weight": 20}],
        "throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 1024}],
        "throttleWriteIOPSDevice": [{"major": 8, "minor": 0, "rate": 7}],
    },
}


def test_version_1() -> None:
    assert [(names[0], text) for _, names, text in cgrouplimits.settings_v1(RESOURCES)] == [
        ("memory.limit_in_bytes", "1000"),
        ("memory.soft_limit_in_bytes", "500"),
        ("memory.memsw.limit_in_bytes", "3000"),
        ("cpu.shares", "1024"),
        ("cpu.cfs_period_us", "100000"),
        ("cpu.cfs_quota_us", "50000"),
        ("cpuset.cpus", "0-1"),
        ("cpuset.mems", "0"),
        ("blkio.weight", "300"),
        ("blkio.weight_device", "8:0 20"),
        ("blkio.throttle.read_bps_device", "8:0 1024"),
        ("blkio.throttle.write_iops_device", "8:0 7"),
    ]


def test_version_2() -> None:
    assert [(names[-1], text) for _, names, text in cgrouplimits.settings_v2(RESOURCES)] == [
        ("memory.max", "1000"),
        ("memory.low", "500"),
        ("memory.swap.max", "2000"),
        ("cpu.weight", "39"),
        ("cpu.max", "50000 100000"),
        ("cpuset.cpus", "0-1"),
        ("cpuset.mems", "0"),
        ("io.weight", "default 300"),
        ("io.weight", "8:0 20"),
        ("io.max", "8:0 rbps=1024"),
        ("io.max", "8:0 wiops=7"),
    ]
    unlimited = cgrouplimits.settings_v2({"memory": {"limit": 5, "swap": -1}, "cpu": {"period": 1000}})
    assert [text for _, _, text in unlimited] == ["5", "max", "max 1000"]


@pytest.mark.parametrize(("shares", "weight"), [(0, 1), (2, 1), (1024, 39), (262144, 10000), (10**9, 10000)])
def test_shares_as_weights(shares: int, weight: int) -> None:
    assert cgrouplimits.weight_of_shares(shares) == weight


def test_systemd_is_told_what_it_would_undo() -> None:
    assert cgrouplimits.properties(RESOURCES) == {
        "MemoryMax": 1000,
        "MemoryLow": 500,
        "MemorySwapMax": 2000,
        "CPUWeight": 39,
        "CPUQuotaPerSecUSec": 500000,
    }


def groups(path: Path) -> Cgroups:
    """One hierarchy of version 2, of plain files."""
    hierarchy = Hierarchy(2, str(path), str(path), ("memory", "cpu"), writable=True)
    return Cgroups("v2", (hierarchy,), ("cpu", "memory"), "cgroupfs", delegated=False)


def test_groups_above_pass_the_controllers_on(tmp_path: Path) -> None:
    cgrouplimits.make(groups(tmp_path), "/argosy/pod", {"memory": {"limit": 7}})
    assert (tmp_path / "argosy/pod/memory.max").read_text() == "7"
    for above in (tmp_path, tmp_path / "argosy"):
        assert (above / "cgroup.subtree_control").read_text() == "+memory"
    assert not (tmp_path / "argosy/pod/cgroup.subtree_control").exists()


def test_a_limit_that_the_kernel_does_not_take_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "argosy/pod/memory.max").mkdir(parents=True)
    with pytest.raises(ArgosyError, match=r"writing '7' to .*/argosy/pod/memory.max: is a directory"):
        cgrouplimits.make(groups(tmp_path), "/argosy/pod", {"memory": {"limit": 7}})

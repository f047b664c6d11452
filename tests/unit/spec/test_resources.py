"""linux.resources for every limit, and the error for each that a host cannot keep."""

from __future__ import annotations

from typing import Any

import pytest

from argosy.errors import Unsupported
from argosy.spec.options import BadOption, DeviceRate, DeviceRule, DeviceWeight
from argosy.spec.resources import limited
from tests.unit.spec.requests import options, spec


def resources(changes: dict[str, Any], **fields: Any) -> dict[str, Any]:
    found: dict[str, Any] = spec(changes, **fields)["linux"]["resources"]
    return found


@pytest.mark.parametrize(
    ("changes", "section", "wanted"),
    [
        (
            {"memory_bytes": 64, "memory_reservation_bytes": 32, "memory_swappiness": 0, "oom_kill_disable": True},
            "memory",
            {"limit": 64, "reservation": 32, "swap": 128, "swappiness": 0, "disableOOMKiller": True},
        ),
        ({"memory_bytes": 64, "memory_swap_bytes": -1}, "memory", {"limit": 64, "swap": -1}),
        (
            {"cpu_period_us": 50000, "cpu_quota_us": 20000, "cpu_rt_period_us": 5, "cpu_rt_runtime_us": 4},
            "cpu",
            {"period": 50000, "quota": 20000, "realtimePeriod": 5, "realtimeRuntime": 4},
        ),
        ({"cpuset_cpus": "0,2", "cpuset_mems": "0"}, "cpu", {"cpus": "0,2", "mems": "0"}),
        ({"cgroup_conf": {"memory.high": "1"}}, "unified", {"memory.high": "1"}),
    ],
)
def test_sections(changes: dict[str, Any], section: str, wanted: dict[str, Any]) -> None:
    assert resources(changes)[section] == wanted


def test_block_devices_are_named_by_their_numbers() -> None:
    made = resources(
        {
            "blkio_weight": 20,
            "blkio_weight_devices": (DeviceWeight("/dev/a", 30),),
            "device_rates": (
                DeviceRate("device-read-bps", "/dev/a", 1),
                DeviceRate("device-write-bps", "/dev/b", 2),
                DeviceRate("device-read-iops", "/dev/a", 3),
                DeviceRate("device-write-iops", "/dev/a", 4),
                DeviceRate("device-read-bps", "/dev/b", 5),
            ),
        },
        block_devices={"/dev/a": (8, 0), "/dev/b": (8, 16)},
    )
    a, b = {"major": 8, "minor": 0}, {"major": 8, "minor": 16}
    assert made["blockIO"] == {
        "weight": 20,
        "weightDevice": [{**a, "weight": 30}],
        "throttleReadBpsDevice": [{**a, "rate": 1}, {**b, "rate": 5}],
        "throttleWriteBpsDevice": [{**b, "rate": 2}],
        "throttleReadIOPSDevice": [{**a, "rate": 3}],
        "throttleWriteIOPSDevice": [{**a, "rate": 4}],
    }


def test_device_rules_come_after_the_denial() -> None:
    rules = (DeviceRule("c", 89, None, "rw"), DeviceRule("a", None, None, "m"))
    assert resources({"device_cgroup_rules": rules})["devices"] == [
        {"allow": False, "access": "rwm"},
        {"allow": True, "type": "c", "major": 89, "access": "rw"},
        {"allow": True, "type": "a", "access": "m"},
    ]
    assert resources({"device_cgroup_rules": rules, "privileged": True})["devices"] == [
        {"allow": True, "access": "rwm"}
    ]


@pytest.mark.parametrize(
    ("changes", "needs", "flag"),
    [
        ({"memory_bytes": 9, "memory_swap_bytes": 10}, "swap", "--memory-swap"),
        ({"memory_swappiness": 0}, "swappiness", "--memory-swappiness"),
        ({"oom_kill_disable": True}, "oom", "--oom-kill-disable"),
        ({"cpu_quota_us": 1000}, "cpu", "--cpu-quota"),
        ({"cpu_rt_runtime_us": 1}, "rt", "--cpu-rt-runtime"),
        ({"blkio_weight": 10}, "blkio-weight", "--blkio-weight"),
        ({"device_rates": (DeviceRate("device-read-bps", "/dev/a", 1),)}, "blkio", "--device-read-bps"),
        ({"device_cgroup_rules": (DeviceRule("c", 1, 1, "r"),)}, "devices", "--device-cgroup-rule"),
        ({"cgroup_conf": {"memory.high": "1"}}, "unified", "--cgroup-conf"),
    ],
)
def test_a_limit_that_cannot_hold_is_an_error(changes: dict[str, Any], needs: str, flag: str) -> None:
    assert limited(options(**changes))
    with pytest.raises(Unsupported) as caught:
        resources(changes, unlimited={needs: "the reason"})
    assert caught.value.brief == f"cannot apply {flag}: the reason"


def test_what_was_not_asked_for_cannot_fail() -> None:
    everything = dict.fromkeys(("memory", "cpu", "cpuset", "pids", "blkio", "swap", "devices", "unified"), "no")
    assert not limited(options(pids_limit=0))
    assert resources({"pids_limit": 0}, unlimited=everything) == {"devices": [{"allow": False, "access": "rwm"}]}
    for unlimited in ({"swap": "no"}, {}):
        assert "memory" not in resources({"memory_swap_bytes": -1}, unlimited=unlimited)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"memory_swap_bytes": 10}, "you should always set a memory limit when using a memoryswap limit, see usage"),
        ({"memory_bytes": 10, "memory_swap_bytes": 9}, "minimum memoryswap limit should be larger than memory limit"),
        (
            {"memory_bytes": 10, "memory_reservation_bytes": 11},
            "minimum memory limit cannot be less than memory reservation limit, see usage",
        ),
    ],
)
def test_limits_that_contradict_each_other(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(BadOption, match=words):
        resources(changes)

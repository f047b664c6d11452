"""The texts of the resource flags: what they mean, and podman's words for those that mean nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from argosy.spec import parselimits as parse
from argosy.spec.options import BadOption, DeviceRate, DeviceRule, DeviceWeight
from tests.unit.spec.requests import ODD_NUMBERS

Reader = Callable[..., Any]

GOOD: list[tuple[Reader, tuple[Any, ...], Any]] = [
    (parse.parse_swappiness, (0,), 0),
    (parse.parse_swappiness, (100,), 100),
    (parse.parse_swappiness, (-1,), None),
    (parse.parse_oom_score_adj, (-1000,), -1000),
    (parse.parse_period, (0,), 0),
    (parse.parse_period, (1000,), 1000),
    (parse.parse_quota, (1000,), 1000),
    (parse.parse_quota, (-1,), 0),
    (parse.parse_cpuset, ("0-3,7", "cpus"), "0-3,7"),
    (parse.cpuset, ("0-2,7",), {0, 1, 2, 7}),
    (parse.parse_blkio_weight, ("10",), 10),
    (parse.parse_blkio_weight, ("0",), 0),
    (parse.parse_weight_device, ("/dev/sda:1000",), DeviceWeight("/dev/sda", 1000)),
    (
        parse.parse_rate,
        ("/dev/sda:1mb", "device-read-bps"),
        DeviceRate("device-read-bps", "/dev/sda", 1 << 20),
    ),
    (
        parse.parse_rate,
        ("/dev/sda:7", "device-write-iops"),
        DeviceRate("device-write-iops", "/dev/sda", 7),
    ),
    (parse.parse_device_rule, ("c 89:* rwm",), DeviceRule("c", 89, None, "rwm")),
    (parse.parse_device_rule, ("b *:3 rr",), DeviceRule("b", None, 3, "r")),
    (parse.parse_device_rule, ("c 1 rwm",), DeviceRule("c", 1, None, "rwm")),
    (parse.parse_cgroups, ("no-conmon",), "no-conmon"),
    (parse.parse_cgroup_conf, (("memory.high=1=2",),), {"memory.high": "1=2"}),
    (parse.parse_gpus, ("all",), ("nvidia.com/gpu=all",)),
    (parse.parse_gpus, ("0, 1",), ("nvidia.com/gpu=0", "nvidia.com/gpu=1")),
]


@pytest.mark.parametrize(("reader", "arguments", "value"), GOOD)
def test_values(reader: Reader, arguments: tuple[Any, ...], value: Any) -> None:
    assert reader(*arguments) == value


BYTES = ". The correct format is <device-path>:<number>[<unit>]. Number must be a positive integer."
BAD: list[tuple[Reader, tuple[Any, ...], str]] = [
    (parse.parse_swappiness, (101,), "invalid value: 101, valid memory swappiness range is 0-100"),
    (parse.parse_swappiness, (-2,), "invalid value: -2, valid memory swappiness range is 0-100"),
    (parse.parse_oom_score_adj, (1001,), "invalid value: 1001"),
    (
        parse.parse_period,
        (999,),
        "CPU cfs period cannot be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)",
    ),
    (parse.parse_period, (1_000_001,), "CPU cfs period cannot be less than"),
    (parse.parse_quota, (10,), "CPU cfs quota cannot be less than 1ms (i.e. 1000)"),
    (parse.parse_cpuset, ("x", "cpus"), "invalid value x for cpuset cpus"),
    (parse.parse_cpuset, ("3-1", "mems"), "invalid value 3-1 for cpuset mems"),
    (parse.parse_cpuset, ("0-99999999", "cpus"), "invalid value"),
    *((parse.parse_cpuset, (text, "cpus"), "invalid value") for text in ODD_NUMBERS),
    *((parse.parse_blkio_weight, (text,), "invalid value for blkio-weight: strconv.ParseUint") for text in ODD_NUMBERS),
    *((parse.parse_weight_device, (f"/dev/null:{text}",), "invalid weight for device") for text in ODD_NUMBERS),
    *((parse.parse_rate, (f"/dev/null:{text}", "read_iops"), "invalid rate for device") for text in ODD_NUMBERS),
    *((parse.parse_device_rule, (f"c {text}:1 r",), "") for text in ODD_NUMBERS),
    (parse.parse_cpuset, ("1,", "cpus"), "invalid value"),
    (
        parse.parse_blkio_weight,
        ("x",),
        'invalid value for blkio-weight: strconv.ParseUint: parsing "x": invalid syntax',
    ),
    (parse.parse_blkio_weight, ("9",), "range of blkio weight is from 10 to 1000"),
    (parse.parse_weight_device, ("/dev/null",), "bad format: /dev/null"),
    (parse.parse_weight_device, ("null:100",), "bad format for device path: null:100"),
    (parse.parse_weight_device, ("/dev/null:5",), "invalid weight for device: /dev/null:5"),
    (parse.parse_rate, ("/tmp:1", "device-read-bps"), "bad format for device path: /tmp:1"),
    (parse.parse_rate, ("/dev/a:-1", "device-read-bps"), f"invalid rate for device: /dev/a:-1{BYTES}"),
    (
        parse.parse_rate,
        ("/dev/a:1mb", "device-read-iops"),
        "invalid rate for device: /dev/a:1mb. The correct format is <device-path>:<number>. Number must be a positive",
    ),
    (
        parse.parse_device_rule,
        ("c 1:3",),
        'invalid device cgroup rule requires type, major:Minor, and access rules: "c 1:3"',
    ),
    (parse.parse_device_rule, ("x 1:3 r",), "invalid device type in device-access-add: x"),
    (parse.parse_device_rule, ("c 1:3 q",), "invalid device access in device-access-add: q"),
    (parse.parse_device_rule, ("c a:3 r",), 'strconv.ParseUint: parsing "a": invalid syntax'),
    (
        parse.parse_cgroups,
        ("x",),
        'running container create option: invalid cgroup mode "x": invalid argument',
    ),
    (parse.parse_cgroup_conf, (("x",),), "--cgroup-conf must be formatted KEY=VALUE"),
    (parse.parse_cgroup_conf, (("../x=1",),), "no file of a control group"),
    (parse.parse_gpus, ("",), "--gpus"),
    (parse.parse_gpus, ("a b",), "--gpus"),
]


@pytest.mark.parametrize(("reader", "arguments", "message"), BAD)
def test_errors(reader: Reader, arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(BadOption) as caught:
        reader(*arguments)
    assert message in caught.value.brief

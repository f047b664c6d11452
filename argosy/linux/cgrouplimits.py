"""Limits on a control group that we make ourselves: the one around the containers of a pod.

What is asked for is `linux.resources` of the runtime specification, without devices and processes; what the kernel
takes is in cgroup-v1/ and cgroup-v2.rst of its documentation, systemd's names in systemd.resource-control(5).
"""

from __future__ import annotations

import os

from argosy.errors import ArgosyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from argosy.linux.cgroup import Cgroups

    Setting = tuple[str, tuple[str, ...], str]  # controller, the files that may take it, the text

_MAX_SHARES = 262144
_PERIOD_US = 100_000
_THROTTLES = (
    ("throttleReadBpsDevice", "read_bps", "rbps"),
    ("throttleWriteBpsDevice", "write_bps", "wbps"),
    ("throttleReadIOPSDevice", "read_iops", "riops"),
    ("throttleWriteIOPSDevice", "write_iops", "wiops"),
)


def make(cgroups: Cgroups, path: str, resources: Mapping[str, Any]) -> None:
    """Make the group `path` in all hierarchies, and limit it.  Raises ArgosyError for a limit that does not hold."""
    for hierarchy in cgroups.hierarchies:
        settings = tuple(settings_v2(resources) if hierarchy.version == 2 else settings_v1(resources))
        wanted = [item for item in settings if _takes(hierarchy.controllers, item[0])]
        if not wanted:
            continue
        _make_directories(hierarchy.path, path, {item[0] for item in wanted}, version=hierarchy.version)
        for _, names, text in wanted:
            _set(hierarchy.path + path, names, text)


def _takes(controllers: tuple[str, ...], controller: str) -> bool:
    return controller in controllers or not controller


def settings_v1(resources: Mapping[str, Any]) -> Iterator[Setting]:
    """What to write, in this order, in hierarchies of version 1."""
    memory, cpu, block = (resources.get(key, {}) for key in ("memory", "cpu", "blockIO"))
    for key, file in (
        ("limit", "memory.limit_in_bytes"),
        ("reservation", "memory.soft_limit_in_bytes"),
        ("swap", "memory.memsw.limit_in_bytes"),
        ("swappiness", "memory.swappiness"),
    ):
        if key in memory:
            yield "memory", (file,), str(memory[key])
    for key, controller, file in (
        ("shares", "cpu", "cpu.shares"),
        ("period", "cpu", "cpu.cfs_period_us"),
        ("quota", "cpu", "cpu.cfs_quota_us"),
        ("cpus", "cpuset", "cpuset.cpus"),
        ("mems", "cpuset", "cpuset.mems"),
    ):
        if key in cpu:
            yield controller, (file,), str(cpu[key])
    if "weight" in block:
        yield "blkio", ("blkio.weight", "blkio.bfq.weight"), str(block["weight"])
    for item in block.get("weightDevice", ()):
        text = f"{item['major']}:{item['minor']} {item['weight']}"
        yield "blkio", ("blkio.weight_device", "blkio.bfq.weight_device"), text
    for key, name, _ in _THROTTLES:
        for item in block.get(key, ()):
            yield "blkio", (f"blkio.throttle.{name}_device",), f"{item['major']}:{item['minor']} {item['rate']}"


def settings_v2(resources: Mapping[str, Any]) -> Iterator[Setting]:
    """What to write in the one hierarchy of version 2.  Swap is counted without memory there."""
    memory, cpu, block = (resources.get(key, {}) for key in ("memory", "cpu", "blockIO"))
    if "limit" in memory:
        yield "memory", ("memory.max",), str(memory["limit"])
    if "reservation" in memory:
        yield "memory", ("memory.low",), str(memory["reservation"])
    if "swap" in memory:
        swap = memory["swap"]
        yield "memory", ("memory.swap.max",), "max" if swap < 0 else str(swap - memory.get("limit", 0))
    if "shares" in cpu:
        yield "cpu", ("cpu.weight",), str(weight_of_shares(cpu["shares"]))
    if "quota" in cpu or "period" in cpu:
        quota = cpu.get("quota", -1)
        yield "cpu", ("cpu.max",), f"{quota if quota > 0 else 'max'} {cpu.get('period', _PERIOD_US)}"
    for key in ("cpus", "mems"):
        if key in cpu:
            yield "cpuset", (f"cpuset.{key}",), cpu[key]
    yield from _io(block)


def _io(block: Mapping[str, Any]) -> Iterator[Setting]:
    if "weight" in block:
        yield "io", ("io.bfq.weight", "io.weight"), f"default {block['weight']}"
    for item in block.get("weightDevice", ()):
        yield "io", ("io.bfq.weight", "io.weight"), f"{item['major']}:{item['minor']} {item['weight']}"
    for key, _, name in _THROTTLES:
        for item in block.get(key, ()):
            yield "io", ("io.max",), f"{item['major']}:{item['minor']} {name}={item['rate']}"


def weight_of_shares(shares: int) -> int:
    """cpu.weight (1 to 10,000) for cpu.shares (2 to 262,144), as the runtimes convert it."""
    return 1 + (min(max(shares, 2), _MAX_SHARES) - 2) * 9999 // (_MAX_SHARES - 2)


def properties(resources: Mapping[str, Any]) -> dict[str, int]:
    """What systemd is told of a slice; the rest of the limits is written into its group."""
    memory, cpu = resources.get("memory", {}), resources.get("cpu", {})
    found = {}
    if "limit" in memory:
        found["MemoryMax"] = memory["limit"]
    if "reservation" in memory:
        found["MemoryLow"] = memory["reservation"]
    if memory.get("swap", -1) > 0:
        found["MemorySwapMax"] = memory["swap"] - memory.get("limit", 0)
    if "shares" in cpu:
        found["CPUWeight"] = weight_of_shares(cpu["shares"])
    if cpu.get("quota", 0) > 0:
        found["CPUQuotaPerSecUSec"] = cpu["quota"] * 1_000_000 // cpu.get("period", _PERIOD_US)
    return found


def _make_directories(top: str, path: str, controllers: set[str], *, version: int) -> None:
    """The group with those above it, which pass the controllers on (v2) or their cpus (v1)."""
    place = top
    for name in path.strip("/").split("/"):
        if version == 2:
            for controller in sorted(controllers):
                _write_quietly(f"{place}/cgroup.subtree_control", f"+{controller}")
        above, place = place, f"{place}/{name}"
        try:
            os.mkdir(place, 0o755)
        except FileExistsError:
            pass
        except OSError as error:
            raise ArgosyError(f"cannot make the control group {place}", details=str(error.strerror)) from error
        if version == 1 and "cpuset" in controllers:
            for file in ("cpuset.cpus", "cpuset.mems"):
                _take_over(f"{above}/{file}", f"{place}/{file}")


def _take_over(source: str, target: str) -> None:
    """A new group of version 1 has no processors of its own, and takes no process without any."""
    with open(target, encoding="ascii") as file:
        if file.read().strip():
            return
    with open(source, encoding="ascii") as file:
        _write_quietly(target, file.read().strip())


def _write_quietly(path: str, text: str) -> None:
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
    except OSError:
        return  # what depends on it says so


def _set(directory: str, names: tuple[str, ...], text: str) -> None:
    """Write into the first of the files that is there.  Raises ArgosyError when the kernel does not take it."""
    path = next((path for name in names if os.path.exists(path := f"{directory}/{name}")), f"{directory}/{names[-1]}")
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
    except OSError as error:
        raise ArgosyError(
            f"cannot limit the control group of the pod: writing {text!r} to {path}: {str(error.strerror).lower()}",
            hint="see `argosy doctor cgroups`",
        ) from error

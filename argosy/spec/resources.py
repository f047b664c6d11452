"""Limits and devices: `linux.resources` and `linux.devices` of the specification.

What a host may be unable to limit has a name here: a controller ("memory", "cpu", "cpuset", "pids", "blkio",
"devices") or a part of one that some kernels lack ("swap", "swappiness", "oom", "rt", "blkio-weight", "unified").
"""

from __future__ import annotations

from argosy.errors import Unsupported
from argosy.spec.options import BadOption

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from argosy.spec.generate import HostNode, SpecRequest
    from argosy.spec.options import ContainerOptions, DeviceRule

_CPU_PERIOD_US = 100_000
_NOTHING: tuple[object, ...] = (None, 0, -1, "", (), {})
# Field of the options, the flag, and what it needs of the host.
_NEEDS = (
    ("memory_bytes", "--memory", ("memory",)),
    ("memory_reservation_bytes", "--memory-reservation", ("memory",)),
    ("memory_swap_bytes", "--memory-swap", ("memory", "swap")),
    ("memory_swappiness", "--memory-swappiness", ("memory", "swappiness")),
    ("oom_kill_disable", "--oom-kill-disable", ("memory", "oom")),
    ("nano_cpus", "--cpus", ("cpu",)),
    ("cpu_shares", "--cpu-shares", ("cpu",)),
    ("cpu_period_us", "--cpu-period", ("cpu",)),
    ("cpu_quota_us", "--cpu-quota", ("cpu",)),
    ("cpu_rt_period_us", "--cpu-rt-period", ("cpu", "rt")),
    ("cpu_rt_runtime_us", "--cpu-rt-runtime", ("cpu", "rt")),
    ("cpuset_cpus", "--cpuset-cpus", ("cpuset",)),
    ("cpuset_mems", "--cpuset-mems", ("cpuset",)),
    ("pids_limit", "--pids-limit", ("pids",)),
    ("blkio_weight", "--blkio-weight", ("blkio", "blkio-weight")),
    ("blkio_weight_devices", "--blkio-weight-device", ("blkio", "blkio-weight")),
    ("device_cgroup_rules", "--device-cgroup-rule", ("devices",)),
    ("cgroup_conf", "--cgroup-conf", ("unified",)),
)


def _asked(options: ContainerOptions) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The limits that were asked for, and what each needs.  A swappiness of 0 is one; a swap of -1 is none."""
    for field, flag, needs in _NEEDS:
        value = getattr(options, field)
        if value not in _NOTHING or (field == "memory_swappiness" and value is not None):
            yield flag, needs
    for rate in options.device_rates:
        yield f"--{rate.flag}", ("blkio",)


def limited(options: ContainerOptions) -> bool:
    """Whether any limit was asked for that a host may be unable to keep."""
    return next(_asked(options), None) is not None


def check_limits(options: ContainerOptions, unlimited: Mapping[str, str]) -> None:
    """Raise Unsupported when a limit that was asked for cannot hold: a runtime may drop it without a word.

    `unlimited` has what this host cannot limit, and why.
    """
    for flag, needs in _asked(options):
        for need in needs:
            if need in unlimited:
                raise Unsupported(
                    f"cannot apply {flag}: {unlimited[need]}", hint=f"leave out {flag}, or see `argosy doctor cgroups`"
                )


def check_memory(options: ContainerOptions) -> None:
    """Raise BadOption when the limits of memory contradict each other."""
    limit, swap = options.memory_bytes, options.memory_swap_bytes
    if swap > 0 and not limit:
        raise BadOption("you should always set a memory limit when using a memoryswap limit, see usage")
    if 0 < swap < limit:
        raise BadOption(
            "minimum memoryswap limit should be larger than memory limit, see usage", hint="--memory-swap counts both"
        )
    if limit and limit < options.memory_reservation_bytes:
        raise BadOption("minimum memory limit cannot be less than memory reservation limit, see usage")


def resources(request: SpecRequest) -> dict[str, Any]:
    """linux.resources.  Raises Unsupported when a limit that was asked for cannot hold on this host.

    A rootless container has no device rules: it can make no device nodes, and nobody there may load a device filter.
    """
    options = request.options
    check_limits(options, request.unlimited)
    check_memory(options)
    found: dict[str, Any] = {}
    if not request.rootless:
        found["devices"] = device_rules(options, request.nodes)
    if options.pids_limit is None:  # the default goes where it cannot hold
        limit = 0 if "pids" in request.unlimited else max(request.conf.pids_limit, 0)
        options = options.replace(pids_limit=limit)
    return {**found, **limits(options, request.unlimited, request.block_devices)}


def device_rules(options: ContainerOptions, nodes: Iterable[HostNode]) -> list[dict[str, Any]]:
    """linux.resources.devices: nothing but the nodes and what --device-cgroup-rule says, or all with --privileged."""
    if options.privileged:
        return [{"allow": True, "access": "rwm"}]
    asked = map(_asked_rule, options.device_cgroup_rules)
    return [{"allow": False, "access": "rwm"}, *map(_rule, nodes), *asked]


def limits(
    options: ContainerOptions, unlimited: Mapping[str, str], block_devices: Mapping[str, tuple[int, int]]
) -> dict[str, Any]:
    """The part of linux.resources that can change while a container runs; a limit that was not asked for is left out.

    `block_devices` has the numbers of the devices that weights and rates name.
    """
    found: dict[str, Any] = {}
    if options.pids_limit is not None and options.pids_limit > 0:
        found["pids"] = {"limit": options.pids_limit}
    memory = _memory(options, unlimited)
    for key, section in (("memory", memory), ("cpu", _cpu(options)), ("unified", dict(options.cgroup_conf))):
        if section:
            found[key] = section
    if options.blkio_weight or options.blkio_weight_devices or options.device_rates:
        found["blockIO"] = _block_io(options, block_devices)
    return found


_LARGEST, _UNLIMITED = (1 << 63) - 1, -1  # the specification's numbers have 64 bits


def _memory(options: ContainerOptions, unlimited: Mapping[str, str]) -> dict[str, Any]:
    """Swap is limited to as much as memory where nothing else was asked for, as the peers do.

    Unlimited swap without a limit of memory is what there is anyway, and runtimes refuse it.
    """
    found: dict[str, Any] = {}
    if options.memory_bytes:
        found["limit"] = options.memory_bytes
    if options.memory_reservation_bytes:
        found["reservation"] = options.memory_reservation_bytes
    if options.memory_bytes and "swap" not in unlimited:
        twice = 2 * options.memory_bytes
        found["swap"] = options.memory_swap_bytes or (twice if twice <= _LARGEST else _UNLIMITED)
    if options.memory_swappiness is not None:
        found["swappiness"] = options.memory_swappiness
    if options.oom_kill_disable:
        found["disableOOMKiller"] = True
    return found


def _cpu(options: ContainerOptions) -> dict[str, Any]:
    if options.nano_cpus:
        period, quota = _CPU_PERIOD_US, options.nano_cpus * _CPU_PERIOD_US // 1_000_000_000
    else:
        period, quota = options.cpu_period_us, options.cpu_quota_us
    fields = {
        "shares": options.cpu_shares,
        "period": period,
        "quota": quota,
        "realtimePeriod": options.cpu_rt_period_us,
        "realtimeRuntime": options.cpu_rt_runtime_us,
        "cpus": options.cpuset_cpus,
        "mems": options.cpuset_mems,
    }
    return {key: value for key, value in fields.items() if value}


_RATE_KEYS = {
    "device-read-bps": "throttleReadBpsDevice",
    "device-write-bps": "throttleWriteBpsDevice",
    "device-read-iops": "throttleReadIOPSDevice",
    "device-write-iops": "throttleWriteIOPSDevice",
}


def _block_io(options: ContainerOptions, block_devices: Mapping[str, tuple[int, int]]) -> dict[str, Any]:
    """Weights and rates, with the numbers that the devices have now."""
    found: dict[str, Any] = {"weight": options.blkio_weight} if options.blkio_weight else {}

    def entry(path: str) -> dict[str, int]:
        major, minor = block_devices[path]
        return {"major": major, "minor": minor}

    if options.blkio_weight_devices:
        found["weightDevice"] = [{**entry(item.path), "weight": item.weight} for item in options.blkio_weight_devices]
    for rate in options.device_rates:
        found.setdefault(_RATE_KEYS[rate.flag], []).append({**entry(rate.path), "rate": rate.rate})
    return found


def device(node: HostNode) -> dict[str, Any]:
    """One of linux.devices."""
    return {
        "path": node.target,
        "type": node.kind,
        "major": node.major,
        "minor": node.minor,
        "fileMode": node.mode & 0o7777,
        "uid": node.uid,
        "gid": node.gid,
    }


def _rule(node: HostNode) -> dict[str, Any]:
    return {"allow": True, "type": node.kind, "major": node.major, "minor": node.minor, "access": node.permissions}


def _asked_rule(rule: DeviceRule) -> dict[str, Any]:
    numbers = {"major": rule.major, "minor": rule.minor}
    given = {key: number for key, number in numbers.items() if number is not None}
    return {"allow": True, "type": rule.kind, **given, "access": rule.access}

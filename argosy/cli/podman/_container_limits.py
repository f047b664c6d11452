"""The rarer flags about what a container may use: processors, memory, block devices, cgroups."""

from __future__ import annotations

from argosy.spec import parse, parselimits
from argosy.spec.options import BadOption

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from argosy.cli.podman._container_table import CreateFlags

_RATES = ("device_read_bps", "device_read_iops", "device_write_bps", "device_write_iops")


def read(flags: CreateFlags) -> dict[str, Any]:
    """Those that were given, as fields of ContainerOptions.  Raises BadOption."""
    for name in ("period", "quota"):
        if flags.cpus is not None and getattr(flags, f"cpu_{name}") is not None:
            raise BadOption(f"--cpu-{name} and --cpus cannot be set together")
    readers: tuple[tuple[str, Any, Callable[[Any], Any]], ...] = (
        ("blkio_weight", flags.blkio_weight, parselimits.parse_blkio_weight),
        ("cgroup_parent", flags.cgroup_parent, str),
        ("cgroups", flags.cgroups, parselimits.parse_cgroups),
        ("cpu_period_us", flags.cpu_period, parselimits.parse_period),
        ("cpu_quota_us", flags.cpu_quota, parselimits.parse_quota),
        ("cpu_rt_period_us", flags.cpu_rt_period, int),
        ("cpu_rt_runtime_us", flags.cpu_rt_runtime, int),
        ("cpu_shares", flags.cpu_shares, int),
        ("cpuset_cpus", flags.cpuset_cpus, lambda text: parselimits.parse_cpuset(text, "cpus")),
        ("cpuset_mems", flags.cpuset_mems, lambda text: parselimits.parse_cpuset(text, "mems")),
        ("memory_reservation_bytes", flags.memory_reservation, lambda text: parse.parse_size(text, "memory")),
        ("memory_swap_bytes", flags.memory_swap, parse.parse_swap),
        ("memory_swappiness", flags.memory_swappiness, parselimits.parse_swappiness),
        ("oom_kill_disable", flags.oom_kill_disable, bool),
        ("oom_score_adj", flags.oom_score_adj, parselimits.parse_oom_score_adj),
    )
    found = {name: reader(value) for name, value, reader in readers if value not in (None, "")}
    found["blkio_weight_devices"] = tuple(map(parselimits.parse_weight_device, flags.blkio_weight_device))
    found["device_cgroup_rules"] = tuple(map(parselimits.parse_device_rule, flags.device_cgroup_rule))
    found["device_rates"] = tuple(
        parselimits.parse_rate(text, name.replace("_", "-")) for name in _RATES for text in getattr(flags, name)
    )
    found["cgroup_conf"] = parselimits.parse_cgroup_conf(flags.cgroup_conf)
    return found

"""The rarer flags about what a container may use: processors, memory, block devices, cgroups."""

from __future__ import annotations

from argosy.spec import parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.cli.podman._container_table import CreateFlags


def read(flags: CreateFlags) -> dict[str, Any]:
    """Those that were given, as fields of ContainerOptions.  Raises BadOption."""
    found: dict[str, Any] = {
        "blkio_weight_devices": flags.blkio_weight_device,
        "cgroup_parent": flags.cgroup_parent or "",
        "cgroups": flags.cgroups or "",
        "cpu_period_us": flags.cpu_period or 0,
        "cpu_quota_us": flags.cpu_quota or 0,
        "cpu_rt_period_us": flags.cpu_rt_period or 0,
        "cpu_rt_runtime_us": flags.cpu_rt_runtime or 0,
        "cpu_shares": flags.cpu_shares or 0,
        "cpuset_cpus": flags.cpuset_cpus or "",
        "cpuset_mems": flags.cpuset_mems or "",
        "device_cgroup_rules": flags.device_cgroup_rule,
        "memory_swappiness": flags.memory_swappiness,
        "oom_kill_disable": bool(flags.oom_kill_disable),
        "oom_score_adj": flags.oom_score_adj,
    }
    if flags.memory_reservation is not None:
        found["memory_reservation_bytes"] = parse.parse_size(flags.memory_reservation, "memory-reservation")
    if flags.memory_swap is not None:
        found["memory_swap_bytes"] = parse.parse_swap(flags.memory_swap)
    return found

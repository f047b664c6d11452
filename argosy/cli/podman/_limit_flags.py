"""The flags of `create` that a container which is there already can have otherwise: `update` and `container clone`."""

from __future__ import annotations

from argosy.cli.podman._container_table import FLAGS, CreateFlags
from argosy.spec import parse
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.cli.flags import Flag

_NAMES = frozenset(
    (
        *("blkio-weight", "blkio-weight-device", "cpu-period", "cpu-quota", "cpu-rt-period", "cpu-rt-runtime"),
        *("cpu-shares", "cpus", "cpuset-cpus", "cpuset-mems", "device-read-bps", "device-read-iops"),
        *("device-write-bps", "device-write-iops", "memory", "memory-reservation", "memory-swap", "memory-swappiness"),
        *("pids-limit", "restart"),
    )
)


class LimitOptions(Value):
    """What `update` and `container clone` both take."""

    operands: tuple[str, ...]
    blkio_weight: str | None
    blkio_weight_device: tuple[str, ...]
    cpu_period: int | None
    cpu_quota: int | None
    cpu_rt_period: int | None
    cpu_rt_runtime: int | None
    cpu_shares: int | None
    cpus: str | None
    cpuset_cpus: str | None
    cpuset_mems: str | None
    device_read_bps: tuple[str, ...]
    device_write_bps: tuple[str, ...]
    memory: str | None
    memory_reservation: str | None
    memory_swap: str | None
    memory_swappiness: int | None


def flags(*without: str) -> tuple[Flag, ...]:
    """Those flags, in the words of `create`."""
    return tuple(flag for flag in FLAGS if flag.name in _NAMES - set(without) and not flag.only)


def health_flags() -> tuple[Flag, ...]:
    """Those about health checks."""
    return tuple(flag for flag in FLAGS if flag.name.startswith("health-") or flag.name == "no-healthcheck")


def changes(options: Value) -> dict[str, Any]:
    """The fields of ContainerOptions that the flags in `options` name.  Raises BadOption."""
    own = {flag.key for flag in flags()} & set(options._fields)
    given = {key: value for key in own if (value := getattr(options, key)) not in (None, "", ())}
    if not given:
        return {}
    from argosy.cli.podman import _container_limits

    initial = {flag.key: flag.initial for flag in FLAGS}
    whole = CreateFlags(operands=("",), **{**initial, **given})
    found = {name: value for name, value in _container_limits.read(whole).items() if value not in ((), {})}
    for key, field, reader in (
        ("memory", "memory_bytes", lambda text: parse.parse_size(text, "memory")),
        ("cpus", "nano_cpus", parse.parse_cpus),
        ("pids_limit", "pids_limit", parse.parse_pids_limit),
        ("restart", "restart", parse.parse_restart),
    ):
        if key in given:
            found[field] = reader(given[key])
    return found

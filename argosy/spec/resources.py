"""Limits and devices: `linux.resources` and `linux.devices` of the specification."""

from __future__ import annotations

from argosy.errors import Unsupported
from argosy.spec.options import BadOption

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.spec.generate import HostNode, SpecRequest

_CPU_PERIOD_US = 100_000


def resources(request: SpecRequest) -> dict[str, Any]:
    """linux.resources.  Raises Unsupported when a limit that was asked for cannot hold on this host.

    A rootless container has no device rules: it can make no device nodes, and nobody there may load a device filter.
    """
    options = request.options
    found: dict[str, Any] = {}
    if not request.rootless:
        found["devices"] = [{"allow": options.privileged, "access": "rwm"}]
        if not options.privileged:
            found["devices"] += [_rule(node) for node in request.nodes]
    _limit_pids(request, found)
    _limit_memory(request, found)
    _limit_cpu(request, found)
    return found


def _need(request: SpecRequest, controller: str, flag: str) -> None:
    """Raise Unsupported when a limit that was asked for would be dropped without a word by the runtime."""
    why = request.unlimited.get(controller)
    if why is not None:
        raise Unsupported(f"cannot apply {flag}: {why}", hint=f"leave out {flag}")


def _limit_pids(request: SpecRequest, found: dict[str, Any]) -> None:
    """--pids-limit, else the default, which goes where it cannot hold."""
    limit = request.options.pids_limit
    if limit is None:
        limit = 0 if "pids" in request.unlimited else max(request.conf.pids_limit, 0)
    elif limit > 0:
        _need(request, "pids", "--pids-limit")
    if limit > 0:
        found["pids"] = {"limit": limit}


def _limit_memory(request: SpecRequest, found: dict[str, Any]) -> None:
    options = request.options
    memory: dict[str, int] = {}
    if options.memory_bytes:
        _need(request, "memory", "--memory")
        memory["limit"] = options.memory_bytes
    if options.memory_reservation_bytes:
        _need(request, "memory", "--memory-reservation")
        memory["reservation"] = options.memory_reservation_bytes
    if options.memory_swap_bytes:
        _need(request, "memory", "--memory-swap")
        if not options.memory_bytes:
            raise BadOption("you should always set the memory limit when using the memoryswap limit")
        if not request.swap_limited:
            raise Unsupported("cannot apply --memory-swap: this kernel does not count swap", hint="swapaccount=1")
        memory["swap"] = options.memory_swap_bytes
    elif options.memory_bytes and request.swap_limited:
        memory["swap"] = 2 * options.memory_bytes
    if memory:
        found["memory"] = memory


def _limit_cpu(request: SpecRequest, found: dict[str, Any]) -> None:
    options = request.options
    cpu: dict[str, Any] = {}
    if options.nano_cpus:
        _need(request, "cpu", "--cpus")
        cpu = {"period": _CPU_PERIOD_US, "quota": options.nano_cpus * _CPU_PERIOD_US // 1_000_000_000}
    if options.cpu_shares:
        _need(request, "cpu", "--cpu-shares")
        cpu["shares"] = options.cpu_shares
    for key, value in (("cpus", options.cpuset_cpus), ("mems", options.cpuset_mems)):
        if value:
            _need(request, "cpuset", f"--cpuset-{key}")
            cpu[key] = value
    if cpu:
        found["cpu"] = cpu


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

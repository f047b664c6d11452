"""`pod inspect`: all that is known about a pod, as a document with podman's fields in podman's order.

What concerns the namespaces, the network and the mounts is that of the infra container.
"""

from __future__ import annotations

from argosy.containers import inspect as containers
from argosy.containers import podgroup
from argosy.errors import ArgosyError
from argosy.pods import listing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.containers.site import Site
    from argosy.spec.options import ContainerOptions

_PERIOD_US = 100_000


def inspect(site: Site, pod_id: str) -> dict[str, Any]:
    """The pod's document.  Raises NotFound, or Invalid when its record is damaged."""
    view = listing.view(site, pod_id)
    pod, options = view.record, view.record.options
    parent, group = podgroup.shown(site, pod)
    infra = _infra(site, pod.infra_id)
    listed = [{"Id": one.id, "Name": one.name, "State": one.run.status} for one in view.containers]
    return {
        "Id": pod.id,
        "Name": pod.name,
        "Created": containers.moment(pod.created_at),
        "CreateCommand": list(options.create_command),
        "ExitPolicy": pod.exit_policy,
        "State": view.status,
        "Hostname": options.hostname,
        **({"Labels": dict(options.labels)} if options.labels else {}),
        "CreateCgroup": bool(group and pod.infra_id),
        "CgroupParent": parent,
        **({"CgroupPath": group} if group and pod.infra_id else {}),
        "CreateInfra": bool(pod.infra_id),
        **({"InfraContainerID": pod.infra_id} if pod.infra_id else {}),
        **({"InfraConfig": _infra_config(infra, options)} if infra else {}),
        **({"SharedNamespaces": list(pod.share)} if pod.share else {}),
        "NumContainers": len(listed),
        **({"Containers": listed} if listed else {}),
        **{key: value for key, value in _common(infra, options).items() if value},
    }


def _infra(site: Site, container_id: str) -> dict[str, Any]:
    """The document of the infra container; empty where there is none, or it is damaged or just removed."""
    if not container_id:
        return {}
    try:
        return containers.inspect(site, container_id)
    except ArgosyError:
        return {}


def _infra_config(infra: dict[str, Any], options: ContainerOptions) -> dict[str, Any]:
    host = infra["HostConfig"]
    mode = options.network
    uses = mode.networks if mode is not None and len(mode.networks) == 1 else ()
    return {
        "PortBindings": host["PortBindings"],
        "HostNetwork": host["NetworkMode"] == "host",
        "StaticIP": next((address for use in uses for address in use.addresses), ""),
        "StaticMAC": next((use.mac for use in uses), ""),
        "NoManageResolvConf": "none" in options.dns,
        "DNSServer": [server for server in options.dns if server != "none"] or None,
        "DNSSearch": list(options.dns_search) or None,
        "DNSOption": list(options.dns_options) or None,
        "NoManageHosts": bool(options.no_hosts),
        "HostAdd": list(options.add_hosts) or None,
        "Networks": list(infra["NetworkSettings"].get("Networks", ())) or None,
        "NetworkOptions": {mode.kind: list(mode.options)} if mode is not None and mode.options else None,
        **_cpu(options),
        "pid_ns": host["PidMode"],
        "userns": host["UsernsMode"] or "host",
        "uts_ns": host["UTSMode"],
    }


def _cpu(options: ContainerOptions) -> dict[str, Any]:
    quota = options.nano_cpus * _PERIOD_US // 1_000_000_000
    found = {"cpu_period": _PERIOD_US if quota else 0, "cpu_quota": quota, "cpuset_cpus": options.cpuset_cpus}
    return {key: value for key, value in found.items() if value}


def _common(infra: dict[str, Any], options: ContainerOptions) -> dict[str, Any]:
    """What holds for the pod as a whole, and what its containers inherit."""
    host = infra.get("HostConfig", {})
    rates = {"device-read-bps": "device_read_bps", "device-write-bps": "device_write_bps"}
    return {
        **_cpu(options),
        "blkio_weight": options.blkio_weight,
        "cpu_shares": options.cpu_shares,
        "cpuset_mems": options.cpuset_mems,
        "mounts": infra.get("Mounts"),
        "devices": host.get("Devices"),
        **{
            key: [{"Path": rate.path, "Rate": rate.rate} for rate in options.device_rates if rate.flag == flag]
            for flag, key in rates.items()
        },
        "volumes_from": list(options.volumes_from),
        "security_opt": host.get("SecurityOpt"),
        "memory_limit": options.memory_bytes,
        "memory_swap": options.memory_swap_bytes or 2 * options.memory_bytes,
    }

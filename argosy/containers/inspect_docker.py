"""`docker inspect` of a container: podman's document in docker's form."""

from __future__ import annotations

import os

from argosy.linux import signals
from argosy.network.model import network_id
from argosy.spec import security

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from argosy.containers.record import ContainerRecord

_STATE = (
    *("Status", "Running", "Paused", "Restarting", "OOMKilled", "Dead", "Pid", "ExitCode"),
    *("Error", "StartedAt", "FinishedAt"),
)
_HOST_CONFIG = (
    *("Binds", "ContainerIDFile", "LogConfig", "NetworkMode", "PortBindings", "RestartPolicy", "AutoRemove"),
    *("VolumeDriver", "VolumesFrom", "ConsoleSize", "CapAdd", "CapDrop", "CgroupnsMode", "Dns", "DnsOptions"),
    *("DnsSearch", "ExtraHosts", "GroupAdd", "IpcMode", "Cgroup", "Links", "OomScoreAdj", "PidMode", "Privileged"),
    *("PublishAllPorts", "ReadonlyRootfs", "SecurityOpt", "Tmpfs", "UTSMode", "UsernsMode", "ShmSize", "Runtime"),
    *("Isolation", "CpuShares", "Memory", "NanoCpus", "CgroupParent", "BlkioWeight", "BlkioWeightDevice"),
    *("BlkioDeviceReadBps", "BlkioDeviceWriteBps", "BlkioDeviceReadIOps", "BlkioDeviceWriteIOps", "CpuPeriod"),
    *("CpuQuota", "CpuRealtimePeriod", "CpuRealtimeRuntime", "CpusetCpus", "CpusetMems", "Devices"),
    *("MemoryReservation", "MemorySwap", "MemorySwappiness", "OomKillDisable", "Init", "PidsLimit", "Ulimits"),
    *("CpuCount", "CpuPercent", "IOMaximumIOps", "IOMaximumBandwidth"),
    *("DeviceCgroupRules", "DeviceRequests", "MaskedPaths", "ReadonlyPaths"),
)
_LISTS = (
    *("BlkioWeightDevice", "BlkioDeviceReadBps", "BlkioDeviceWriteBps", "BlkioDeviceReadIOps"),
    *("BlkioDeviceWriteIOps", "Devices"),
)
_CONFIG = (
    *("Hostname", "Domainname", "User", "AttachStdin", "AttachStdout", "AttachStderr", "Tty", "OpenStdin"),
    *("StdinOnce", "Env", "Cmd", "Image", "Volumes", "WorkingDir", "Entrypoint", "OnBuild", "Labels"),
    *("StopSignal", "StopTimeout"),
)


DEFAULT_NETWORK = "bridge"  # docker's name for it


def docker_form(
    document: Mapping[str, Any],
    record: ContainerRecord,
    default_network: str = "",
    health: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """`document`, which `inspect` made of the container with this record, as docker shows it.

    `default_network` is our name for what docker calls `DEFAULT_NETWORK`, `health` docker's form of what its health
    checks have found.
    """
    same = ("ResolvConfPath", "HostnamePath", "HostsPath")
    return {
        **{key: document[key] for key in ("Id", "Created", "Path", "Args")},
        "State": {**{key: document["State"][key] for key in _STATE}, **({"Health": health} if health else {})},
        "Image": record.image.id,
        **{key: document[key] for key in same},
        "LogPath": document["HostConfig"]["LogConfig"]["Path"],
        "Name": f"/{document['Name']}",
        "RestartCount": document["RestartCount"],
        "Driver": document["Driver"],
        "Platform": "linux",
        **{key: document[key] for key in ("MountLabel", "ProcessLabel", "AppArmorProfile")},
        "ExecIDs": document["ExecIDs"] or None,
        "HostConfig": _host_config(document["HostConfig"], record, document["OCIRuntime"]),
        "GraphDriver": {"Data": document["GraphDriver"]["Data"], "Name": document["GraphDriver"]["Name"]},
        **{key: document[key] for key in ("SizeRw", "SizeRootFs") if key in document},
        "Mounts": document["Mounts"],
        "Config": _config(document["Config"], record),
        "NetworkSettings": {
            **document["NetworkSettings"],
            "SecondaryIPAddresses": None,
            **_networks(document, default_network),
        },
    }


def _host_config(found: Mapping[str, Any], record: ContainerRecord, runtime: str) -> dict[str, Any]:
    """What was asked for: docker shows no limit and no capability that the engine has chosen by itself."""
    log, asked = found["LogConfig"], record.options
    masked, read_only = security.hidden_paths(asked.security)
    changed = {
        **found,
        "LogConfig": {"Type": log["Type"], "Config": dict(record.options.log_options)},
        "RestartPolicy": {**found["RestartPolicy"], "Name": found["RestartPolicy"]["Name"] or "no"},
        "CgroupnsMode": found["CgroupMode"],
        **{key: "" for key in ("PidMode", "UTSMode") if found[key] == "private"},
        "CapAdd": list(asked.cap_add) or None,
        "CapDrop": list(asked.cap_drop) or None,
        "IpcMode": found["IpcMode"] if asked.ipc else "private",
        "Runtime": os.path.basename(runtime),
        "PidsLimit": found["PidsLimit"] if asked.pids_limit else None,
        "MemorySwappiness": asked.memory_swappiness,
        "Ulimits": [{"Name": one.name, "Hard": one.hard, "Soft": one.soft} for one in asked.ulimits],
        "DeviceCgroupRules": list(asked.device_cgroup_rules) or None,
        "DeviceRequests": None,
        "MaskedPaths": None if asked.privileged else list(masked),
        "ReadonlyPaths": None if asked.privileged else list(read_only),
        **{key: found[key] or [] for key in _LISTS},
        "ExtraHosts": found["ExtraHosts"] or None,
        "GroupAdd": found["GroupAdd"] or None,
        "SecurityOpt": found["SecurityOpt"] or None,
        "Binds": found["Binds"] or None,
    }
    if not found["Tmpfs"]:
        del changed["Tmpfs"]
    return {key: changed[key] for key in _HOST_CONFIG if key in changed}


def _config(found: Mapping[str, Any], record: ContainerRecord) -> dict[str, Any]:
    asked, image = record.options, record.image_config
    env = dict(text.partition("=")[::2] for text in image.env)
    env.update(asked.env)
    entrypoint = image.entrypoint if asked.entrypoint is None else asked.entrypoint
    changed = {
        **found,
        "Entrypoint": list(entrypoint) or None,
        "Env": [f"{name}={value}" for name, value in env.items()] or None,
        "WorkingDir": asked.workdir or image.working_dir,
        "Image": asked.image,
        "Labels": found["Labels"] or {},
        "Volumes": {path: {} for path in image.volumes} or None,
        "StopSignal": signals.name(found["StopSignal"])
        if isinstance(found["StopSignal"], int)
        else found["StopSignal"],
    }
    if asked.stop_timeout_s is None:
        del changed["StopTimeout"]
    if not (asked.stop_signal or image.stop_signal):
        del changed["StopSignal"]
    shown = {key: changed[key] for key in _CONFIG if key in changed}
    if asked.health is not None:
        from argosy.containers.health import documents

        shown["Healthcheck"] = documents.docker_config(asked.health)
    return shown


def _networks(document: Mapping[str, Any], default: str) -> dict[str, Any]:
    """The networks by docker's names, with their ids; docker names `none` and `host` too."""
    mode = document["HostConfig"]["NetworkMode"]
    if mode not in ("none", "host"):
        found = document["NetworkSettings"].get("Networks", {})
        return {
            "Networks": {
                DEFAULT_NETWORK if name == default else name: {**place, "NetworkID": network_id(name)}
                for name, place in found.items()
            }
        }
    zero = {"IPAddress": "", "IPPrefixLen": 0, "Gateway": "", "MacAddress": "", "NetworkID": "", "EndpointID": ""}
    return {"Networks": {mode: zero}}

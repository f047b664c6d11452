"""The parts `Config` and `HostConfig` of a container's document."""

from __future__ import annotations

from argosy.config.containers import DEFAULT_CAPABILITIES
from argosy.containers import facts, inspect_network
from argosy.containers import groups as cgroups
from argosy.containers import record as records
from argosy.errors import ArgosyError
from argosy.linux import host, signals
from argosy.oci.runtimespec import CAPABILITIES
from argosy.spec import generate, mounts, parse, process, security
from argosy.spec.options import Mount, NamespaceMode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from argosy.containers.inspect import Subject
    from argosy.spec.options import ContainerOptions, HealthCheck, SecretUse

# What runtime-tools, and so podman, counts CapAdd and CapDrop from: docker's defaults.
_USUAL_CAPABILITIES = frozenset((*DEFAULT_CAPABILITIES, "CAP_MKNOD", "CAP_NET_RAW", "CAP_AUDIT_WRITE"))
_OWN_ANNOTATIONS = ("run.oci.",)  # what we tell the runtime; a whole filter may be in there
_CPU_PERIOD_US = 100_000
_SIGNED = 1 << 63


def words(subject: Subject) -> list[str]:
    """The program and its arguments."""
    if subject.process:
        return list(subject.process["args"])
    options = subject.record.options
    found = process.arguments(options, subject.record.image_config)
    return [mounts.INIT_PATH, "--", *found] if options.init else found


def capabilities(subject: Subject) -> Mapping[str, list[str]]:
    """process.capabilities; empty where this host cannot give what was asked for."""
    if subject.process:
        found: Mapping[str, list[str]] = subject.process.get("capabilities", {})
        return found
    record = subject.record
    user = (record.options.user or record.image_config.user).partition(":")[0]
    held = host.effective_capabilities() & host.bounding_capabilities()
    try:
        return security.capabilities(
            record.options, subject.site.conf.default_capabilities, held, root=user in ("", "0", "root")
        )
    except ArgosyError:
        return {}


def config(subject: Subject) -> dict[str, Any]:
    """What runs in the container."""
    record, conf = subject.record, subject.site.conf
    options, image = record.options, record.image_config
    entrypoint = image.entrypoint if options.entrypoint is None else options.entrypoint
    command = options.command or (image.cmd if options.entrypoint is None else ())
    return {
        "Hostname": _hostname(subject),
        "Domainname": options.domainname,
        "User": options.user or image.user,
        "AttachStdin": False,
        "AttachStdout": False,
        "AttachStderr": False,
        "Tty": options.tty,
        "OpenStdin": options.interactive,
        "StdinOnce": False,
        "Env": _environment(subject),
        "Cmd": list(command) or None,
        "Image": record.image.name,
        "Volumes": None,
        "WorkingDir": subject.process.get("cwd") or process.directory_of(options, image),
        "Entrypoint": " ".join(entrypoint),
        "OnBuild": None,
        "Labels": {**image.labels, **options.labels} or None,
        "Annotations": _annotations(subject),
        "StopSignal": signals.parse(options.stop_signal or image.stop_signal or "TERM"),
        **_healthcheck(options.health),
        **({"CreateCommand": list(options.create_command)} if options.create_command else {}),
        **({"Timezone": options.timezone} if options.timezone else {}),
        **({"SystemdMode": True} if process.runs_systemd(options, image) else {}),
        "Umask": (options.umask or conf.umask).zfill(4),
        **_secrets(options.secrets),
        "Timeout": options.timeout_s,
        "StopTimeout": conf.stop_timeout if options.stop_timeout_s is None else options.stop_timeout_s,
        **({"Passwd": True} if options.passwd else {}),
        **({"ChrootDirs": list(options.chroot_dirs)} if options.chroot_dirs else {}),
        "sdNotifyMode": options.sdnotify or "container",
    }


def _healthcheck(check: HealthCheck | None) -> dict[str, Any]:
    if check is None:
        return {"HealthcheckOnFailureAction": "none"}
    from argosy.containers.health import documents

    return documents.config(check)


def _secrets(uses: tuple[SecretUse, ...]) -> dict[str, Any]:
    if not any(not use.env for use in uses):
        return {}
    from argosy.containers import secret_data

    return {"Secrets": secret_data.document(uses)}


def _hostname(subject: Subject) -> str:
    record = subject.record
    try:
        outer = facts.outer_hostname(subject.site, record)
    except (ArgosyError, OSError):
        outer = ""  # that of a container which does not run
    return str(subject.bundle.get("hostname") or generate.hostname(record.options, record.id, outer))


def _environment(subject: Subject) -> list[str]:
    """The environment; HOME is decided at the start."""
    if subject.process:
        env = list(subject.process["env"])
        if subject.record.options.secrets:
            from argosy.containers import secret_data

            return secret_data.without_variables(subject.record.options.secrets, env)
        return env
    record = subject.record
    found = process.environment(
        record.options, record.image_config, subject.site.conf, home="", hostname=_hostname(subject)
    )
    return [entry for entry in found if entry != "HOME="]


def _annotations(subject: Subject) -> dict[str, str]:
    found = subject.bundle.get("annotations") or subject.record.options.annotations
    return {key: value for key, value in sorted(found.items()) if not key.startswith(_OWN_ANNOTATIONS)}


def host_config(subject: Subject) -> dict[str, Any]:
    """What the container gets of the host: mounts, namespaces, privileges, limits."""
    options, conf = subject.record.options, subject.site.conf
    bounding = set(capabilities(subject).get("bounding", ()))
    usual = _USUAL_CAPABILITIES if not options.privileged else frozenset(CAPABILITIES)
    read_only = subject.bundle.get("root", {}).get("readonly", options.read_only)
    return {
        "Binds": _binds(subject),
        **_cgroup_modes(subject),
        "ContainerIDFile": options.cidfile,
        "LogConfig": _log_config(subject),
        "NetworkMode": _network_mode(subject),
        "PortBindings": inspect_network.port_bindings(subject.record),
        "RestartPolicy": {
            "Name": options.restart.name if options.restart.name != "no" else "",
            "MaximumRetryCount": options.restart.max_retries,
        },
        "AutoRemove": options.remove,
        "VolumeDriver": "",
        "VolumesFrom": list(options.volumes_from) or None,
        "CapAdd": sorted(bounding - usual),
        "CapDrop": sorted(usual - bounding),
        "Dns": list(options.dns),
        "DnsOptions": list(options.dns_options),
        "DnsSearch": list(options.dns_search),
        "ExtraHosts": list(options.add_hosts),
        "GroupAdd": list(options.groups),
        "IpcMode": _mode(subject, options.ipc, conf.ipcns),
        "Cgroup": "",
        "Cgroups": "disabled" if options.cgroups == "disabled" else "default",
        "Links": None,
        "OomScoreAdj": options.oom_score_adj or 0,
        "PidMode": _mode(subject, options.pid, conf.pidns),
        "Privileged": options.privileged,
        "PublishAllPorts": False,
        "ReadonlyRootfs": read_only,
        "SecurityOpt": _security_options(subject),
        "Tmpfs": _tmpfs(subject),
        "UTSMode": _mode(subject, options.uts, conf.utsns),
        **_user_namespace(subject),
        "ShmSize": generate.shm_size_bytes(options, conf),
        "Runtime": "oci",
        "ConsoleSize": [0, 0],
        "Isolation": "",
        **_limits(subject),
        "CgroupConf": dict(options.cgroup_conf) or None,
    }


def _user_namespace(subject: Subject) -> dict[str, Any]:
    """As podman: a mode that makes a namespace is "private", whatever it is called, and the map says the rest."""
    mode, id_map = subject.record.options.userns, subject.record.id_map
    if mode is None or mode.kind == "host":
        return {"UsernsMode": ""}
    shown = f"{mode.kind}:{mode.target}" if mode.kind in ("container", "ns") else "private"
    if id_map is None:
        return {"UsernsMode": shown}
    uids, gids = ([":".join(map(str, line)) for line in lines] for lines in id_map.lines())
    return {"UsernsMode": shown, "IDMappings": {"UidMap": uids, "GidMap": gids}}


def _binds(subject: Subject) -> list[str]:
    return [
        f"{mount.source or mount.kind}:{mount.target}:{','.join(mounts.told(mount))}"
        for mount in subject.mounts()
        if mounts.is_listed(mount) and mount.kind != "image"
    ]


def _tmpfs(subject: Subject) -> dict[str, str]:
    options = subject.record.options
    found = {}
    if options.read_only and options.read_only_tmpfs:
        found = {path: Mount("tmpfs", "", path) for path in mounts.READ_ONLY_TMPFS}
    for mount in subject.mounts():
        if mount.kind == "tmpfs" and mount.origin != "image":
            found[mount.target] = mount
        else:
            found.pop(mount.target, None)
    return {path: ",".join(mounts.told(mount)) for path, mount in found.items()}


def _cgroup_modes(subject: Subject) -> dict[str, str]:
    site, options = subject.site, subject.record.options
    groups = cgroups.detect(site)
    manager = site.cgroup_manager or site.conf.cgroup_manager or groups.manager
    if subject.plan is not None:
        manager = {"disabled": "none"}.get(subject.plan.runtime.cgroup_manager, subject.plan.runtime.cgroup_manager)
    default = site.conf.cgroupns or ("private" if groups.mode == "v2" else "host")
    return {"CgroupManager": manager, "CgroupMode": _mode(subject, options.cgroupns, default)}


def _cgroup_parent(subject: Subject) -> str:
    """What was asked for, or the group of its pod."""
    site, options = subject.site, subject.record.options
    if not options.pod:
        return options.cgroup_parent
    from argosy.containers import podgroup

    groups = cgroups.detect(site)
    return podgroup.parent_of(site, groups, cgroups.manager_for(site, groups, options.cgroups), options)


def _log_config(subject: Subject) -> dict[str, Any]:
    site, record = subject.site, subject.record
    options, driver = record.options, records.log_driver(site, record)
    in_file = driver in ("k8s-file", "json-file") or "path" in options.log_options
    return {
        "Type": driver,
        "Config": None,
        "Path": records.log_path(site, record) if in_file else "",
        "Tag": options.log_options.get("tag", site.conf.log_tag),
        "Size": _shown_size(max(records.log_size_max(site, record), 0)),
    }


def _shown_size(size: float) -> str:
    """A size as docker shows it, in powers of a thousand with four digits."""
    units = iter(("B", "kB", "MB", "GB", "TB", "PB"))
    unit = next(units)
    while size >= 1000:
        size, unit = size / 1000, next(units)
    return f"{size:.4g}{unit}"


def _network_mode(subject: Subject) -> str:
    """How it is connected, or for one that is not and leaves the choice to us, what it asked for."""
    asked = subject.record.options.network
    kind, target = ("private", "") if asked is None else (asked.kind, asked.target)
    if kind == "private":
        if subject.network is not None:
            return subject.network.mode
        configured = subject.site.conf.netns
        best = "private" if subject.site.namespace.rootless else "bridge"
        return best if configured in ("", "private") else configured
    if kind == "container":
        target = subject.other(target)
    return f"{kind}:{target}" if target else kind


def _mode(subject: Subject, mode: NamespaceMode | None, default: str) -> str:
    chosen = mode or NamespaceMode(default)
    if chosen.kind == "container":
        return f"container:{subject.other(chosen.target)}"
    return f"{chosen.kind}:{chosen.target}" if chosen.target else chosen.kind


def _security_options(subject: Subject) -> list[str]:
    asked = subject.record.options.security
    found = ["no-new-privileges"] if asked.no_new_privileges else []
    found += [f"label={text}" for text in asked.label]
    found += [f"seccomp={asked.seccomp}"] if asked.seccomp else []
    found += [f"apparmor={asked.apparmor}"] if asked.apparmor else []
    return found


def _limits(subject: Subject) -> dict[str, Any]:
    """Resources, in docker's words; what podman reports and nobody can ask for here is as nobody had asked."""
    options = subject.record.options
    found = subject.bundle.get("linux", {}).get("resources", {})
    memory, cpu = found.get("memory", {}), found.get("cpu", {})
    default_pids = subject.site.conf.pids_limit if options.cgroups != "disabled" else 0
    asked_pids = default_pids if options.pids_limit is None else options.pids_limit
    pids = found.get("pids", {}).get("limit", 0) if subject.bundle else asked_pids
    swap = options.memory_swap_bytes or (0 if subject.bundle else 2 * options.memory_bytes)
    quota = options.nano_cpus * _CPU_PERIOD_US // 1_000_000_000
    swappiness = -1 if options.memory_bytes or options.memory_reservation_bytes else 0
    return {
        "CpuShares": options.cpu_shares,
        "Memory": options.memory_bytes,
        "NanoCpus": options.nano_cpus,
        "CgroupParent": _cgroup_parent(subject),
        "BlkioWeight": options.blkio_weight,
        **_rates(options),
        "CpuPeriod": cpu.get("period", options.cpu_period_us or (_CPU_PERIOD_US if quota else 0)),
        "CpuQuota": cpu.get("quota", options.cpu_quota_us or quota),
        "CpuRealtimePeriod": options.cpu_rt_period_us,
        "CpuRealtimeRuntime": options.cpu_rt_runtime_us,
        "CpusetCpus": options.cpuset_cpus,
        "CpusetMems": options.cpuset_mems,
        "Devices": [
            {"PathOnHost": device.source, "PathInContainer": device.target, "CgroupPermissions": device.permissions}
            for device in options.devices
        ],
        "DiskQuota": 0,
        "KernelMemory": 0,
        "MemoryReservation": options.memory_reservation_bytes,
        "MemorySwap": max(memory.get("swap", swap), 0),
        "MemorySwappiness": swappiness if options.memory_swappiness is None else options.memory_swappiness,
        "OomKillDisable": options.oom_kill_disable,
        **({"Init": True} if options.init else {}),
        "PidsLimit": pids,
        "Ulimits": _ulimits(subject),
        "CpuCount": 0,
        "CpuPercent": 0,
        "IOMaximumIOps": 0,
        "IOMaximumBandwidth": 0,
    }


_RATES = {
    "BlkioDeviceReadBps": "device-read-bps",
    "BlkioDeviceWriteBps": "device-write-bps",
    "BlkioDeviceReadIOps": "device-read-iops",
    "BlkioDeviceWriteIOps": "device-write-iops",
}


def _rates(options: ContainerOptions) -> dict[str, Any]:
    """podman has null for all where nothing was asked of block devices, else an empty list for each other one."""
    if not (options.blkio_weight or options.blkio_weight_devices or options.device_rates):
        return dict.fromkeys(("BlkioWeightDevice", *_RATES))
    weights = [{"Path": item.path, "Weight": item.weight} for item in options.blkio_weight_devices]
    found: dict[str, Any] = {"BlkioWeightDevice": weights}
    for key, flag in _RATES.items():
        found[key] = [{"Path": rate.path, "Rate": rate.rate} for rate in options.device_rates if rate.flag == flag]
    return found


def _ulimits(subject: Subject) -> list[dict[str, Any]]:
    limits: list[Mapping[str, Any]] | None = subject.process.get("rlimits")
    if limits is None:
        defaults = tuple(map(parse.parse_ulimit, subject.site.conf.default_ulimits))
        limits = [*security.rlimits(subject.record.options.ulimits, defaults, (), may_raise=True)]
    return [{"Name": limit["type"], "Soft": _signed(limit["soft"]), "Hard": _signed(limit["hard"])} for limit in limits]


def _signed(limit: int) -> int:
    """RLIM_INFINITY as -1."""
    return -1 if limit >= _SIGNED else limit

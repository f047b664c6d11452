"""A container as podman's SpecGenerator: the JSON from which libpod's API makes another one like it.

The fields that podman 4.3.1 writes are as it writes them.  It forgets the rest of what a container was asked for (its
host name, capabilities, read-only root, restart limit, ...), and makes "private" of --network none and host; those
are written too, under the names that SpecGenerator has for them, so that the copy is no less confined.
"""

from __future__ import annotations

from argosy.linux import host, signals
from argosy.spec import generate, mounts, process, resources
from argosy.spec.options import Mount, NamespaceMode, NetworkMode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.containers.inspect import Subject
    from argosy.spec.options import ContainerOptions, Device, PortMapping

_WORD = 1 << 64  # Go's RLIM_INFINITY is the largest unsigned number
_AUTO = {
    "Size": 0,
    "InitialSize": 0,
    "PasswdFile": "",
    "GroupFile": "",
    "AdditionalUIDMappings": None,
    "AdditionalGIDMappings": None,
}
_KEPT_EMPTY = frozenset(
    ("init_container_type", "image", "stop_timeout", "use_image_hosts", "Networks", "oom_score_adj")
)


def document(subject: Subject, name: str) -> dict[str, Any]:
    """The specification, under the name `name`; what nobody asked for is left out, as Go's omitempty does."""
    fields = {
        "name": name,
        "pod": subject.record.options.pod,
        **_process(subject),
        **_life(subject),
        "image": subject.record.image.id.partition(":")[2],
        "rootfs": subject.record.options.rootfs,
        **_storage(subject),
        **_security(subject),
        **_namespaces(subject),
        **_network(subject),
        "resource_limits": _resources(subject),
        **_limits(subject.record.options),
    }
    return {key: value for key, value in fields.items() if key in _KEPT_EMPTY or value not in (None, "", 0, [], {})}


def _process(subject: Subject) -> dict[str, Any]:
    options, image = subject.record.options, subject.record.image_config
    env = process.chosen_environment(options, image, subject.site.conf)
    if options.hostname:
        env.setdefault("HOSTNAME", options.hostname)
    return {
        "entrypoint": list(image.entrypoint if options.entrypoint is None else options.entrypoint),
        "command": list(options.command or (image.cmd if options.entrypoint is None else ())),
        "env": dict(sorted(env.items())),
        "secret_env": {use.target: use.name for use in options.secrets if use.env},
        "terminal": options.tty,
        "stdin": options.interactive,
        "labels": dict(sorted({**image.labels, **options.labels}.items())),
        "annotations": dict(sorted(options.annotations.items())),
        "work_dir": options.workdir,
        "user": options.user or image.user,
        "groups": list(options.groups),
        "umask": (options.umask or subject.site.conf.umask).zfill(4),
        "timezone": options.timezone,
    }


def _life(subject: Subject) -> dict[str, Any]:
    """How it is started, ended and started again."""
    options = subject.record.options
    policy, stop_signal = options.restart, options.stop_signal or subject.record.image_config.stop_signal
    log = {"driver": options.log_driver, "options": dict(options.log_options)}
    return {
        "stop_signal": signals.parse(stop_signal) if stop_signal else None,
        "timeout": options.timeout_s,
        "restart_policy": policy.name if policy.name != "no" else "",
        "restart_tries": policy.max_retries,
        "remove": options.remove,
        "volatile": options.remove,
        "oci_runtime": options.runtime,
        "systemd": options.systemd,
        "sdnotifyMode": options.sdnotify or "container",
        "log_configuration": {key: value for key, value in log.items() if value},
        "dependencyContainers": list(options.requires),
        "containerCreateCommand": list(options.create_command),
        "init_container_type": "",
        **({} if options.stop_timeout_s is None else {"stop_timeout": options.stop_timeout_s}),
    }


def _storage(subject: Subject) -> dict[str, Any]:
    options = subject.record.options
    anonymous = {use.name for use in subject.record.volumes if use.anonymous}
    own = [mount for mount in subject.mounts() if mount.origin != "image" or mount.kind == "volume"]
    if options.read_only and options.read_only_tmpfs:
        taken = {mount.target for mount in own}
        own += [Mount("tmpfs", "", path) for path in mounts.READ_ONLY_TMPFS if path not in taken]
    return {
        "init": options.init,
        "init_path": options.init_path,
        "mounts": [_mount(mount) for mount in own if mount.kind not in ("volume", "image") and not mount.overlay],
        "volumes": [
            {
                "Name": mount.source,
                "Dest": mount.target,
                "Options": mounts.told(mount),
                "IsAnonymous": mount.source in anonymous,
            }
            for mount in own
            if mount.kind == "volume"
        ],
        "overlay_volumes": [
            {"destination": mount.target, "source": mount.source, "options": _asked(mount)}
            for mount in own
            if mount.overlay
        ],
        "image_volumes": [
            {"Destination": mount.target, "Source": mount.source, "ReadWrite": not mount.read_only}
            for mount in own
            if mount.kind == "image"
        ],
        "secrets": [
            {"Source": use.name, "Target": use.target, "UID": use.uid, "GID": use.gid, "Mode": use.mode}
            for use in options.secrets
            if not use.env
        ],
        "host_device_list": [
            {"path": _device(device), "type": "", "major": 0, "minor": 0} for device in options.devices
        ],
        "shm_size": generate.shm_size_bytes(options, subject.site.conf),
    }


def _device(device: Device) -> str:
    """--device as it was written: libpod reads the path as that."""
    if device.permissions != "rwm":
        return f"{device.source}:{device.target}:{device.permissions}"
    return device.source if device.target == device.source else f"{device.source}:{device.target}"


def _asked(mount: Mount) -> list[str]:
    """The options without the defaults."""
    defaults = {*mounts.completed(mount)} - {*mount.options}
    return [word for word in mounts.told(mount) if word not in defaults]


def _mount(mount: Mount) -> dict[str, Any]:
    return {
        "destination": mount.target,
        "type": mount.kind,
        "source": mount.source or mount.kind,
        "options": mounts.told(mount),
    }


def _security(subject: Subject) -> dict[str, Any]:
    options = subject.record.options
    asked = options.security
    return {
        "privileged": options.privileged,
        "cap_add": list(options.cap_add),
        "cap_drop": list(options.cap_drop),
        "selinux_opts": list(asked.label) or ([] if host.selinux() and not options.privileged else ["disable"]),
        "apparmor_profile": asked.apparmor,
        "seccomp_profile_path": asked.seccomp,
        "seccomp_policy": options.seccomp_policy,
        "no_new_privileges": asked.no_new_privileges,
        "read_only_filesystem": options.read_only,
        "mask": list(asked.mask),
        "unmask": list(asked.unmask),
        "procfs_opts": list(asked.proc_options),
    }


def _namespaces(subject: Subject) -> dict[str, Any]:
    options = subject.record.options
    return {
        "pidns": _namespace(subject, options.pid),
        "utsns": _namespace(subject, options.uts, "private"),
        "ipcns": _namespace(subject, options.ipc),
        "cgroupns": _namespace(subject, options.cgroupns),
        **_user_namespace(subject),
        "hostname": options.hostname,
        "sysctl": dict(options.sysctls),
    }


def _namespace(subject: Subject, mode: NamespaceMode | None, default: str = "default") -> dict[str, str]:
    if mode is None:
        return {"nsmode": default}
    if mode.kind == "container":
        return {"nsmode": "container", "value": subject.other(mode.target)}
    return {"nsmode": "path", "value": mode.target} if mode.kind == "ns" else {"nsmode": mode.kind}


def _user_namespace(subject: Subject) -> dict[str, Any]:
    mode, id_map = subject.record.options.userns, subject.record.id_map
    uids, gids = ([], []) if id_map is None else id_map.lines()
    keys = ("container_id", "host_id", "size")
    wanted = {"nsmode": "default"}
    if mode is not None and mode.kind != "host":
        wanted = _namespace(subject, NamespaceMode(mode.kind, mode.target))
    return {
        "userns": wanted,
        "idmappings": {
            "HostUIDMapping": not uids,
            "HostGIDMapping": not gids,
            "UIDMap": [dict(zip(keys, line, strict=True)) for line in uids] or None,
            "GIDMap": [dict(zip(keys, line, strict=True)) for line in gids] or None,
            "AutoUserNs": mode is not None and mode.kind == "auto",
            "AutoUserNsOpts": _AUTO,
        },
    }


def _network(subject: Subject) -> dict[str, Any]:
    from argosy.containers import networks

    record, options = subject.record, subject.record.options
    uses = networks.named(subject.site, record)
    shown = {
        use.name: {
            **({"static_ips": list(use.addresses)} if use.addresses else {}),
            "aliases": [*use.aliases, record.id[:12]],
            **({"static_mac": use.mac} if use.mac else {}),
            "interface_name": use.interface or f"eth{number}",
        }
        for number, use in enumerate(uses)
    }
    mode = options.network or NetworkMode()
    own = mode.kind not in ("host", "none", "container", "ns")
    return {
        "netns": _network_mode(subject, mode, bridged=bool(uses)),
        "portmappings": [_port(port) for port in options.ports] if own else [],
        "publish_image_ports": options.publish_all,
        "expose": _exposed(options) if own else {},
        "Networks": shown or None,
        "use_image_hosts": bool(options.no_hosts),
        "hostadd": list(options.add_hosts),
        "dns_server": list(options.dns),
        "dns_search": list(options.dns_search),
        "dns_option": list(options.dns_options),
    }


def _network_mode(subject: Subject, mode: NetworkMode, *, bridged: bool) -> dict[str, Any]:
    if mode.kind == "private":
        return {"nsmode": "bridge" if bridged else "private"}
    found = _namespace(subject, NamespaceMode(mode.kind, mode.target))
    return {**found, "value": ",".join(mode.options)} if mode.options else found


def _port(port: PortMapping) -> dict[str, Any]:
    return {
        "host_ip": port.host_ip,
        "container_port": port.container_port,
        "host_port": port.host_port,
        "range": port.range,
        "protocol": port.protocol,
    }


def _exposed(options: ContainerOptions) -> dict[str, str]:
    """PORT to its protocols."""
    found: dict[str, str] = {}
    for item in options.expose:
        port, _, protocol = item.partition("/")
        found[port] = f"{found[port]},{protocol}" if port in found else protocol
    return dict(sorted(found.items()))


def _resources(subject: Subject) -> dict[str, Any]:
    """linux.resources, the default limit of processes included; of devices only what was asked for."""
    from argosy.containers import devices, limits

    options = subject.record.options
    if options.pids_limit is None and options.cgroups != "disabled":
        options = options.replace(pids_limit=max(subject.site.conf.pids_limit, 0))
    found: dict[str, Any] = {}
    if not options.privileged and not subject.site.namespace.rootless:
        found["devices"] = resources.device_rules(options, devices.nodes(subject.site, options))
    return {**found, **resources.limits(options, {}, limits.block_devices(options))}


def _limits(options: ContainerOptions) -> dict[str, Any]:
    return {
        "r_limits": [
            {"type": item.name, "hard": item.hard % _WORD, "soft": item.soft % _WORD} for item in options.ulimits
        ],
        **({} if options.oom_score_adj is None else {"oom_score_adj": options.oom_score_adj}),
        "cgroup_parent": options.cgroup_parent,
        "cgroups_mode": options.cgroups,
        "unified": dict(options.cgroup_conf),
        "personality": {"domain": options.personality} if options.personality else None,
    }

"""What the runtime specification needs to know of the host and of other containers, read beforehand."""

from __future__ import annotations

import os
import resource

from argosy.containers import state
from argosy.errors import ArgosyError, Invalid, NotFound
from argosy.linux import cgroup, files, host
from argosy.linux.idmap import outer
from argosy.spec import process, resources
from argosy.spec.generate import SpecRequest
from argosy.spec.options import Ulimit
from argosy.version import VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from argosy.config.containers import ContainersConf
    from argosy.containers.accounts import Accounts
    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site
    from argosy.linux.cgroup import Cgroups
    from argosy.linux.idmap import IdMap
    from argosy.network.attach import NetworkState
    from argosy.runtime.oci_runtime import OciRuntime
    from argosy.spec.cdi import Edits
    from argosy.spec.generate import HostNode
    from argosy.spec.options import ContainerOptions, Mount, NamespaceMode

_CAP_SYS_RESOURCE = 24
_TTY_GID = 5
_PROFILE_LIMIT = 4 << 20
_ACCOUNTS_LIMIT = 2 << 20
_SYSTEMD_HIERARCHY = "/sys/fs/cgroup/systemd"
_THROTTLE = "/sys/devices/system/cpu/cpu{}/thermal_throttle"
_OLD_CRUN = (1, 9)
_HOSTNAME_LIMIT = 64


def request(
    site: Site,
    record: ContainerRecord,
    groups: Cgroups,
    runtime: OciRuntime,
    *,
    rootfs: str,
    cgroups_path: str,
    mounts: tuple[Mount, ...],
    connected: NetworkState,
    files: Mapping[str, str],
    accounts: Accounts,
    shm_path: str,
) -> SpecRequest:
    """Everything that `spec.generate` asks for, for a container whose root is mounted and whose network is there."""
    options, namespace = record.options, site.namespace
    capabilities = host.effective_capabilities() & host.bounding_capabilities()
    enforced, profile = _apparmor(site, options)
    return SpecRequest(
        options=options,
        image=record.image_config,
        conf=_settable(site.conf),
        container_id=record.id,
        rootfs=rootfs,
        machine=os.uname().machine,
        files=files,
        mounts=mounts,
        passwd=_completed(files, accounts),
        group=accounts.group or b"",
        netns_path=connected.netns,
        host_network=connected.host,
        foreign_netns=connected.foreign or (record.id_map is not None and connected.mode == "container"),
        joined=_joined(site, record),
        shm_path=shm_path,
        **_user_namespace(site, record),
        hostname=outer_hostname(site, record),
        rootless=namespace.rootless,
        cgroup_mode=groups.mode,
        cgroups_path=cgroups_path,
        unlimited=_unlimited(site, record, groups, runtime),
        block_devices=_block_devices(record),
        capabilities=capabilities,
        rlimits=tuple(_rlimits()),
        may_raise_rlimits=namespace.initial and bool(capabilities >> _CAP_SYS_RESOURCE & 1),
        host_mqueue=os.path.exists("/dev/mqueue"),
        gid_5_mapped=_is_mapped(record.id_map or namespace.id_map, _TTY_GID),
        throttle_paths=_throttle_paths(),
        apparmor=enforced,
        apparmor_profile=profile,
        process_label=record.process_label,
        mount_label=record.mount_label,
        nodes=_nodes(site, record),
        cdi=_cdi(site, record),
        init_path=init_path(site, options) if options.init else "",
        systemd=process.runs_systemd(options, record.image_config),
        systemd_hierarchy=groups.mode != "v2" and os.path.isdir(_SYSTEMD_HIERARCHY),
        seccomp_profile=_seccomp_profile(site, record),
        compile_seccomp=_compiler(site) if _compiles_each_time(runtime) else None,
        annotations=_annotations(),
    )


def _covered(site: Site) -> tuple[str, ...]:
    from argosy.containers import nested

    return nested.covered(site)


def _settable(conf: ContainersConf) -> ContainersConf:
    """The configuration without sysctls where none can be set: in a container, they are read-only."""
    if conf.default_sysctls and os.statvfs("/proc/sys").f_flag & os.ST_RDONLY:
        return conf.replace(default_sysctls=())
    return conf


def _apparmor(site: Site, options: ContainerOptions) -> tuple[bool, str]:
    """Whether the host enforces AppArmor, and the container's profile."""
    if not host.apparmor():
        return False, ""
    from argosy.containers import confinement

    return True, confinement.apparmor_profile(site, options)


def _completed(own: Mapping[str, str], accounts: Accounts) -> bytes:
    """The container's /etc/passwd: our file, which may know more users, or that of its tree.

    Not so its /etc/group: that a user is named as a member of his own group there adds no group to those he has.
    """
    path = own.get("/etc/passwd")
    return files.read(path, _ACCOUNTS_LIMIT) if path else accounts.passwd or b""


def _annotations() -> Mapping[str, str]:
    return {"org.argosy.version": VERSION}


def _unlimited(site: Site, record: ContainerRecord, groups: Cgroups, runtime: OciRuntime) -> dict[str, str]:
    """What cannot be limited here, and why.  That the default limit of processes goes is said once."""
    options = record.options
    if options.cgroups or resources.limited(options):
        from argosy.containers import limits

        found = limits.unlimited(groups, options, rootless=site.namespace.rootless, crun=runtime.is_crun)
    else:
        why = cgroup.can_limit(groups, "pids")
        found = {"pids": why} if why else {}
    if site.namespace.chroot:
        return found  # it was said already
    if "pids" in found and options.pids_limit is None and site.conf.pids_limit > 0 and options.cgroups != "disabled":
        text = f"the default limit of {site.conf.pids_limit} processes is not set: {found['pids']}"
        tell_once(site, "pids-limit", f"{text} (see `argosy doctor cgroups`)")
    return found


def tell_once(site: Site, key: str, text: str) -> None:
    """A notice that is said once for each boot, not with every container."""
    directory = f"{site.store.run}/cache"
    try:
        files.make_directories(directory)
        os.close(os.open(f"{directory}/told-{key}", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return
    site.notice(text)


def _block_devices(record: ContainerRecord) -> Mapping[str, tuple[int, int]]:
    if not (record.options.blkio_weight_devices or record.options.device_rates):
        return {}
    from argosy.containers import limits

    return limits.block_devices(record.options)


def _rlimits() -> Iterator[Ulimit]:
    for name in dir(resource):
        if name.startswith("RLIMIT_") and name not in ("RLIMIT_OFILE", "RLIMIT_VMEM", "RLIMIT_SWAP"):
            soft, hard = resource.getrlimit(getattr(resource, name))
            yield Ulimit(name[7:].lower(), soft, hard)


def _user_namespace(site: Site, record: ContainerRecord) -> dict[str, Any]:
    """The fields about a user namespace of the container's own, and about what is covered in ours."""
    found: dict[str, Any] = {} if site.namespace.initial else {"covered": _covered(site)}
    if record.id_map is None:
        return found
    from argosy.containers import entrance, usernamespace

    uids, gids = usernamespace.mappings(site, record.id_map)
    return {**found, "uid_mappings": uids, "gid_mappings": gids, "userns_path": entrance.user_namespace(site, record)}


def _is_mapped(id_map: IdMap, gid: int) -> bool:
    try:
        outer(id_map.gids, gid)
    except Invalid:
        return False
    return True


def _throttle_paths() -> tuple[str, ...]:
    if not os.path.exists(_THROTTLE.format(0)):
        return ()
    return tuple(path for number in range(os.cpu_count() or 1) if os.path.exists(path := _THROTTLE.format(number)))


def _nodes(site: Site, record: ContainerRecord) -> tuple[HostNode, ...]:
    if not (record.options.devices or record.options.privileged or site.conf.devices):
        return ()
    from argosy.containers import devices

    return tuple(devices.nodes(site, record.options))


def _cdi(site: Site, record: ContainerRecord) -> tuple[Edits, ...]:
    if not (record.options.cdi_devices or site.conf.devices):
        return ()
    from argosy.containers import devices

    return devices.cdi_edits(site, record.options)


def init_path(site: Site, options: ContainerOptions) -> str:
    """Where the program of --init is.  Raises NotFound, or ArgosyError where none is at the place that was named."""
    from argosy.linux.process import find_program

    wanted = options.init_path or site.conf.init_path or site.conf.engine_init_path or "catatonit"
    if wanted[:1] == "/" and not os.path.exists(wanted):
        raise ArgosyError(f"container-init binary not found on the host: stat {wanted}: no such file or directory")
    found = find_program(wanted, site.conf.helper_binaries_dir)
    if found is None:
        raise NotFound(
            "program", wanted, hint="--init needs catatonit: install it, or set init_path in containers.conf"
        )
    return found


def _seccomp_profile(site: Site, record: ContainerRecord) -> bytes | None:
    """The profile that the image brings (--seccomp-policy), or the user or containers.conf names; None for our own."""
    if record.options.seccomp_policy == "image":
        return record.image_config.labels[process.SECCOMP_LABEL].encode()
    path = record.options.security.seccomp or site.conf.seccomp_profile
    if path in ("", "unconfined"):
        return None
    return seccomp_file(path)


def seccomp_file(path: str) -> bytes:
    """The content of a file with a seccomp profile.  Raises ArgosyError where it cannot be read."""
    try:
        return files.read_regular(path, _PROFILE_LIMIT)
    except OSError as error:
        raise ArgosyError(f"opening seccomp profile failed: open {path}: {str(error.strerror).lower()}") from error


def _compiles_each_time(runtime: OciRuntime) -> bool:
    """crun before 1.9 compiles the filter at each start, which takes longer than all the rest."""
    if not runtime.is_crun:
        return False
    return bool(runtime.numbers) and runtime.numbers < _OLD_CRUN


def _compiler(site: Site) -> Callable[[str, Callable[[], Mapping[str, Any]]], str]:
    from argosy.linux import seccomp

    return lambda name, build: seccomp.cached(f"{site.store.run}/cache/seccomp", name, build)


def _joined(site: Site, record: ContainerRecord) -> dict[str, str]:
    """The namespaces of other containers, or at a path, that this one joins; without those that are the host's."""
    options = record.options
    found = {}
    modes: dict[str, NamespaceMode | None] = {
        "pid": options.pid,
        "ipc": options.ipc,
        "uts": options.uts,
        "cgroup": options.cgroupns,
    }
    for kind, mode in modes.items():
        if mode is None or mode.kind not in ("container", "ns"):
            continue
        path = mode.target if mode.kind == "ns" else f"/proc/{running_pid(site, mode.target)}/ns/{kind}"
        if not _is_ours(path, kind):
            found[kind] = path
    return found


def _is_ours(path: str, kind: str) -> bool:
    """Whether that namespace is our own, and so the host's: setns(2) into it takes privileges, and is for nothing."""
    try:
        return os.path.samefile(path, f"/proc/self/ns/{kind}")
    except OSError:
        return False  # the runtime says why it cannot be joined


def running_pid(site: Site, name: str) -> int:
    """The first process of another container, which must run."""
    container_id = site.store.containers.find(name)
    run = state.derive(site, container_id)
    if not run.pid:
        raise ArgosyError(
            f"container {name} is not running: its namespaces cannot be joined", hint=f"argosy start {name}"
        )
    return run.pid


def outer_hostname(site: Site, record: ContainerRecord) -> str:
    """The host name that comes with a uts namespace which is not the container's own; "" when it is.

    container_name_as_hostname gives one to the container's own as well, unless the user named it.
    """
    if site.namespace.chroot:
        return os.uname().nodename
    mode = record.options.uts
    kind = mode.kind if mode is not None else site.conf.utsns
    if kind == "host":
        return os.uname().nodename
    network = record.options.network
    if mode is None and not record.options.hostname and network is not None and network.kind == "host":
        return os.uname().nodename
    if mode is not None and kind == "container":
        other = site.store.containers.find(mode.target)
        from argosy.containers import record as records

        config = records.read_bundle(site.run_directory(other))
        return str(config.get("hostname") or outer_hostname(site, records.read_record(site.store, other)))
    if site.conf.container_name_as_hostname and not record.options.hostname:
        from argosy.containers import record as records

        return records.current_name(site.store, record).replace("_", "")[:_HOSTNAME_LIMIT]
    return ""


def containerenv(site: Site, record: ContainerRecord) -> bytes:
    """/run/.containerenv: tells programs that they run in a container; with details for privileged ones only."""
    if not record.options.privileged:
        return b""
    lines = {
        "engine": f"argosy-{VERSION}",
        "name": record.name,
        "id": record.id,
        "image": record.image.name,
        "imageid": record.image.id.removeprefix("sha256:"),
        "rootless": "1" if site.namespace.rootless else "0",
    }
    return "".join(f'{key}="{value}"\n' for key, value in lines.items()).encode()

"""`inspect`: all that is known about a container, as a document with podman's fields in podman's order.

What a container was given at its last start is taken from its bundle while it is there (config.json, the network's
record); before the first start and after the end, what the next start would give is worked out from its options.
"""

from __future__ import annotations

import os

from argosy.containers import prepare, state
from argosy.containers import record as records
from argosy.errors import ArgosyError
from argosy.images import timestamps
from argosy.linux import cgroup
from argosy.network import attach as network
from argosy.spec import mounts, parse
from argosy.spec.options import Mount
from argosy.values import Value
from argosy.version import OCI_RUNTIME_SPEC

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from argosy.containers.prepare import Plan
    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site
    from argosy.network.attach import NetworkRecord

ZERO_TIME = "0001-01-01T00:00:00Z"
_BUNDLE_LIMIT = 16 << 20


class Subject(Value):
    """A container and everything that its document is made of.

    `bundle` is its config.json, empty when there is none; `plan` and `network` are None when it is not prepared.
    """

    site: Site
    record: ContainerRecord
    name: str
    run: state.Run
    bundle: Mapping[str, Any]
    plan: Plan | None
    network: NetworkRecord | None

    @property
    def process(self) -> Mapping[str, Any]:
        """`process` of the bundle, empty when there is none."""
        found: Mapping[str, Any] = self.bundle.get("process", {})
        return found

    @property
    def directory(self) -> str:
        """The run directory, which may not be there."""
        return self.site.run_directory(self.record.id)

    def file(self, name: str) -> str:
        """The path of a file in the run directory, "" when it is not there."""
        path = f"{self.directory}/{name}"
        return path if os.path.lexists(path) else ""

    def other(self, name: str) -> str:
        """The id of another container by the name that the user gave; that name where there is none any more."""
        try:
            return self.site.store.containers.find(name)
        except ArgosyError:
            return name

    def mounts(self) -> list[Mount]:
        """What the user, the image and containers.conf mount: named volumes first, `source` being their name."""
        asked = {mount.target: mount for mount in self.record.options.mounts}
        volumes = [
            asked.get(use.destination, Mount("volume", "", use.destination, use.options, origin="image")).replace(
                source=use.name
            )
            for use in self.record.volumes
        ]
        taken = {mount.target for mount in volumes}
        own = [mount for mount in self.record.options.mounts if mount.target not in taken]
        taken.update(mount.target for mount in own)
        configured = map(parse.parse_volume, self.site.conf.volumes)
        return [*volumes, *own, *(mount for mount in configured if mount.target not in taken)]


def inspect(site: Site, container_id: str, *, size: bool = False) -> dict[str, Any]:
    """The container's document; `size` adds what it takes on disk.

    Raises NotFound, or Invalid when a file of its state is damaged.
    """
    from argosy.containers import inspect_config

    subject = subject_of(site, container_id)
    record, run = subject.record, subject.run
    program, *arguments = inspect_config.words(subject)
    capabilities = inspect_config.capabilities(subject)
    return {
        "Id": record.id,
        "Created": moment(record.created_at),
        "Path": program,
        "Args": arguments,
        "State": _state(subject),
        "Image": record.image.id.partition(":")[2],
        "ImageDigest": record.image.manifest_digest,
        "ImageName": record.image.name,
        "Rootfs": record.options.rootfs,
        "Pod": record.options.pod,
        "ResolvConfPath": subject.file("resolv.conf"),
        "HostnamePath": subject.file("hostname"),
        "HostsPath": subject.file("hosts"),
        "StaticDir": site.state_directory(record.id),
        **({"OCIConfigPath": f"{subject.directory}/config.json"} if subject.bundle else {}),
        "OCIRuntime": _runtime(subject),
        "ConmonPidFile": record.options.conmon_pidfile or f"{subject.directory}/conmon.pid",
        "PidFile": record.options.pidfile or f"{subject.directory}/pidfile",
        "Name": subject.name,
        "RestartCount": run.restart_count,
        "Driver": site.store.driver,
        "MountLabel": subject.bundle.get("linux", {}).get("mountLabel", ""),
        "ProcessLabel": subject.process.get("selinuxLabel", ""),
        "AppArmorProfile": subject.process.get("apparmorProfile", "") or record.options.security.apparmor,
        "EffectiveCaps": sorted(capabilities.get("effective", ())) or None,
        "BoundingCaps": sorted(capabilities.get("bounding", ())) or None,
        "ExecIDs": [],
        "GraphDriver": _graph_driver(subject),
        **(_sizes(subject) if size else {}),
        "Mounts": [_mount(subject, mount) for mount in subject.mounts() if mounts.is_listed(mount)],
        "Dependencies": _dependencies(subject),
        "NetworkSettings": _network_settings(subject),
        "Namespace": "",
        "IsInfra": record.options.infra,
        "IsService": False,
        "Config": inspect_config.config(subject),
        "HostConfig": inspect_config.host_config(subject),
    }


def subject_of(site: Site, container_id: str) -> Subject:
    """The container with all that is written of it.  Raises as `inspect`."""
    record = records.read_record(site.store, container_id)
    directory = site.run_directory(container_id)
    return Subject(
        site=site,
        record=record,
        name=records.current_name(site.store, record),
        run=state.derive(site, container_id),
        bundle=_bundle(directory),
        plan=prepare.read_plan(directory),
        network=network.read(directory),
    )


def _bundle(directory: str) -> Mapping[str, Any]:
    try:
        return records.read_bundle(directory)
    except FileNotFoundError:
        return {}


def moment(seconds: float) -> str:
    """A time in RFC 3339; podman's zero time for one that has not come."""
    return timestamps.show(int(seconds * 1e9)) if seconds else ZERO_TIME


def _state(subject: Subject) -> dict[str, Any]:
    run = subject.run
    group = _cgroup_path(subject) if run.pid else ""
    return {
        "OciVersion": subject.bundle.get("ociVersion", OCI_RUNTIME_SPEC),
        "Status": run.status,
        "Running": run.status in (state.RUNNING, state.PAUSED),
        "Paused": run.status == state.PAUSED,
        "Restarting": False,
        "OOMKilled": run.oom_killed,
        "Dead": False,
        "Pid": run.pid,
        **({"ConmonPid": run.conmon_pid} if run.conmon_pid else {}),
        "ExitCode": run.exit_code,
        "Error": run.error,
        "StartedAt": moment(run.started_at),
        "FinishedAt": moment(state.last_finished(subject.site, subject.record.id, run)),
        "Health": _health(subject),
        **({"CgroupPath": group} if group else {}),
        **_checkpoint(subject),
    }


def _checkpoint(subject: Subject) -> dict[str, Any]:
    from argosy.containers.checkpoint import criu

    known = records.read_value(subject.site.store, subject.record.id, criu.FILE, criu.Checkpointed)
    if known is None:
        return {"CheckpointedAt": ZERO_TIME, "RestoredAt": ZERO_TIME}
    path = f"{subject.site.state_directory(subject.record.id)}/{criu.IMAGES}"
    restored = subject.run.pid != 0 and known.restored_at >= known.at
    return {
        "CheckpointedAt": moment(known.at),
        "RestoredAt": moment(known.restored_at),
        **({} if restored or not os.path.isdir(path) else {"Checkpointed": True, "CheckpointPath": path}),
        **({"Restored": True} if restored else {}),
    }


def _health(subject: Subject) -> dict[str, Any]:
    from argosy.containers.health import documents, kept, watch

    check, container_id = subject.record.options.health, subject.record.id
    if check is None or not check.is_active or not kept.is_there(subject.site, container_id):
        return documents.NOTHING_KNOWN
    if subject.run.pid:
        watch.ensure(subject.site, [(container_id, subject.record.options.to_json())])
    return documents.results(kept.read(subject.site, container_id))


def _cgroup_path(subject: Subject) -> str:
    """The control group below its hierarchies' mount points."""
    path = subject.plan.cgroups_path if subject.plan is not None else ""
    if ":" not in path:
        return path
    namespace = subject.site.namespace
    groups = cgroup.detect(rootless=namespace.rootless, uid=namespace.uid)
    directories = cgroup.directories(groups, path)
    return directories[0].removeprefix(groups.hierarchies[0].path) if directories else ""


def _runtime(subject: Subject) -> str:
    """The runtime that runs it, or would; "" where none works."""
    if subject.plan is not None:
        return subject.plan.runtime.name
    try:
        wanted = records.moved_to(subject.site.store, subject.record.id) or subject.record.options.runtime
        return subject.site.choose_runtime(wanted=wanted).name
    except ArgosyError:
        return ""


def _graph_driver(subject: Subject) -> dict[str, Any]:
    """Where the root is made of: what is mounted, as overlayfs names it, topmost lower first."""
    store, image = subject.site.store, subject.record.image
    directory = subject.site.state_directory(subject.record.id)
    lowers = [store.layers.path(diff_id) for diff_id in reversed(image.layers)]
    if image.fixed:
        lowers.insert(0, store.chains.path(image.chain_id))
    data = {}
    if lowers:
        data["LowerDir"] = ":".join(lowers)
    if subject.run.pid:
        data["MergedDir"] = f"{directory}/merged"
    data["UpperDir"] = f"{directory}/upper"
    data["WorkDir"] = f"{directory}/work"
    return {"Name": store.driver, "Data": data}


def _sizes(subject: Subject) -> dict[str, int]:
    from argosy.containers import sizes

    found = sizes.sizes(subject.site, subject.record.id, subject.record.image.manifest_digest)
    return {"SizeRw": found.rw_bytes, "SizeRootFs": found.root_bytes}


def _mount(subject: Subject, mount: Mount) -> dict[str, Any]:
    from argosy.volumes import named

    flags = mounts.told(mount)
    propagation = [flag for flag in flags if flag in mounts.PROPAGATION]
    if mount.kind == "image":
        kept = None
    else:
        kept = [flag for flag in flags if flag not in ("ro", "rw", "z", "Z") and flag not in mounts.PROPAGATION]
    return {
        "Type": mount.kind if mount.kind in ("volume", "image") else "bind",
        **({"Name": mount.source} if mount.kind == "volume" else {}),
        "Source": named.data_path(subject.site.store, mount.source)
        if mount.kind == "volume"
        else mount.source or mount.kind,
        "Destination": mount.target,
        "Driver": "local" if mount.kind == "volume" else "",
        "Mode": {"shared": "z", "private": "Z"}.get(mount.relabel, ""),
        "Options": kept,
        "RW": not mount.read_only,
        "Propagation": propagation[-1] if propagation and mount.kind != "image" else "",
    }


def _dependencies(subject: Subject) -> list[str]:
    """The containers whose namespaces it joins, and those that it requires."""
    options = subject.record.options
    modes = (options.network, options.pid, options.ipc, options.uts, options.cgroupns)
    names = (mode.target for mode in modes if mode is not None and mode.kind == "container")
    return list(dict.fromkeys((*map(subject.other, names), *options.requires)))


def _network_settings(subject: Subject) -> dict[str, Any]:
    from argosy.containers import inspect_network

    return inspect_network.settings(subject.site, subject.record, subject.network)

"""What `info` tells, under the names and in the order that podman has."""

from __future__ import annotations

import os

from argosy.cli.podman import _versions
from argosy.errors import ArgosyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from argosy.engine import Engine
    from argosy.linux.host import HostFacts
    from argosy.storage.store import Store


def document(engine: Engine, program: str) -> dict[str, Any]:
    """The facts, as JSON types."""
    from argosy.linux import host
    from argosy.network import model

    facts = host.facts(rootless=engine.namespace.rootless, uid=engine.namespace.uid)
    return {
        "host": _host(engine, facts),
        "store": _store(engine),
        "registries": _registries(engine),
        "plugins": {
            "volume": ["local"],
            "network": [model.BRIDGE, model.MACVLAN, model.IPVLAN],
            "log": ["k8s-file", "none", "passthrough", "journald"],
            "authorization": None,
        },
        "version": _versions.fields(program),
    }


_CONTROLLERS_V1 = {"io": "blkio"}
# What the driver overlay relies on and how it mounts, in the words of podman's.
_OVERLAY = {"Native Overlay Diff": "true", "Supports d_type": "true", "Using metacopy": "false"}


def _host(engine: Engine, facts: HostFacts) -> dict[str, Any]:
    from argosy.linux import host
    from argosy.version import VERSION

    groups = facts.cgroups
    id_map = engine.namespace.id_map
    user, system, idle = host.cpu_shares()
    return {
        "arch": _versions.architecture(),
        "buildahVersion": VERSION,
        "cgroupManager": engine.site.cgroup_manager or engine.conf.cgroup_manager or groups.manager,
        "cgroupVersion": "v2" if groups.mode == "v2" else "v1",
        "cgroupMode": groups.mode,
        "cgroupControllers": [_CONTROLLERS_V1.get(name, name) for name in groups.controllers]
        if groups.mode != "v2"
        else list(groups.controllers),
        "conmon": _conmon(engine),
        "cpus": facts.cpus,
        "cpuUtilization": {"userPercent": user, "systemPercent": system, "idlePercent": idle},
        "distribution": {
            "distribution": facts.distribution,
            "version": facts.version,
            **({"codename": facts.codename} if facts.codename else {}),
        },
        "eventLogger": "file" if engine.store.events.path else "none",
        "hostname": facts.hostname,
        "idMappings": {
            "gidmap": _ranges(id_map.gids) if engine.namespace.rootless else None,
            "uidmap": _ranges(id_map.uids) if engine.namespace.rootless else None,
        },
        "kernel": facts.kernel,
        "linkmode": "dynamic",
        "logDriver": engine.conf.log_driver or "k8s-file",
        "memFree": facts.memory_free_bytes,
        "memTotal": facts.memory_bytes,
        "networkBackend": "argosy",
        "ociRuntime": _runtime(engine),
        "os": "linux",
        "programs": {name: path or "missing" for name, path in facts.programs.items()},
        "remoteSocket": {"path": ""},  # nobody serves an API here
        "serviceIsRemote": False,
        "security": _security(engine, facts),
        **_slirp(facts),
        "swapFree": facts.swap_free_bytes,
        "swapTotal": facts.swap_bytes,
        "uptime": _duration(facts.uptime_s),
    }


def _security(engine: Engine, facts: HostFacts) -> dict[str, Any]:
    return {
        "apparmorEnabled": facts.apparmor,
        "capabilities": ",".join(engine.conf.default_capabilities),
        "rootless": engine.namespace.rootless,
        "seccompEnabled": facts.seccomp,
        "seccompProfilePath": engine.conf.seccomp_profile,
        "selinuxEnabled": facts.selinux,
        "userNamespaces": facts.user_namespaces,
    }


def _slirp(facts: HostFacts) -> dict[str, Any]:
    path = facts.programs.get("slirp4netns", "")
    if not path:
        return {}
    return {"slirp4netns": {"executable": path, "package": _package(path), "version": _version(path, "--version")}}


def _package(path: str) -> str:
    from argosy.linux import host

    return host.package(path)


def _ranges(ranges: Iterable[Any]) -> list[dict[str, int]]:
    return [{"container_id": r.container_id, "host_id": r.host_id, "size": r.size} for r in ranges]


def _runtime(engine: Engine) -> dict[str, str]:
    from argosy.runtime.oci_runtime import version_words

    try:
        runtime = engine.site.choose_runtime()
    except ArgosyError as error:
        return {"name": "", "package": "", "path": "", "version": str(error)}
    words = version_words(runtime.root)
    return {
        "name": runtime.name,
        "package": _package(runtime.path),
        "path": runtime.path,
        "version": _version(runtime.path, *words),
    }


def _conmon(engine: Engine) -> dict[str, str]:
    from argosy.containers import prepare

    try:
        path = prepare.conmon_program(engine.site)
    except ArgosyError as error:
        return {"package": "", "path": "", "version": str(error)}
    return {"package": _package(path), "path": path, "version": ", ".join(_version(path, "--version").split("\n"))}


def _version(path: str, *words: str) -> str:
    from argosy.linux import process

    try:
        return process.run([path, *words], timeout_s=10).stdout.decode(errors="replace").strip()
    except ArgosyError as error:
        return str(error)


def _registries(engine: Engine) -> dict[str, Any]:
    try:
        registries = engine.registries
    except ArgosyError as error:
        return {"error": str(error)}
    return {"search": list(registries.search)} if registries.search else {}


def _store(engine: Engine) -> dict[str, Any]:
    from argosy.containers import state
    from argosy.images.inventory import inventory

    listing = engine.containers.list()
    by_status = [view.run.status for view in listing.views]
    running, paused = by_status.count(state.RUNNING), by_status.count(state.PAUSED)
    return {
        "configFile": _storage_conf(engine),
        "containerStore": {
            "number": len(by_status) + len(listing.damaged),
            "paused": paused,
            "running": running,
            "stopped": len(by_status) - running - paused,
            "damaged": len(listing.damaged),
        },
        "graphDriverName": engine.store.driver,
        "graphOptions": _graph_options(engine.store),
        "graphRoot": engine.store.root,
        "graphRootAllocated": _space(engine.store.root)[0],
        "graphRootUsed": _space(engine.store.root)[1],
        "graphStatus": {
            "Backing Filesystem": _filesystem(engine.store.root),
            "Extended Attributes": engine.store.xattrs,
            **(_OVERLAY if engine.store.driver == "overlay" else {}),
        },
        "imageCopyTmpDir": engine.store.tmp,
        "imageStore": {"number": len({image.id for image in inventory(engine.store, users=False).images})},
        "runRoot": engine.store.run,
        "volumePath": engine.store.volumes.directory,
    }


def _graph_options(store: Store) -> dict[str, str]:
    options = {
        "overlay.imagestore": ",".join(store.image_stores),
        "overlay.mountopt": ",".join(store.mount_options),
        "overlay.mount_program": store.record.mount_program,
        "overlay.ignore_chown_errors": "true" if store.ignore_chown_errors else "",
    }
    return {name: value for name, value in options.items() if value}


def _storage_conf(engine: Engine) -> str:
    """The storage.conf that counts; where there is none, the one that podman names."""
    from argosy.config import locations

    rootless = engine.namespace.rootless
    try:
        found = locations.storage_conf(engine.environ, rootless=rootless)
        return found or locations.storage_confs(engine.environ, rootless=rootless)[0 if rootless else -1]
    except ArgosyError as error:
        return str(error)


def _filesystem(path: str) -> str:
    """The type of the file system that `path` is on, as the kernel calls it."""
    device = os.stat(path).st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as table:
        for line in table:
            place, _, filesystem = line.partition(" - ")
            if place.split()[2] == wanted:
                return filesystem.split()[0]
    return "unknown"


def _space(path: str) -> tuple[int, int]:
    found = os.statvfs(path)
    return found.f_blocks * found.f_frsize, (found.f_blocks - found.f_bfree) * found.f_frsize


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days = f" (Approximately {hours / 24:.2f} days)" if hours else ""
    return f"{hours}h {minutes}m {rest}.00s{days}"

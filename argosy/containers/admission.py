"""What a new container asks of this host and of other containers, looked at before anything is written down.

`create` calls `admit` for those that ask for something which may not be there.  All of it is looked at again when the
container starts: a host changes.
"""

from __future__ import annotations

from argosy.containers import groups as control
from argosy.containers import limits
from argosy.containers import record as records
from argosy.errors import ArgosyError, NotFound
from argosy.linux import host
from argosy.spec import resources
from argosy.spec.options import BadOption

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from argosy.containers.site import Site
    from argosy.spec.options import ContainerOptions, NamespaceMode, NetworkMode, UserNamespace

    Mode = NamespaceMode | NetworkMode | UserNamespace

_CAP_SYS_RESOURCE = 24
# Field of the options -> the namespace's kind.
_KINDS = {"network": "net", "pid": "pid", "ipc": "ipc", "uts": "uts", "cgroupns": "cgroup", "userns": "user"}


def admit(site: Site, options: ContainerOptions) -> ContainerOptions:
    """The options, with names of other containers made ids.  Raises ArgosyError for what this host does not have."""
    if resources.limited(options) or options.cgroups or options.cgroup_parent or options.oom_score_adj is not None:
        _check_limits(site, options)
    if options.devices or options.cdi_devices:
        from argosy.containers import devices

        for _ in devices.nodes(site, options.replace(privileged=False)):
            pass
        if options.cdi_devices:
            devices.cdi_edits(site, options)
    found = {field: _admitted(site, mode, kind) for field, kind, mode in _modes(options)}
    return options.replace(**found) if found else options


def _modes(options: ContainerOptions) -> Iterator[tuple[str, str, Mode]]:
    """The modes that name a container or a path: field of the options, kind of namespace, mode."""
    for field, kind in _KINDS.items():
        mode = getattr(options, field)
        if mode is not None and mode.kind in ("container", "ns"):
            yield field, kind, mode


def _admitted(site: Site, mode: Mode, kind: str) -> Mode:
    """The mode with the container's id, whose name may change.  Raises ArgosyError for what is not there."""
    if mode.kind == "ns":
        _check_path(mode.target, kind)
        return mode
    try:
        container_id = site.store.containers.find(mode.target)
    except NotFound:
        raise ArgosyError(
            f"looking up container to share {kind} namespace with: no container with name or ID "
            f'"{mode.target}" found: no such container'
        ) from None
    if kind == "ipc":
        _check_shareable(site, container_id)
    return mode.replace(target=container_id)


def _check_path(path: str, kind: str) -> None:
    from argosy.linux import namespaces

    shown = {"net": "network", "cgroup": "cgroup", "user": "user"}.get(kind, kind.upper())
    try:
        found = namespaces.kind_of(path)
    except OSError as error:
        why = f"stat {path}: {str(error.strerror).lower()}"
        raise ArgosyError(
            f"cannot find specified {shown} namespace path: {why}", hint="see ns: in the manual"
        ) from error
    if found != kind:
        raise ArgosyError(f"{path} is no {shown} namespace", details=f"it is {found or 'none at all'}")


def _check_shareable(site: Site, container_id: str) -> None:
    mode = records.read_record(site.store, container_id).options.ipc
    if (mode.kind if mode is not None else site.conf.ipcns) in ("private", "none"):
        raise ArgosyError(
            f"joining IPC of container {container_id} is not allowed: non-shareable IPC (hint: use IpcMode:shareable "
            "for the donor container)"
        )


def _check_limits(site: Site, options: ContainerOptions) -> None:
    namespace = site.namespace
    groups = control.detect(site)
    manager = control.manager_for(site, groups, options.cgroups)
    limits.check_parent(options, manager)
    if options.cgroup_conf and groups.mode != "v2" and options.cgroups != "disabled":
        raise BadOption("cannot use --cgroup-conf without cgroup v2")
    crun = site.choose_runtime().is_crun
    resources.check_limits(options, limits.unlimited(groups, options, rootless=namespace.rootless, crun=crun))
    limits.block_devices(options)
    limits.check_cpusets(groups, options)
    may_lower = namespace.initial and bool(host.effective_capabilities() >> _CAP_SYS_RESOURCE & 1)
    limits.check_oom_score(options.oom_score_adj, privileged=may_lower)
    if options.cgroups == "disabled":
        control.check_runtime(site, site.choose_runtime("disabled"), options.cgroups)

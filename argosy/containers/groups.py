"""Which control groups a container and its conmon get, and who makes them."""

from __future__ import annotations

import os

from argosy.errors import ArgosyError, Unsupported
from argosy.linux import cgroup, process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.containers.site import Site
    from argosy.linux.cgroup import Cgroups
    from argosy.linux.systemd import Scope
    from argosy.runtime.oci_runtime import OciRuntime
    from argosy.spec.options import ContainerOptions


def detect(site: Site) -> Cgroups:
    """The control groups that containers of this site can use."""
    if site.namespace.chroot:
        why = "containers are isolated by chroot alone here"
        return cgroup.Cgroups(
            mode="none", hierarchies=(), controllers=(), manager="none", delegated=False, why_none=why
        )
    return cgroup.detect(rootless=site.namespace.rootless, uid=site.namespace.uid)


def _manager(site: Site, groups: Cgroups) -> str:
    """Who makes the control groups: the manager that was asked for, as far as it can work here.

    Without any that works, cgroupfs means none, as with podman.  Raises Unsupported where systemd is asked for and does
    not answer.
    """
    asked = site.cgroup_manager or site.conf.cgroup_manager
    if asked == "systemd" and groups.manager != "systemd":
        why = groups.why_none or "no systemd answers"
        raise Unsupported(f"cannot use the cgroup manager systemd: {why}", hint="leave it to argosy, or name cgroupfs")
    return groups.manager if not asked or groups.manager == "none" else asked


def manager_for(site: Site, groups: Cgroups, cgroups: str) -> str:
    """Who makes the control groups of one container; `cgroups` is its --cgroups.

    Raises Unsupported where our own group cannot be split.
    """
    if cgroups == "disabled":
        return "none"
    if cgroups == "split":
        if groups.mode != "v2":
            raise Unsupported("cannot split this process's control group: that takes version 2", hint="see --cgroups")
        return "cgroupfs"
    return _manager(site, groups)


def path(site: Site, groups: Cgroups, manager: str, container_id: str, options: ContainerOptions) -> str:
    """The container's own group, in the form that the manager takes; "" without one."""
    if options.cgroups == "split":
        return cgroup.split_path(groups, f"argosy-payload-{container_id}")
    parent = options.cgroup_parent
    if options.pod:
        from argosy.containers import podgroup

        parent = podgroup.parent_of(site, groups, manager, options)
    return cgroup.container_path(groups, container_id, manager=manager, parent=parent)


def check_runtime(site: Site, runtime: OciRuntime, cgroups: str) -> None:
    """Raise Unsupported where the runtime makes control groups although there should be none."""
    able = site.namespace.chroot or (runtime.is_crun and runtime.name in site.conf.runtime_supports_nocgroups)
    if cgroups == "disabled" and not able:
        raise Unsupported(
            f"requested OCI runtime {runtime.name} is not compatible with NoCgroups: invalid argument",
            hint="--runtime crun, or leave out --cgroups=disabled",
        )


def hasten(groups: Cgroups) -> int:
    """Let the RCU grace period begin for which the kernel makes the moves of processes wait (linux.cgroup).

    Those of conmon and the runtime, some ms later, find it done.  A process of its own waits for it: one that moves
    itself to where it is.  Returns its pid, for the caller to reap; 0 where nothing will be moved.
    """
    for hierarchy in groups.hierarchies:
        if hierarchy.writable and groups.manager != "none":
            try:
                fd = os.open(f"{hierarchy.own}/cgroup.procs", os.O_WRONLY | os.O_CLOEXEC)
            except OSError:
                return 0
            try:
                return process.spawn(["/bin/echo", "0"], env={}, fds={1: fd, 2: fd})
            except ArgosyError:
                return 0
            finally:
                os.close(fd)
    return 0


def conmon_groups(groups: Cgroups, manager: str, cgroups: str) -> tuple[str, ...]:
    """Where conmon is moved to, for this --cgroups.

    To split a group, its processes must leave it first (the rule of no internal processes, cgroup-v2.rst): ours too.
    """
    if cgroups == "no-conmon":
        return ()
    if cgroups != "split":
        if manager == "cgroupfs":
            cgroup.make_room(groups)
        return conmon_group(groups, manager)
    path = groups.hierarchies[0].path + cgroup.split_path(groups, cgroup.SUPERVISOR)
    try:
        os.makedirs(path, mode=0o755, exist_ok=True)
    except OSError as error:
        raise ArgosyError(f"cannot split this process's control group: {str(error.strerror).lower()}") from error
    cgroup.move(path, os.getpid())
    return (path,)


def conmon_group(groups: Cgroups, manager: str) -> tuple[str, ...]:
    """The group that conmon is moved into."""
    return cgroup.supervisors_group(groups, manager)


def let_go(site: Site, pid: int, name: str) -> None:
    """Take a process that serves other containers too out of our group, as conmon is.  `name` is that of its scope.

    Where that cannot be it stays, and ends with our session.
    """
    groups = detect(site)
    try:
        manager = manager_for(site, groups, "")
        scope = conmon_scope(groups, manager, name)
        if scope is not None:
            from argosy.linux import systemd

            systemd.start_scope(scope, (pid,), os.environ)
    except ArgosyError:
        return
    for path in conmon_groups(groups, manager, ""):
        cgroup.move(path, pid)


def conmon_scope(groups: Cgroups, manager: str, name: str) -> Scope | None:
    """The same where systemd makes the groups: a scope of conmon's own."""
    if manager != "systemd":
        return None
    from argosy.linux.systemd import Scope

    slice_name = "user.slice" if groups.delegated else "machine.slice"
    return Scope(f"argosy-conmon-{name}.scope", slice_name, f"conmon of {name[:12]}", groups.uid)

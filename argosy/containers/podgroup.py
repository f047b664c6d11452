"""The control group of a pod, which those of its containers lie in, and its limits.

It is made when the pod's first container starts, and again after a reboot; without limits the runtime makes it.
"""

from __future__ import annotations

import os

from argosy.containers import groups as control
from argosy.errors import ArgosyError
from argosy.linux import cgroup
from argosy.spec import resources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.containers.pod import PodRecord
    from argosy.containers.site import Site
    from argosy.linux.cgroup import Cgroups
    from argosy.spec.options import ContainerOptions


def path(groups: Cgroups, manager: str, pod: PodRecord) -> str:
    """The group as --cgroup-parent names it: a path, or with systemd a slice; "" where there are none."""
    parent = pod.options.cgroup_parent
    if manager == "systemd":
        above = parent or ("user.slice" if groups.delegated else "machine.slice")
        return f"{above.removesuffix('.slice')}-{cgroup.PREFIX}_pod_{pod.id}.slice"
    return cgroup.container_path(groups, pod.id, manager=manager, parent=parent)


def above(groups: Cgroups, manager: str, pod: PodRecord) -> str:
    """The group that the pod's lies in, in the same form."""
    found = path(groups, manager, pod)
    if manager == "systemd":
        return f"{found.rpartition(f'-{cgroup.PREFIX}_pod_')[0]}.slice"
    return os.path.dirname(found)


def parent_of(site: Site, groups: Cgroups, manager: str, options: ContainerOptions) -> str:
    """--cgroup-parent for a container of a pod: its own, or the pod's group where that is shared."""
    from argosy.containers import pod as pods

    if options.cgroup_parent or options.cgroups in ("disabled", "split"):
        return options.cgroup_parent
    try:
        pod = pods.read(site, options.pod)
    except ArgosyError:
        return ""
    return path(groups, manager, pod) if pod.share_parent else ""


def make(site: Site, pod: PodRecord) -> None:
    """Have the group and its limits, where there are any.  Raises ArgosyError for a limit that does not hold."""
    if not pod.share_parent or not resources.limited(pod.options):
        return
    from argosy.containers import limits
    from argosy.linux import cgrouplimits

    groups, manager = _here(site)
    unlimited = limits.unlimited(groups, pod.options, rootless=site.namespace.rootless, crun=True)
    resources.check_limits(pod.options, unlimited)
    wanted = resources.limits(pod.options, unlimited, limits.block_devices(pod.options))
    group = path(groups, manager, pod)
    directory = _directory(groups, manager, group)
    if manager == "systemd" and not os.path.isdir(groups.hierarchies[0].path + directory):
        from argosy.linux import systemd

        what = f"containers of pod {pod.id[:12]}"
        systemd.start_slice(group, what, cgrouplimits.properties(wanted), groups.uid, os.environ)
    cgrouplimits.make(groups, directory, wanted)


def remove(site: Site, pod: PodRecord) -> None:
    """Remove the group, which holds no process any more.  Idempotent; a slice goes by itself."""
    groups, manager = _here(site)
    if manager == "cgroupfs":
        for directory in cgroup.directories(groups, path(groups, manager, pod)):
            cgroup.remove(directory)


def _here(site: Site) -> tuple[Cgroups, str]:
    groups = control.detect(site)
    return groups, control.manager_for(site, groups, "")


def _directory(groups: Cgroups, manager: str, group: str) -> str:
    """The group's path below the top of the hierarchies."""
    if manager != "systemd":
        return group
    scope = cgroup.directories(groups, f"{group}:{cgroup.PREFIX}:none")[0]
    return os.path.dirname(scope).removeprefix(groups.hierarchies[0].path)


def shown(site: Site, pod: PodRecord) -> tuple[str, str]:
    """The group above the pod's, and the pod's own, for `inspect`; "" where there are no control groups."""
    groups, manager = _here(site)
    if manager not in ("systemd", "cgroupfs"):
        return "", ""
    group = path(groups, manager, pod)
    return above(groups, manager, pod), _directory(groups, manager, group) if pod.share_parent else ""

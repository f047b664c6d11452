"""What a new container asks of this host and of other containers, looked at before anything is written down.

`create` calls `admit` for those that ask for something which may not be there.  All of it is looked at again when the
container starts: a host changes.
"""

from __future__ import annotations

from argosy.containers import groups as control
from argosy.containers import limits
from argosy.linux import cgroup, host
from argosy.spec import resources
from argosy.spec.options import BadOption

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.containers.site import Site
    from argosy.spec.options import ContainerOptions

_CAP_SYS_RESOURCE = 24


def admit(site: Site, options: ContainerOptions) -> ContainerOptions:
    """The options, with names of other containers made ids.  Raises ArgosyError for what this host does not have."""
    _check_limits(site, options)
    return options


def _check_limits(site: Site, options: ContainerOptions) -> None:
    namespace = site.namespace
    groups = cgroup.detect(rootless=namespace.rootless, uid=namespace.uid)
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
        control.check_runtime(site.choose_runtime("disabled"), options.cgroups)

"""Options about namespaces, control groups and name resolution that cannot hold together, in podman's words.

`generate.check` calls this for containers that give any of them.
"""

from __future__ import annotations

from argosy.spec import security
from argosy.spec.options import BadOption

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.spec.options import ContainerOptions

_WRONG = "invalid config provided"


def check(options: ContainerOptions) -> None:
    """Raise BadOption for what contradicts each other whatever the host is."""
    if options.cgroup_parent and options.cgroups == "disabled":
        raise BadOption("cannot set cgroup parent if not creating cgroups: invalid argument")
    if options.cgroup_parent and options.cgroups == "split":
        raise BadOption("cannot specify --cgroup-mode=split with a cgroup-parent: invalid argument")
    _check_hosts(options)
    _check_resolver(options)
    if options.hostname and options.uts is not None and options.uts.kind in ("host", "container"):
        raise BadOption(
            f"{_WRONG}: cannot set hostname when running in the host UTS namespace: invalid configuration",
            hint="leave out --hostname or --uts",
        )
    if options.domainname and options.uts is not None and options.uts.kind in ("host", "container"):
        raise BadOption(
            "conflicting options: domainname and the UTS mode: the container has no UTS namespace of its own",
            hint="leave out --domainname or --uts",
        )
    network = options.network.kind if options.network is not None else ""
    ipc = options.ipc.kind if options.ipc is not None else ""
    check_sysctls(options, host_network=network == "host", host_ipc=ipc == "host")


def check_sysctls(options: ContainerOptions, *, host_network: bool, host_ipc: bool) -> None:
    """Raise BadOption for a kernel parameter that would change the host, whose namespace the container shares."""
    for kind, shared, prefixes in (("Network", host_network, ("net.",)), ("IPC", host_ipc, security.IPC_SYSCTLS)):
        for name, value in options.sysctls.items():
            if shared and name.startswith(prefixes):
                raise BadOption(
                    f"sysctl {name}={value} can't be set since {kind} Namespace set to host: invalid argument"
                )


def _check_hosts(options: ContainerOptions) -> None:
    if options.add_hosts and options.no_hosts:
        raise BadOption("--no-hosts and --add-host cannot be set together")
    if options.add_hosts and options.network is not None and options.network.kind == "container":
        raise BadOption(
            f"{_WRONG}: cannot set extra host entries when the container is joined to another containers network "
            "namespace: invalid configuration",
            hint="give --add-host to the other container",
        )


def _check_resolver(options: ContainerOptions) -> None:
    asked = options.dns or options.dns_options or options.dns_search
    if asked and options.network is not None and options.network.kind in ("none", "container"):
        raise BadOption(f"conflicting options: dns and the network mode: {options.network.kind}")
    if "none" in options.dns:
        for given, name in ((options.dns_search, "DNSSearch"), (options.dns_options, "DNSOption")):
            if given:
                raise BadOption(f"{_WRONG}: UseImageResolvConf and {name} are mutually exclusive options")

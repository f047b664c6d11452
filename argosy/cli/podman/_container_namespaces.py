"""The rarer flags about a container's namespaces, kernel parameters and name resolution."""

from __future__ import annotations

from argosy.spec import parse, parsenames
from argosy.spec.options import BadOption, UserNamespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.cli.podman._container_table import CreateFlags


def read(flags: CreateFlags) -> dict[str, Any]:
    """Those that were given, as fields of ContainerOptions.  Raises BadOption."""
    found: dict[str, Any] = {
        "add_hosts": tuple(map(parsenames.parse_add_host, flags.add_host)),
        "dns": parsenames.parse_dns(flags.dns),
        "dns_options": tuple(map(parsenames.parse_dns_option, flags.dns_option)),
        "dns_search": tuple(map(parsenames.parse_search, flags.dns_search)),
        "no_hosts": flags.no_hosts,
        "sysctls": parsenames.parse_sysctls(flags.sysctl),
    }
    for name in ("cgroupns", "ipc", "pid", "uts"):
        text = getattr(flags, name)
        if text:
            found[name] = parse.parse_namespace(text, name)
    if flags.userns is not None or flags.uidmap or flags.gidmap or flags.subuidname or flags.subgidname:
        found["userns"] = _user_namespace(flags)
    return found


def _user_namespace(flags: CreateFlags) -> UserNamespace:
    """--userns, or the maps that exclude it."""
    from argosy.spec import usermaps

    maps = flags.uidmap or flags.gidmap or flags.subuidname or flags.subgidname
    if not maps:
        return usermaps.parse_mode(flags.userns or "")
    if flags.userns is not None:
        raise BadOption("--userns and --uidmap/--gidmap/--subuidname/--subgidname are mutually exclusive")
    usermaps.parse_entries(flags.uidmap, "UID")
    usermaps.parse_entries(flags.gidmap, "GID")
    return UserNamespace(
        "private",
        uid_maps=flags.uidmap,
        gid_maps=flags.gidmap,
        subuid_name=flags.subuidname or "",
        subgid_name=flags.subgidname or "",
    )

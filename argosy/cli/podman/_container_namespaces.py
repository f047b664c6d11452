"""The rarer flags about a container's namespaces, kernel parameters and name resolution."""

from __future__ import annotations

from argosy.spec import parse, parsenames

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
    return found

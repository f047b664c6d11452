"""The rarer flags about a container's namespaces, kernel parameters and name resolution."""

from __future__ import annotations

from argosy.spec import parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.cli.podman._container_table import CreateFlags


def read(flags: CreateFlags) -> dict[str, Any]:
    """Those that were given, as fields of ContainerOptions.  Raises BadOption."""
    found: dict[str, Any] = {
        "add_hosts": flags.add_host,
        "dns": flags.dns,
        "dns_options": flags.dns_option,
        "dns_search": flags.dns_search,
        "no_hosts": flags.no_hosts,
    }
    for name in ("cgroupns", "ipc", "pid", "uts"):
        text = getattr(flags, name)
        if text is not None:
            found[name] = parse.parse_namespace(text, name)
    if flags.sysctl:
        found["sysctls"] = parse.parse_annotations(flags.sysctl)
    return found

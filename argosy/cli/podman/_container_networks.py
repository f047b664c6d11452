"""The flags of `run` and `create` for networks and ports, as fields of ContainerOptions."""

from __future__ import annotations

from argosy.spec import parse, parsenetworks, parseports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.cli.podman._container_table import CreateFlags


def read(flags: CreateFlags) -> dict[str, Any]:
    """What was given of them.  Raises BadOption."""
    given: dict[str, Any] = {
        "ports": parseports.parse_published(flags.publish),
        "publish_all": bool(flags.publish_all),
        "expose": parseports.parse_exposed(flags.expose),
    }
    if any((flags.ip, flags.ip6, flags.mac_address, flags.network_alias)):
        given["network"] = parsenetworks.with_flags(
            parse.parse_network(flags.network),
            ip=flags.ip,
            ip6=flags.ip6,
            mac=flags.mac_address,
            aliases=flags.network_alias,
        )
    return given

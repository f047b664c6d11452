"""The rarer flags about a container's root and mounts."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.cli.podman._container_table import CreateFlags


def read(flags: CreateFlags) -> dict[str, Any]:
    """Those that were given, as fields of ContainerOptions.  Raises BadOption."""
    return {
        "image_volume": flags.image_volume or "",
        "rootfs": flags.operands[0] if flags.rootfs else "",
        "volumes_from": flags.volumes_from,
    }

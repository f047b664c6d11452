"""The rarer flags about a container's root and mounts."""

from __future__ import annotations

from argosy.cli.podman import _container_mounts
from argosy.spec import mountflags
from argosy.spec.options import BadOption

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.cli.podman._container_table import CreateFlags


def read(flags: CreateFlags) -> dict[str, Any]:
    """Those that were given, as fields of ContainerOptions.  Raises BadOption."""
    for text in flags.volumes_from:
        mountflags.parse_volumes_from(text)
    found: dict[str, Any] = {"volumes_from": flags.volumes_from}
    if flags.image_volume is not None:
        found["image_volume"] = mountflags.parse_image_volume(flags.image_volume)
    if flags.rootfs:
        if not flags.operands[0]:
            raise BadOption("--rootfs needs a directory", hint="argosy run --rootfs DIRECTORY COMMAND")
        found["rootfs"], found["rootfs_option"] = mountflags.parse_rootfs(
            flags.operands[0], _container_mounts.working_directory()
        )
    if flags.secret:
        from argosy.spec import secretflags

        found["secrets"] = tuple(map(secretflags.parse_secret, flags.secret))
    return found

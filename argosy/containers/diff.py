"""`diff` of a container: its tree and its image's, for `storage.changes`."""

from __future__ import annotations

import os

from argosy.containers.record import read_record
from argosy.storage.changes import Stack
from argosy.storage.rootfs import lower_directories

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.containers.site import Site

# Made in every container's tree so that something can be mounted there: no doing of the user's.
_PROVIDED = ("/dev", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/proc", "/run", "/sys")


def stack(site: Site, container_id: str) -> Stack:
    """What the container wrote above its image's layers.  Raises ArgosyError when a layer cannot be relied on."""
    record = read_record(site.store, container_id)
    image = record.image
    lowers = tuple(lower_directories(site.store, image.layers, image.chain_id, fixed=image.fixed))
    upper = f"{site.state_directory(container_id)}/upper"
    if not os.path.isdir(upper):
        return Stack(lowers, lowers, _PROVIDED)  # it was never mounted
    above = () if site.store.driver == "vfs" else lowers  # there the upper directory holds everything
    return Stack((upper, *above), lowers, _PROVIDED, record.id_map)

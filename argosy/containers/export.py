"""Export: the tree of a container as a plain archive, as it is now, without what is mounted in it.

A container that runs is read through a mount of our own of its root, so that its end is not held up; it may change
while it is read.  One that does not run is put together from its layers, read-only.
"""

from __future__ import annotations

import os

from argosy.archive import diff as archives
from argosy.containers import diff, happened, state
from argosy.containers.record import read_record
from argosy.linux import mounts, syscalls
from argosy.records.scratch import Scratch
from argosy.storage.drivers import driver

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site


def export(site: Site, container_id: str, write: Callable[[bytes], object]) -> None:
    """Write the archive in pieces.  Raises ArgosyError when the container's layers cannot be relied on."""
    merged = f"{site.state_directory(container_id)}/merged"
    record = read_record(site.store, container_id)
    happened.tell(site, record, "export")
    single = site.store.id_map.is_single()
    if state.derive(site, container_id).pid and mounts.is_mount_point(merged):
        tree = syscalls.open_tree(syscalls.AT_FDCWD, merged, syscalls.OPEN_TREE_CLONE)
        try:
            archives.write_archive(f"/proc/self/fd/{tree}/.", write, layer=False, id_map=record.id_map, single=single)
        finally:
            os.close(tree)
        return
    if record.options.rootfs:
        archives.write_archive(record.options.rootfs, write, layer=False)
        return
    with Scratch(site.store.tmp) as scratch:
        place = f"{scratch.path}/merged"
        os.mkdir(place)
        try:
            _mount(site, record, place)
            archives.write_archive(place, write, layer=False, id_map=record.id_map, single=single)
        finally:
            mounts.unmount(place)


def _mount(site: Site, record: ContainerRecord, place: str) -> None:
    """Show the tree of a container that does not run, read-only."""
    stack = diff.stack(site, record.id)
    if record.id_map is None:
        driver(site.store).mount_readonly(place, stack.directories)
        return
    from argosy.storage import idmaps

    image, count = record.image, len(stack.directories) - len(stack.parent)
    if count < 0 or stack.directories[count:] != stack.parent:  # the container's own directory holds everything
        driver(site.store).mount_readonly(place, stack.directories)
        return
    lowers = idmaps.lowers(site.store, image.layers, image.chain_id, record.id_map, fixed=image.fixed)
    try:
        directories = (*stack.directories[:count], *lowers.directories)
        driver(site.store).mount_readonly(place, directories, data=lowers.data)
    finally:
        lowers.close()

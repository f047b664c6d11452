"""Whom what is mounted into a container belongs to: owners (U, new volumes) and SELinux labels, set before it starts.

Imported when a container mounts anything, or where there is SELinux.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site
    from argosy.spec.options import Mount


def hand_over(
    site: Site, record: ContainerRecord, mounts: tuple[Mount, ...], own: Mapping[str, str], user: Mapping[str, Any]
) -> None:
    """Hand `mounts`, with host paths, and our files to the container, whose process is `user`."""
    if record.mount_label:
        _label(record, mounts, own)
    uid, gid = user["uid"], user["gid"]
    outside = (uid, gid) if record.id_map is None else record.id_map.to_host(uid, gid)
    for use in record.volumes:
        from argosy.volumes import named

        mapped = any(mount.target == use.destination and mount.idmap for mount in mounts)
        named.give_new(site.store, use.name, *((uid, gid) if mapped else outside))
    for mount in mounts:
        if mount.chown and mount.kind in ("bind", "volume"):
            from argosy.containers import ownership

            ownership.give(mount.source, *outside)


def _label(record: ContainerRecord, mounts: tuple[Mount, ...], own: Mapping[str, str]) -> None:
    """z, Z, named volumes, our files."""
    from argosy.containers import confinement
    from argosy.linux import selinux

    for path in own.values():
        selinux.label_tree(path, record.mount_label)
    for mount in mounts:
        if (mount.relabel or mount.kind == "volume") and not mount.overlay:
            confinement.relabel(mount, record.mount_label)

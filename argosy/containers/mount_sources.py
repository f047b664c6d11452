"""Where the mounts of a container that is about to start are on the host: volumes filled, images and overlays mounted.

Imported when a container mounts anything.
"""

from __future__ import annotations

import os

from argosy.containers.record import ImagePin
from argosy.errors import ArgosyError, Unsupported
from argosy.linux import mounts as linux_mounts
from argosy.spec.options import Mount
from argosy.storage import staged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site
    from argosy.linux.idmap import IdMap


def resolve(site: Site, record: ContainerRecord, merged: str) -> tuple[Mount, ...]:
    """What the user, the image and containers.conf mount, with host paths; volumes get the image's content first."""
    wanted = _wanted(site, record)
    return tuple(_resolved(site, record, mount, merged, f"{number:03}") for number, mount in enumerate(wanted))


def _wanted(site: Site, record: ContainerRecord) -> list[Mount]:
    """One for each place, volumes by name."""
    found: dict[str, Mount] = {}
    for item in site.conf.volumes:
        from argosy.spec import parse

        mount = parse.parse_volume(item).replace(origin="conf")
        if mount.kind != "volume":  # those are in the record since the container was created
            found[mount.target] = mount
    for mount in record.options.mounts:
        found[mount.target] = mount
    for use in record.volumes:
        given = found.get(use.destination, Mount("volume", "", use.destination, use.options, origin="image"))
        if given.kind == "volume":
            found[use.destination] = given.replace(source=use.name)
    return list(found.values())


def fill_volumes(site: Site, record: ContainerRecord) -> None:
    """Give the new volumes of a container what the image has there, although it does not start yet."""
    from argosy.containers import prepare
    from argosy.storage import rootfs
    from argosy.volumes import mounting, named

    with site.store.containers.lock(record.id):
        merged = prepare.mount_root(site, record)
        try:
            for use in record.volumes:
                named.ready(site.store, use.name, merged, use.destination, user=record.id, copy_up=use.copy_up)
        finally:
            mounting.release(site.store, record.id)
            rootfs.unmount(site.state_directory(record.id))


def _resolved(site: Site, record: ContainerRecord, mount: Mount, merged: str, key: str) -> Mount:
    if mount.kind not in ("bind", "volume", "image"):
        return mount
    directory = site.state_directory(record.id)
    source = _source(site, record, mount, merged, f"{key}-1-whole")
    if mount.kind != "image":
        mount = _with_host_flags(mount.replace(source=source))
    if mount.subpath:
        source = staged.part(directory, f"{key}-2-part", source, mount.subpath)
    if mount.idmap:
        mapped = id_map(site, record, mount.idmap, mount.target)
        source = staged.mapped(directory, f"{key}-3-mapped", source, mapped, recursive="bind" not in mount.options)
    if mount.overlay:
        try:
            source = staged.overlay(
                *(site.store, directory, f"{key}-4-top", source),
                upper=mount.upper,
                work=mount.work,
                label=record.mount_label,
            )
        except linux_mounts.MountFailed as error:
            raise ArgosyError(f'mounting overlay failed "{source}": {error.brief}', details=error.details) from error
    return mount.replace(source=source)


def _source(site: Site, record: ContainerRecord, mount: Mount, merged: str, key: str) -> str:
    if mount.kind == "volume":
        from argosy.volumes import named as volumes

        use = next(use for use in record.volumes if use.destination == mount.target)
        return volumes.ready(
            *(site.store, use.name, merged, use.destination),
            user=record.id,
            copy_up=use.copy_up,
            anonymous=use.anonymous,
            id_map=record.id_map if mount.idmap else None,
        )
    if mount.kind == "image":
        image = next(item.image for item in record.mounted_images if item.destination == mount.target)
        _restore(site, image)
        return staged.image(
            *(site.store, site.state_directory(record.id), key, image.layers, image.chain_id),
            fixed=image.fixed,
            label=record.mount_label,
            id_map=record.id_map,
        )
    return mount.source


def _restore(site: Site, image: ImagePin) -> None:
    """Apply again, from their blobs, the layers that a power cut has left in doubt."""
    if site.store.layers.untrusted(image.layers):
        from argosy.images import restore

        restore.restore(site.store, site.store.images.get(image.manifest_digest))


def _with_host_flags(mount: Mount) -> Mount:
    """Keeps what the host forbids on the file system of the source, unless the user says otherwise, as podman does.

    In a user namespace these flags are locked (mount_namespaces(7)): runc's remount for `ro` fails without them.
    """
    try:
        found = os.statvfs(mount.source).f_flag
    except FileNotFoundError:
        if mount.overlay:  # podman's words, from where the overlay is mounted
            return mount
        raise ArgosyError(f"statfs {mount.source}: no such file or directory") from None
    except OSError as error:
        raise ArgosyError(f"cannot use {mount.source} as a volume", details=str(error.strerror)) from error
    flags = [
        name
        for flag, name in ((os.ST_NOSUID, "nosuid"), (os.ST_NODEV, "nodev"), (os.ST_NOEXEC, "noexec"))
        if found & flag and name not in mount.options and name[2:] not in mount.options
    ]
    return mount.replace(options=(*mount.options, *flags)) if flags else mount


def id_map(site: Site, record: ContainerRecord, text: str, place: str) -> IdMap:
    """The map that the option idmap asks for.  Raises Unsupported where it cannot be had."""
    what = f"an id map for the mount at {place}"
    if site.namespace.rootless:
        hint = "use the option U, which changes the owner, or run as root"
        raise Unsupported(f"{what}: the kernel gives it to real root only", hint=hint)
    if text == "container":
        if record.id_map is not None:
            return record.id_map
        hint = "say how to map: idmap=uids=0-1000-1;gids=0-1000-1"
        raise Unsupported(f"{what}: the container has no user namespace that would say how", hint=hint)
    from argosy.linux.idmap import IdMap
    from argosy.spec import idmapping

    found = idmapping.parse(text)
    return IdMap.of(found["uids"], found["gids"])

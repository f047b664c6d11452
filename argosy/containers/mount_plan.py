"""What a new container mounts beside what its options say: the mounts of other containers, the image's VOLUMEs as
--image-volume asks for, and the images that it has the trees of.

All is settled when the container is created: what other containers or containers.conf say later changes nothing.
"""

from __future__ import annotations

import os

from argosy.containers import record as records
from argosy.containers.create import pin
from argosy.containers.record import MountedImage
from argosy.errors import ArgosyError, NotFound
from argosy.spec import mountfields, mountflags
from argosy.spec.options import BadOption, Mount

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site
    from argosy.oci.imageconfig import ContainerConfig
    from argosy.spec.options import ContainerOptions
    from argosy.storage.images import ImageRecord


def complete(site: Site, options: ContainerOptions, image: ContainerConfig) -> tuple[ContainerOptions, frozenset[str]]:
    """The options with all mounts, and the names of those volumes among them that are somebody's anonymous ones.

    Raises ArgosyError when the source of a bind mount is not there, or another container is not.
    """
    for mount in options.mounts:
        if mount.kind == "bind" and not mount.overlay:
            check_source(mount.source)
    found = {mount.target: mount for mount in options.mounts}
    anonymous: frozenset[str] = frozenset()
    borrowed: dict[str, Mount] = {}
    for text in options.volumes_from:
        name, words = mountflags.parse_volumes_from(text)
        other = _container(site, name)
        anonymous |= {use.name for use in other.volumes if use.anonymous}
        borrowed.update((mount.target, mount) for mount in _shared(site, other, words))
    found = {**borrowed, **found}
    for mount in _configured(site):
        found.setdefault(mount.target, mount)
    if image_volume(site, options) == "tmpfs":
        for path in image.volumes:
            target = os.path.normpath("/" + path.lstrip("/"))
            found.setdefault(target, Mount("tmpfs", "", target, origin="image"))
    return options.replace(mounts=tuple(found.values())), anonymous


def _configured(site: Site) -> Iterator[Mount]:
    """What containers.conf mounts; the binds of its `volumes` are looked up at each start."""
    for text in site.conf.volumes:
        mount = mountflags.parse_volume(text)
        if mount.kind == "volume":
            yield mount.replace(origin="conf")
    for text in site.conf.mounts:
        mount = mountfields.parse_mount(text)
        if mount.kind == "glob":
            raise BadOption(f'mounts in containers.conf: "{text}": patterns stand in --mount only')
        if mount.kind == "bind":
            check_source(mount.source)
        yield mount.replace(origin="conf")


def image_volume(site: Site, options: ContainerOptions) -> str:
    """What becomes of the image's VOLUMEs: "anonymous", "tmpfs" or "ignore"."""
    return mountflags.parse_image_volume(options.image_volume or site.conf.image_volume_mode)


def check_source(path: str) -> None:
    """Raise ArgosyError, in podman's words, unless there is something at the host path `path`."""
    try:
        os.statvfs(path)
    except OSError as error:
        hint = "" if error.errno != 2 else f"make it first: mkdir {path}"
        raise ArgosyError(f"statfs {path}: {str(error.strerror).lower()}", hint=hint) from error


def _container(site: Site, name: str) -> ContainerRecord:
    try:
        if not name:
            raise NotFound("container", name)
        return records.read_record(site.store, site.store.containers.find(name))
    except NotFound as error:
        why = f'no container with name or ID "{name}" found: no such container'
        if not name:
            why = "name or ID cannot be empty"
        raise ArgosyError(f'looking up container "{name}" for volumes-from: {why}') from error


def _shared(site: Site, other: ContainerRecord, words: tuple[str, ...]) -> Iterator[Mount]:
    """The binds and volumes of another container; what belongs to it alone (tmpfs, overlays) is left out, and named."""
    uses = {use.destination: use for use in other.volumes}
    for target, use in uses.items():
        yield _with_words(Mount("volume", use.name, target, use.options, origin="container"), words)
    for mount in other.options.mounts:
        if mount.origin == "infra" or (mount.overlay and other.options.infra):
            continue  # an overlay of a pod is each container's own
        if mount.kind in ("bind", "volume") and not mount.overlay:
            source = uses[mount.target].name if mount.target in uses else mount.source
            yield _with_words(mount.replace(source=source, chown=False, origin="container"), words)
        else:
            what = "an overlay" if mount.overlay else f"of type {mount.kind}"
            site.notice(f"the mount at {mount.target} of container {other.id[:12]} is not shared: it is {what}")


def _with_words(mount: Mount, words: tuple[str, ...]) -> Mount:
    """The mount with the options of --volumes-from in place of its own."""
    if "z" in words:
        mount = mount.replace(relabel="shared")
    access = tuple(word for word in words if word != "z")
    if not access:
        return mount
    return mount.replace(options=(*(option for option in mount.options if option not in ("ro", "rw")), *access))


def mounted_images(options: ContainerOptions, find_image: Callable[[str], ImageRecord]) -> tuple[MountedImage, ...]:
    """The images of the mounts of type image.  Raises ArgosyError when one is not in the store."""
    found = []
    for mount in options.mounts:
        if mount.kind == "image":
            try:
                image = find_image(mount.source)
            except NotFound as error:
                what = f'creating image volume "{mount.source}":"{mount.target}"'
                raise ArgosyError(f"{what}: {error}", hint=f"argosy pull {mount.source}") from error
            found.append(MountedImage(mount.target, pin(image, mount.source)))
    return tuple(found)

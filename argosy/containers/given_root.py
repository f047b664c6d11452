"""--rootfs: a directory of the host as the root of a container, which has no image then."""

from __future__ import annotations

import os

from argosy.errors import ArgosyError
from argosy.storage import rootfs, staged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site
    from argosy.spec.options import ContainerOptions


def check(options: ContainerOptions) -> None:
    """Raise ArgosyError, in podman's words, when the directory cannot be a root."""
    path = options.rootfs
    try:
        os.stat(path)
    except OSError as error:
        raise ArgosyError(f"running container create option: stat {path}: {str(error.strerror).lower()}") from error
    if not os.path.isdir(path) or path == "/":
        why = "the root of the host" if path == "/" else "not a directory"
        raise ArgosyError(f"cannot use {path} as the root of a container: it is {why}", hint="see --rootfs")


def mount(site: Site, record: ContainerRecord) -> str:
    """Mount the directory as the container's root, and return where.

    With :O it is an overlay over it, so that nothing is changed there, and what was changed is gone after the run; with
    :idmap its files have other owners.
    """
    source, directory = record.options.rootfs, site.state_directory(record.id)
    check(record.options)
    if record.options.rootfs_option == "O":
        source = staged.overlay(site.store, directory, "root", source, label=record.mount_label)
    elif record.options.rootfs_option:
        from argosy.containers import mount_sources

        _, _, text = record.options.rootfs_option.partition("=")
        id_map = mount_sources.id_map(site, record, text or "container", "/")
        source = staged.mapped(directory, "root", source, id_map, recursive=True)
    return rootfs.mount_directory(directory, source)

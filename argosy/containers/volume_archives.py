"""The content of a volume as a tar archive: `volume export` and `volume import`."""

from __future__ import annotations

import os

from argosy.archive import diff as archives
from argosy.archive.tarwriter import BLOCK
from argosy.errors import ArgosyError, Invalid
from argosy.images import extract
from argosy.linux import syscalls
from argosy.linux.treemerge import Merger
from argosy.records.scratch import Scratch
from argosy.volumes import mounting, named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from argosy.images.archives import Archive
    from argosy.storage.store import Store

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class _Mounted:
    """A volume in use by a command; within it, `fd` is its directory."""

    def __init__(self, store: Store, name: str) -> None:
        self._store, self._name = store, name

    def __enter__(self) -> Self:
        mount(self._store, self._name)
        self.fd = os.open(named.data_path(self._store, self._name), _DIRECTORY)
        return self

    def __exit__(self, *_error: object) -> None:
        os.close(self.fd)
        unmount(self._store, self._name)


def mount(store: Store, name: str) -> str:
    """Have the volume mounted, if it is one of that kind, until `unmount`; its directory.  Raises ArgosyError."""
    wanted = mounting.options_of(store, name)
    if wanted.is_mounted:
        with store.volumes.lock(name):
            mounting.mount(store, name, wanted, mounting.BY_HAND)
    return named.data_path(store, name)


def unmount(store: Store, name: str) -> None:
    """Undo one `mount`.  Nothing happens when it was not mounted, or is of the plain kind."""
    if mounting.options_of(store, name).is_mounted:
        mounting.unmount(store, name, mounting.BY_HAND)


def export(store: Store, name: str, write: Callable[[bytes], object]) -> None:
    """Write the archive in pieces; containers may change the volume meanwhile."""
    with _Mounted(store, name) as volume:
        place = f"/proc/self/fd/{volume.fd}/."
        archives.write_archive(place, write, layer=False, single=store.id_map.is_single())


def import_archive(store: Store, name: str, archive: Archive) -> None:
    """Put what is in the archive into the volume, in place of what has the same names.

    The archive is unpacked aside, by a process of its own, and only a whole one is copied; on disk when this returns.
    Raises ArgosyError for what cannot be read or put in place.
    """
    head = archive.read_head(BLOCK)
    if not extract.is_archive(head):
        why = "it is empty" if not head else "it is no tar archive, or one in a compression that is not known"
        raise Invalid("archive", archive.name, why, hint="tar, with gzip, zstd, xz, bzip2 or none")
    with Scratch(store.volumes.tmp) as scratch, _Mounted(store, name) as volume:
        directory = f"{scratch.path}/content"
        os.mkdir(directory, 0o700)
        extract.extract(store, directory, head, archive.read, archive.name)
        source = os.open(directory, _DIRECTORY)
        try:
            Merger(lambda status: (status.st_uid, status.st_gid), overwrite=True, devices=True).content(
                source, volume.fd
            )
            syscalls.syncfs(volume.fd)
        except OSError as error:
            place = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else ""
            raise ArgosyError(
                f"cannot put {place} into the volume {name}: {error.strerror}",
                hint="stop the containers that change it, and import again",
            ) from error
        finally:
            os.close(source)

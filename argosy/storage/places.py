"""Objects that are not at their usual place: volumes and networks in directories of the user's, and containers that
end with the boot.

<volume path>/<name>/              the volumes, where store.json names such a directory
              .argosy/tmp/         what is being made or deleted there: a rename cannot leave a file system
<network config dir>/argosy/       networks/<id>/, names/ and tmp/, beside what other programs have there
<root>/transient/<boot>/<id>/      transient containers of this boot; those of others are garbage
                 names/<boot>/
"""

from __future__ import annotations

import os

from argosy.errors import ArgosyError
from argosy.linux import files
from argosy.records.shelf import Shelf

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.storage.store import Store

_OWN = ".argosy"
TRANSIENT = "transient"


class VolumePathDiffers(ArgosyError):
    """The store has its volumes elsewhere (podman's words)."""

    def __init__(self, known: str, wanted: str) -> None:
        super().__init__(
            f'database volume path "{known}" does not match our volume path "{wanted}": '
            "database configuration mismatch",
            hint="leave out --volumepath, or name another store with --root",
        )


def volumes(path: str) -> Shelf:
    """The shelf of volumes at `path`."""
    shelf = Shelf(path, f"{path}/{_OWN}/tmp", "volume")
    shelf.names_directory = f"{path}/{_OWN}/names"
    return shelf


def networks(path: str) -> Shelf:
    """The shelf of networks in the directory `path` of --network-config-dir."""
    return Shelf(f"{path}/argosy/networks", f"{path}/argosy/tmp", "network")


def settle_volume_path(store: Store, wanted: str, *, by_flag: bool) -> None:
    """Have the volumes at `wanted`: a store that has none yet remembers that.

    Another place that is asked for later raises VolumePathDiffers, when a flag did so; a configuration file, which may
    have changed, does not count then.
    """
    usual = f"{store.root}/volumes"
    known = store.record.volume_path or usual
    if wanted == known:
        return
    if store.record.volume_path or store.volumes.ids():
        if by_flag:
            raise VolumePathDiffers(known, wanted)
        return
    from argosy.storage import creation

    files.make_directories(f"{wanted}/{_OWN}/tmp")
    store.record = creation.change(store.root, volume_path=wanted)


def temporary(store: Store) -> tuple[str, ...]:
    """The directories beside the store's root that have a tmp/ of their own."""
    return (f"{store.record.volume_path}/{_OWN}",) if store.record.volume_path else ()


def remove_volumes(store: Store) -> None:
    """Remove all volumes that are elsewhere, and what is Argosy's own there."""
    shelf = store.volumes
    for name in shelf.ids():
        with shelf.lock(name):
            shelf.remove(name)
    files.remove_tree(f"{store.record.volume_path}/{_OWN}")


def transient(root: str, tmp: str) -> Shelf:
    """The shelf of the transient containers of this boot."""
    return Shelf(f"{root}/{TRANSIENT}/{_boot()}", tmp, "container")


def sweep(store: Store) -> tuple[tuple[str, str], ...]:
    """Remove the transient containers of earlier boots; what could not be removed, and why."""
    directory = f"{store.root}/{TRANSIENT}"
    try:
        found = os.listdir(directory)
    except FileNotFoundError:
        return ()
    failed = []
    for name in found:
        if name in ("names", _boot()):
            continue
        try:
            files.remove_tree(f"{directory}/{name}")
            files.remove_tree(f"{directory}/names/{name}")
        except (ArgosyError, OSError) as error:
            failed.append((f"{directory}/{name}", str(error)))
    return tuple(failed)


def _boot() -> str:
    return files.read("/proc/sys/kernel/random/boot_id").decode().strip()

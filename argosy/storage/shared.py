"""Additional image stores: stores of others whose images are used from where they are, and in which nothing is changed.

They may lie on a read-only mount or a network file system, or belong to another user: no lock is taken in them, and
what is in them counts only when it can be relied on: blobs that carry their mark, or have their digest; layers and
chains that carry their mark.  Blobs serve everybody.  Layers serve only whoever has the same ids and can read the same
kind of overlay's attributes; for anybody else they are applied again, from the blobs, into the own store.
"""

from __future__ import annotations

import os

from argosy.errors import ArgosyError, Unsupported
from argosy.storage.creation import check_id_map
from argosy.storage.store import STORE_FILE, Store, read_record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Notice = Callable[[str], None]

# What containers/storage has in a store, one of which is always there.
_PODMAN = ("overlay-images", "vfs-images", "btrfs-images", "zfs-images", "storage.lock")


def check_paths(paths: Sequence[str]) -> None:
    """Raise ArgosyError, in podman's words, when one of the directories cannot be found."""
    for path in paths:
        try:
            os.stat(path)
        except OSError as error:
            why = f"stat {path}: {str(error.strerror).lower()}"
            raise ArgosyError(
                f"overlay: can't stat imageStore dir {path}: {why}",
                hint="mount it, or leave it out of additionalimagestores (storage.conf, --storage-opt, STORAGE_OPTS)",
            ) from error


def opened(own: Store, paths: Sequence[str], notice: Notice | None) -> tuple[Store, ...]:
    """The stores at `paths`; `notice` is told which cannot be used, and why."""
    found = []
    for path in paths:
        if os.path.exists(path) and os.path.samefile(path, own.root):
            continue  # nothing in it is lent
        try:
            record = read_record(path)
        except (ArgosyError, FileNotFoundError) as error:
            if notice:
                notice(f"the additional image store {path} is not used: {_reason(path, error)}")
            continue
        found.append(Store(path, "", rootless=own.rootless, id_map=own.id_map, record=record))
    return tuple(found)


def _reason(path: str, error: Exception) -> str:
    if isinstance(error, ArgosyError):
        hint = f" ({error.hint})" if error.hint and isinstance(error, Unsupported) else ""
        return f"{error}{hint}"
    if not os.path.isdir(path):
        return "it is not a directory"
    if any(os.path.lexists(f"{path}/{name}") for name in _PODMAN):
        return (
            "it is podman's, whose layers are kept in another form; "
            f"`podman --root {path} save IMAGE | argosy load` copies an image"
        )
    return f"it holds no {STORE_FILE}: `argosy --root {path} pull IMAGE` makes a store there"


def mountable(own: Store, notice: Notice | None) -> tuple[Store, ...]:
    """Those of the additional stores whose layers can be mounted as they are; `notice` is told of the others."""
    found = []
    for store in own.shared:
        why = misfit(own, store)
        if not why:
            found.append(store)
        elif notice:
            notice(
                f"the layers in the additional image store {store.root} cannot be used as they are: {why}; "
                f"they are applied again in {own.root}"
            )
    return tuple(found)


def misfit(own: Store, store: Store) -> str:
    """Why the layers of `store` mean something else to us than to whoever made them; "" when they do not."""
    try:
        check_id_map(store.record, own.id_map, store.root)
    except Unsupported as error:
        return f"their files belong to other ids than ours ({error.details})"
    if store.xattrs != own.xattrs:
        return f"they have {store.xattrs}.overlay.* attributes, we read {own.xattrs}.overlay.*"
    return ""

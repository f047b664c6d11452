"""The check of a store that is open."""

from __future__ import annotations

from argosy.containers.doctor.advice import GOOD, LESS, Advice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from argosy.storage.store import Store

_DRIVERS: dict[str, tuple[str, str, str]] = {
    "overlay": (GOOD, "the kernel's overlay", ""),
    "fuse_overlay": (LESS, "fuse-overlayfs, since the kernel's overlay did not work here", "files are read slower"),
    "vfs": (LESS, "vfs, since no overlay worked here", "each container is a whole copy of its image"),
}
_REMEDY = "put the store on a local file system such as ext4, xfs or btrfs: --root, or graphroot in storage.conf"


def store_checks(store: Store) -> Iterator[Advice]:
    """How the store makes trees of layers."""
    state, text, cost = _DRIVERS[store.driver]
    remedy = "" if state == GOOD else f"`argosy doctor overlay fuse` tells what the host has; {_REMEDY}"
    yield Advice("storage", state, f"{store.root}: {text}", cost, remedy)

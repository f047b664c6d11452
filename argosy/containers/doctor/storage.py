"""The check of a store that is open."""

from __future__ import annotations

from argosy.containers.doctor.advice import GOOD, LESS, Advice
from argosy.storage import idmaps, shared
from argosy.storage.drivers import ground

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from argosy.storage.store import Store

_DRIVERS: dict[str, tuple[str, str, str]] = {
    "overlay": (GOOD, "the kernel's overlay", ""),
    "fuse_overlay": (LESS, "fuse-overlayfs, since the kernel's overlay did not work here", "files are read slower"),
    "vfs": (LESS, "vfs, since no overlay worked here", "each container is a whole copy of its image"),
}
_WAYS = {
    idmaps.MOUNTS: "mounted once more, which costs nothing",
    idmaps.METADATA: "trees of metadata, made once",
    idmaps.CONTENT: "copies, made once",
}
_REMEDY = "put the store on a local file system such as ext4, xfs or btrfs: --root, or graphroot in storage.conf"


def store_checks(store: Store) -> Iterator[Advice]:
    """How the store makes trees of layers, where it is, and what the additional image stores are good for."""
    state, text, cost = _DRIVERS[store.driver]
    remedy = "" if state == GOOD else f"`argosy doctor overlay fuse` tells what the host has; {_REMEDY}"
    yield Advice("storage", state, f"{store.root}: {text}", cost, remedy)
    if ground.is_shared(store.root):
        text = f"{store.root} is on a file system that other machines may have too"
        yield Advice("storage", LESS, text, "which containers run is known on one machine only", _REMEDY)
    yield from _id_maps(store)
    yield from _image_stores(store)


def _id_maps(store: Store) -> Iterator[Advice]:
    """What a user namespace of a container's own costs; with a single id there is none that would need other owners."""
    if store.id_map.is_single():
        return
    way = idmaps.way(store)
    text = f"layers under another id map (--userns, --uidmap) are {_WAYS[way]}"
    if way != idmaps.CONTENT:
        yield Advice("storage", GOOD, text)
        return
    cost = "the first container with such a map copies its image, unless the file system shares blocks"
    yield Advice(
        "storage", LESS, text, cost, "Linux 6.16 and later, with overlay, needs no copy; root none from 5.19 on"
    )


def _image_stores(store: Store) -> Iterator[Advice]:
    unusable: list[str] = []
    for lender in shared.opened(store, store.image_stores, unusable.append):
        why = shared.misfit(store, lender)
        text = f"additional image store {lender.root}: {why or 'images are used from where they are'}"
        cost = "each layer is unpacked into the own store at its first use" if why else ""
        yield Advice("storage", LESS if why else GOOD, text, cost)
    for text in unusable:
        yield Advice("storage", LESS, text, "its images are not there", "leave it out of additionalimagestores")

"""How layers become one tree: by the kernel's overlay, by fuse-overlayfs, or by copying."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    from argosy.storage.store import Store

    class Driver(Protocol):
        """Makes trees of layers.

        `lowers` are directories in the form that overlayfs documents (whiteouts are 0:0 character devices, opaque
        directories carry `<xattrs>.overlay.opaque`), topmost first, perhaps none.  They are never changed.  On file
        systems on which overlayfs cannot be, whiteouts may be files (`archive.whiteout`).
        """

        def mount(
            self,
            merged: str,
            lowers: Sequence[str],
            upper: str,
            work: str,
            *,
            volatile: bool,
            label: str = "",
            data: str = "",
        ) -> None:
            """Show the lowers at `merged`; what is changed there goes to `upper` and is there at the next mount.

            `upper` and `work` exist, on one file system.  `volatile`: no syncing to disk.  A mount left by a killed
            process, or one that ended by a crash, hinders nothing.  `label` is the SELinux label of every file, "" for
            their own.  `data` is where the content of the lowers' files is, for lowers of `storage.idmaps` that have
            none; no driver but overlay gets any.
            """

        def mount_readonly(self, target: str, lowers: Sequence[str], *, data: str = "") -> None:
            """Show the lowers at `target`, read-only."""


def driver(store: Store) -> Driver:
    """The driver that the store was made with."""
    from argosy.errors import Unsupported

    if store.driver == "overlay":
        from argosy.storage.drivers.overlay import Overlay

        return Overlay(store.xattrs)
    if store.driver == "fuse_overlay":
        from argosy.storage.drivers.fuse_overlay import FuseOverlay

        return FuseOverlay(store.record.mount_program)
    if store.driver == "vfs":
        from argosy.storage.drivers.vfs import Vfs

        return Vfs(store.xattrs)
    raise Unsupported(
        f"the store at {store.root} was made with the driver {store.driver}, which this version of argosy does not have"
    )

"""The kernel's overlay file system."""

from __future__ import annotations

import os

from argosy.linux import files, mounts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# What a host's module parameters may have switched on would make an upper directory depend on its lowers' inodes.
# With userxattr the kernel takes no redirect_dir but nofollow, and implies metacopy=off.
_OPTIONS = ("redirect_dir=off", "metacopy=off", "index=off")
_USER_OPTIONS = ("redirect_dir=nofollow", "index=off", "userxattr")


class Overlay:
    """`xattrs` is "trusted" (real root) or "user" (in a user namespace), as the layers were written."""

    def __init__(self, xattrs: str) -> None:
        self._options = _OPTIONS if xattrs == "trusted" else _USER_OPTIONS

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
        """As `Driver.mount` says."""
        if not lowers:
            mounts.bind(upper, merged, recursive=False)
            return
        # The kernel refuses an upper directory that was mounted volatile before; what it holds is all there is, though.
        if os.path.lexists(f"{work}/work/incompat"):
            files.remove_tree(f"{work}/work")
        options = (*self._options, "volatile") if volatile else self._options
        if label:
            options = (*options, f"context={label}")
        mounts.mount_overlay(merged, lowers, upper, work, options, data=data)

    def mount_readonly(self, target: str, lowers: Sequence[str], *, data: str = "") -> None:
        """As `Driver.mount_readonly` says."""
        if len(lowers) == 1 and not data:
            # A layer with whiteouts never comes alone: its chain has a fix directory.
            mounts.bind(lowers[0], target, recursive=False, read_only=True)
        elif lowers:
            mounts.mount_overlay(target, lowers, None, None, self._options, data=data)

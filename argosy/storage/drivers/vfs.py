"""Copies instead of mounts: works everywhere, and takes the room and the time of a copy for each container.

<container>/work/tree/      the copy being made
<container>/work/whole      the copy is whole: it belongs where the upper directory is

Where nothing can be mounted at all (see `linux.confined`), <container>/merged is a symbolic link to upper/.
"""

from __future__ import annotations

import os

from argosy.linux import files, mounts
from argosy.storage.drivers.copying import copy_merged

_EPERM = 1

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class Vfs:
    """`xattrs` is the name space of the attributes that say what is opaque in the layers."""

    def __init__(self, xattrs: str) -> None:
        self._xattrs = xattrs

    def mount(
        self,
        merged: str,
        lowers: Sequence[str],
        upper: str,
        work: str,
        *,
        volatile: bool,
        label: str = "",
        data: str = "",  # noqa: ARG002 -- see Driver.mount
    ) -> None:
        """As `Driver.mount` says; the upper directory holds everything, not only what was changed."""
        tree, whole = f"{work}/tree", f"{work}/whole"
        if not os.path.lexists(whole):
            files.remove_tree(tree)
            copy_merged((upper, *lowers), tree, self._xattrs)
            if not volatile:
                self._sync(work)
            files.write_atomic(whole, b"", durable=not volatile)
        if os.path.lexists(tree):
            files.remove_tree(upper)
            os.rename(tree, upper)
        if label:
            from argosy.linux import selinux

            selinux.label_tree(upper, label)
        _show(upper, merged)

    def mount_readonly(self, target: str, lowers: Sequence[str], *, data: str = "") -> None:  # noqa: ARG002
        """As `Driver.mount_readonly` says; several lowers are copied into `target`, which is empty.

        Where nothing can be mounted, one is copied too, and the copy is no more protected than any file of ours.
        """
        if len(lowers) == 1 and _is_bound(lowers[0], target, read_only=True):
            return
        if lowers:
            copy_merged(lowers, target, self._xattrs)
            _is_bound(target, target, read_only=True)

    @staticmethod
    def _sync(work: str) -> None:
        from argosy.linux import syscalls

        fd = os.open(work, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            syscalls.syncfs(fd)
        finally:
            os.close(fd)


def _is_bound(source: str, target: str, *, read_only: bool = False) -> bool:
    """Bind the directory; false where we may not mount (EPERM)."""
    try:
        mounts.bind(source, target, recursive=False, read_only=read_only)
    except mounts.MountFailed as error:
        if error.errno != _EPERM:
            raise
        return False
    return True


def _show(upper: str, merged: str) -> None:
    """Make `merged` another name of `upper`: a mount, or a link where we may not mount."""
    if os.path.islink(merged):
        os.unlink(merged)
        os.mkdir(merged, 0o700)
    if not _is_bound(upper, merged):
        os.rmdir(merged)
        os.symlink(os.path.basename(upper), merged)

"""Whiteouts: how a layer says that names of the layers below are gone.

In a tar (OCI image layer specification) an empty file `.wh.NAME` hides NAME, and `.wh..wh..opq` hides all that layers
below have in its directory.  On disk, as overlayfs wants it, a character device 0:0 called NAME hides NAME, and a
directory with the extended attribute `trusted.overlay.opaque` (`user.` in a user namespace) set to "y" is opaque.
Where the file system holds no such device (it is itself an overlay), an empty file `.wh.NAME` of mode 0 stands for it,
which fuse-overlayfs and the driver vfs understand.
Other names that begin with `.wh..wh.` are the housekeeping of aufs, which old images contain.
"""

from __future__ import annotations

import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os

PREFIX = b".wh."
AUFS_PREFIX = b".wh..wh."
OPAQUE = b".wh..wh..opq"
_STEERING = ("trusted.", "user.overlay.", "user.fuseoverlayfs.")
_OF_ONE_HOST = ("security.selinux", "user.containers.override_stat")


def opaque_attribute(flavour: str) -> str:
    """The extended attribute that marks an opaque directory; `flavour` is "trusted" or "user"."""
    return f"{flavour}.overlay.opaque"


def hidden_name(name: bytes) -> bytes:
    """The name which the whiteout `name` hides.  ValueError when that is no name of a file."""
    hidden = name[len(PREFIX) :]
    if hidden in (b"", b".", b".."):
        raise ValueError("a whiteout of nothing")
    return hidden


def is_whiteout(status: os.stat_result) -> bool:
    """Whether this is a whiteout as overlayfs has them."""
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def is_marker(name: bytes, status: os.stat_result) -> bool:
    """Whether this is a file that stands for a whiteout, on a file system that has no devices of that kind."""
    plain = stat.S_ISREG(status.st_mode) and not stat.S_IMODE(status.st_mode)
    return plain and not status.st_size and name.startswith(PREFIX) and not name.startswith(AUFS_PREFIX)


def is_kept_attribute(name: str) -> bool:
    """Whether an extended attribute belongs to the file, and so into layers and out of them.

    `trusted.*`, `user.overlay.*` and `user.fuseoverlayfs.*` would steer overlay file systems, and
    `user.containers.override_stat` what we take for a file's owner; `security.selinux` is the labelling of one host.
    """
    return not name.startswith(_STEERING) and name not in _OF_ONE_HOST

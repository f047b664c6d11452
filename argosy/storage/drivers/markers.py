"""What fuse-overlayfs leaves in an upper directory beside overlayfs's own form.

It marks a directory that hides lower ones by a file `.wh..wh..opq` (with a housekeeping `.wh..opq` above), and where it
cannot make devices a removed file by `.wh.NAME`.  Layers are kept in overlayfs's form, which it reads as well.
"""

from __future__ import annotations

import os
import stat

PREFIX = ".wh."
OPAQUE = ".wh..wh..opq"
_HOUSEKEEPING = ".wh..opq"


def settle(upper: str, xattrs: str) -> None:
    """Bring the upper directory into overlayfs's form.  Nobody uses it; follows no link.

    On a file system that cannot hold whiteouts, the marks of removed files stay, with the mode 0 of those in layers.
    """
    pending = [upper]
    while pending:
        directory = pending.pop()
        with os.scandir(directory) as found:
            entries = list(found)
        for entry in entries:
            if entry.name.startswith(PREFIX):
                _settle_one(directory, entry.name, xattrs)
            elif entry.is_dir(follow_symlinks=False):
                pending.append(entry.path)


def _settle_one(directory: str, name: str, xattrs: str) -> None:
    path = f"{directory}/{name}"
    before = os.lstat(directory)
    if name == OPAQUE:
        os.setxattr(directory, f"{xattrs}.overlay.opaque", b"y")
    elif not os.path.lexists(f"{directory}/{hidden(name)}") and name != _HOUSEKEEPING:
        try:
            os.mknod(f"{directory}/{hidden(name)}", stat.S_IFCHR, 0)
        except PermissionError:
            os.chmod(path, 0)
            return
    os.unlink(path)
    os.utime(directory, ns=(before.st_atime_ns, before.st_mtime_ns))


def hidden(name: str) -> str:
    """The name that the marker `name` hides."""
    return name.removeprefix(PREFIX)

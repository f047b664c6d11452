"""Owners that a file cannot have, remembered beside it: where a user has one id, all files are his.

The attribute is the one that containers/storage and fuse-overlayfs know, `UID:GID:MODE` with the mode in octal; the
kernel gives such attributes to files and directories, not to links and pipes.  It counts in stores with a single id
alone: elsewhere a program in a container could make its file another's.
"""

from __future__ import annotations

import os

ATTRIBUTE = "user.containers.override_stat"
_EPERM, _EACCES, _ENOTSUP = 1, 13, 95
_LARGEST = 2**32 - 2


def remember(target: int | str | bytes, uid: int, gid: int, mode: int) -> bool:
    """Note the owner of a file or directory; false where it can have no such note."""
    try:
        os.setxattr(target, ATTRIBUTE, f"{uid}:{gid}:0{mode:o}".encode())
    except OSError as error:
        if error.errno in (_EPERM, _EACCES, _ENOTSUP):
            return False
        raise
    return True


def parse(value: bytes) -> tuple[int, int] | None:
    """Owner and group of an attribute's value; None when it is not what `remember` or the peers write."""
    fields = value.split(b":")
    if len(fields) < 3 or not (fields[0].isdigit() and fields[1].isdigit()):
        return None
    uid, gid = int(fields[0][:11]), int(fields[1][:11])
    return (uid, gid) if max(uid, gid) <= _LARGEST else None

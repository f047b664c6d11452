"""The volume option U: what is mounted is given to the container's user."""

from __future__ import annotations

import os

from argosy.errors import ArgosyError, Invalid
from argosy.linux import below

# podman refuses the same: nobody means to give these away, and the host would not survive it.
SYSTEM_PLACES = frozenset(
    (
        *("/", "/bin", "/boot", "/dev", "/etc", "/etc/passwd", "/etc/pki", "/etc/shadow", "/home", "/lib", "/lib64"),
        *("/media", "/opt", "/proc", "/root", "/run", "/sbin", "/srv", "/sys", "/tmp", "/usr", "/var", "/var/lib"),
        *("/var/log",),
    )
)


def give(path: str, uid: int, gid: int) -> None:
    """Make `uid`:`gid`, as this process's user namespace counts them, the owner of `path` and all that is below it.

    Links are not followed.  What belongs to them already keeps its set-uid bits, as nothing is changed there.
    """
    if os.path.realpath(path) in SYSTEM_PLACES:
        why = "the option U would give a directory of the system to the container"
        raise Invalid("volume", path, why, hint=f"chown -R {uid}:{gid} {path}, if you mean it")
    try:
        _give(path, uid, gid, None)
        if os.path.isdir(path):
            for fd, entry in below.entries(path):
                _give(entry.name, uid, gid, fd)
    except OSError as error:
        raise ArgosyError(f"cannot change the owner of {path}", details=str(error)) from error


def _give(name: str, uid: int, gid: int, fd: int | None) -> None:
    follow = fd is None  # the source itself may be a link, what is in it is taken as it is
    found = os.stat(name, dir_fd=fd, follow_symlinks=follow)
    if (found.st_uid, found.st_gid) != (uid, gid):
        os.chown(name, uid, gid, dir_fd=fd, follow_symlinks=follow)

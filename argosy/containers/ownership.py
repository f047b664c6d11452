"""The volume option U: what is mounted is given to the container's user."""

from __future__ import annotations

import os

from argosy.errors import ArgosyError, Invalid
from argosy.linux import syscalls

# podman refuses the same: nobody means to give these away, and the host would not survive it.
_REFUSED = frozenset(
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
    if os.path.realpath(path) in _REFUSED:
        why = "the option U would give a directory of the system to the container"
        raise Invalid("volume", path, why, hint=f"chown -R {uid}:{gid} {path}, if you mean it")
    try:
        _give(path, uid, gid, None)
        if os.path.isdir(path):
            _give_below(path, uid, gid)
    except OSError as error:
        raise ArgosyError(f"cannot change the owner of {path}", details=str(error)) from error


def _give_below(path: str, uid: int, gid: int) -> None:
    """However deep it goes, and whoever changes it meanwhile: each directory is opened below the first one."""
    root_fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        waiting = [""]
        while waiting:
            above = waiting.pop()
            resolve = syscalls.RESOLVE_BENEATH | syscalls.RESOLVE_NO_SYMLINKS
            fd = syscalls.openat2(root_fd, above.rstrip("/") or ".", os.O_RDONLY | os.O_DIRECTORY, 0, resolve)
            try:
                with os.scandir(fd) as entries:
                    for entry in entries:
                        _give(entry.name, uid, gid, fd)
                        if entry.is_dir(follow_symlinks=False):
                            waiting.append(f"{above}{entry.name}/")
            finally:
                os.close(fd)
    finally:
        os.close(root_fd)


def _give(name: str, uid: int, gid: int, fd: int | None) -> None:
    follow = fd is None  # the source itself may be a link, what is in it is taken as it is
    found = os.stat(name, dir_fd=fd, follow_symlinks=follow)
    if (found.st_uid, found.st_gid) != (uid, gid):
        os.chown(name, uid, gid, dir_fd=fd, follow_symlinks=follow)

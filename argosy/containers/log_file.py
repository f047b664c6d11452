"""The file for a container's output, where the user named it: conmon opens it as it is, and waits on a FIFO."""

from __future__ import annotations

import os
import stat

from argosy.errors import ArgosyError
from argosy.linux import paths

_NULL = os.makedev(1, 3)


def check(path: str) -> None:
    """Raise ArgosyError unless conmon can append to the file at `path`, or make it.

    A link is followed, as podman does, but only one of our own: somebody else could lead root anywhere by it.
    """
    try:
        found = os.lstat(path)
        if stat.S_ISLNK(found.st_mode):
            if found.st_uid != os.geteuid():
                raise _unusable(path, "it is a link of another user's")
            found = os.stat(path)
    except FileNotFoundError:
        if not os.path.isdir(os.path.dirname(path)):
            raise _unusable(path, "there is no such directory") from None
        return
    except OSError as error:
        raise _unusable(path, str(error.strerror).lower()) from error
    if not (stat.S_ISREG(found.st_mode) or (stat.S_ISCHR(found.st_mode) and found.st_rdev == _NULL)):
        raise _unusable(path, f"it is {paths.kind(found.st_mode)}")


def _unusable(path: str, why: str) -> ArgosyError:
    return ArgosyError(f"cannot write a log to {path}: {why}", hint="see --log-opt")

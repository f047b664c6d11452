"""The account files of a container's tree, which belong to whoever made the image."""

from __future__ import annotations

import os

from argosy.errors import Invalid
from argosy.linux import files, paths
from argosy.values import Value

LIMIT_BYTES = 1 << 20
_WHAT = "file of the image"
_HINT = "the image is damaged or hostile"


class Accounts(Value):
    """/etc/passwd and /etc/group; None for one that is not there."""

    passwd: bytes | None
    group: bytes | None


def read(root: str) -> Accounts:
    """The account files of the tree at `root`.  Raises Invalid when one is no regular file or larger than 1 MiB."""
    root_fd = paths.open_root(root)
    try:
        return Accounts(_read(root_fd, "/etc/passwd"), _read(root_fd, "/etc/group"))
    finally:
        os.close(root_fd)


def of_running(root: str, bound: str) -> tuple[bytes, bytes]:
    """What a running container has there: our files in its run directory `bound`, where it got any, else its tree's."""
    found = read(root)
    return _ours(f"{bound}/passwd", found.passwd), _ours(f"{bound}/group", found.group)


def _ours(path: str, other: bytes | None) -> bytes:
    try:
        return files.read(path, LIMIT_BYTES)
    except FileNotFoundError:
        return other or b""


def _read(root_fd: int, path: str) -> bytes | None:
    try:
        return paths.read_in_root(root_fd, path, LIMIT_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Invalid(_WHAT, path, str(error.strerror), hint=_HINT) from error
    except Invalid as error:
        raise Invalid(_WHAT, path, error.why, hint=_HINT) from error

"""The account files of a container's tree, which belong to whoever made the image."""

from __future__ import annotations

import os

from argosy.errors import Invalid
from argosy.linux import paths

LIMIT_BYTES = 1 << 20
_WHAT = "file of the image"
_HINT = "the image is damaged or hostile"


def read(root: str) -> tuple[bytes, bytes]:
    """/etc/passwd and /etc/group of the tree at `root`, empty where they are missing.

    Raises Invalid when one is no regular file or larger than 1 MiB.
    """
    root_fd = paths.open_root(root)
    try:
        return _read(root_fd, "/etc/passwd"), _read(root_fd, "/etc/group")
    finally:
        os.close(root_fd)


def _read(root_fd: int, path: str) -> bytes:
    try:
        return paths.read_in_root(root_fd, path, LIMIT_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return b""
    except OSError as error:
        raise Invalid(_WHAT, path, str(error.strerror), hint=_HINT) from error
    except Invalid as error:
        raise Invalid(_WHAT, path, error.why, hint=_HINT) from error

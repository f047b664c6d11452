"""Temporary files of copies: what must be as a whole before it can go on."""

from __future__ import annotations

import os

from argosy.errors import ArgosyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

_DIRECTORY = "/var/tmp"  # not /tmp, which is often small and in memory; podman's choice, too


def directory() -> str:
    """Where large temporary files go: TMPDIR, or /var/tmp."""
    return os.environ.get("TMPDIR") or _DIRECTORY


class TemporaryDirectory:
    """A new directory for large files, as a context: `path`, which goes with all in it at the end."""

    def __init__(self) -> None:
        self.path = os.path.abspath(f"{directory()}/argosy-{os.urandom(16).hex()}")
        try:
            os.mkdir(self.path, 0o700)
        except OSError as error:
            raise _unusable(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        from argosy.linux import files

        files.remove_tree(self.path)


def _unusable(error: OSError) -> ArgosyError:
    return ArgosyError(
        f"cannot make a temporary file in {directory()}: {str(error.strerror).lower()}",
        hint="set TMPDIR to another place",
    )


def temporary_file() -> int:
    """A descriptor of a new file without a name, to read and write.  The caller closes it, and it is gone."""
    place = directory()
    try:
        try:
            return os.open(place, os.O_RDWR | os.O_TMPFILE | os.O_CLOEXEC, 0o600)
        except OSError:
            path = f"{place}/argosy-{os.urandom(16).hex()}"  # a file system without O_TMPFILE
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            os.unlink(path)
            return fd
    except OSError as error:
        raise _unusable(error) from error


def write_all(fd: int, data: bytes | memoryview) -> None:
    """Write all of `data` to a temporary file.  Raises ArgosyError."""
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[os.write(fd, rest) :]
    except OSError as error:
        raise ArgosyError(
            f"cannot write to {directory()}: {str(error.strerror).lower()}", hint="make room, or set TMPDIR"
        ) from error

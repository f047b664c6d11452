"""The files of an image's tree, for reading: links are followed within the tree alone, sizes are bounded."""

from __future__ import annotations

import os

from argosy.build.sbom.packages import fields
from argosy.errors import ArgosyError
from argosy.linux import paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

_LIMIT = 256 << 20
_SMALL = 4 << 20
_NOT_ENTERED = frozenset(("proc", "sys", "dev"))


class Tree:
    """The mounted tree of an image, as a context."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._fd = paths.open_root(root)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        os.close(self._fd)

    def read(self, path: str, limit: int = _LIMIT) -> bytes | None:
        """A file; None where there is none.  Raises ArgosyError for one that is too large or no regular file."""
        try:
            return paths.read_in_root(self._fd, path, limit)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise ArgosyError(f"cannot read {path}: {error.strerror}") from error

    def text(self, path: str, limit: int = _LIMIT) -> str:
        """The same as text, "" where there is none."""
        return (self.read(path, limit) or b"").decode("utf-8", "replace")

    def small(self, path: str) -> str:
        """A small file; "" where it cannot be read, since one of many says nothing of the others."""
        try:
            return self.text(path, _SMALL)
        except ArgosyError:
            return ""

    def names(self, path: str) -> list[str]:
        """What is in a directory."""
        try:
            fd = paths.open_in_root(self._fd, path, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            return []
        try:
            return sorted(os.listdir(fd))
        finally:
            os.close(fd)

    def walk(self) -> Iterator[tuple[str, list[str], list[str]]]:
        """All directories with the names of what is in them, links to directories not entered."""
        for directory, below, files, _ in os.fwalk(".", dir_fd=self._fd, follow_symlinks=False):
            if directory == ".":
                below[:] = [name for name in below if name not in _NOT_ENTERED]
            below.sort()
            yield directory.removeprefix("."), below, sorted(files)

    def system(self) -> tuple[str, str]:
        """The distribution's ID and VERSION_ID (os-release(5)), "" where nothing says so."""
        text = self.small("/etc/os-release") or self.small("/usr/lib/os-release")
        found = fields(text.replace("=", ":"))
        return found.get("id", "").strip("\"'"), found.get("version_id", "").strip("\"'")

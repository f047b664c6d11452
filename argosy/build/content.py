"""What a COPY would copy, as one digest: names, types, modes, owners where they count, links, and what is in files.

Times are no part of it.  The digest of a file's content is remembered by device, inode, size, mtime and ctime, so that
a rebuild reads no file of an unchanged context again:

    <root>/buildcache/.files      JSON: {"dev:inode": [size, mtime_ns, ctime_ns, digest]}
"""

from __future__ import annotations

import os
import stat
import time

from argosy import jsontext
from argosy.errors import ArgosyError, shown
from argosy.linux import files
from argosy.oci import digest as digests

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from argosy.build.filetree import FileTree, Found

_CHUNK_BYTES = 1 << 20
_SETTLED_NS = 2_000_000_000  # a file that changed just now may change again within the same tick of its clock
_LIMIT_BYTES = 256 << 20
MOST_TOLD = 5000
_OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class FileDigests:
    """The memory of one build: read when first asked for, written by `save`."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._known: dict[str, Any] | None = None
        self._changed = False

    def digest(self, directory_fd: int, name: str, status: os.stat_result) -> str:
        """The digest of a regular file's content."""
        known = self._load()
        key = f"{status.st_dev}:{status.st_ino}"
        identity = [status.st_size, status.st_mtime_ns, status.st_ctime_ns]
        kept = known.get(key)
        if isinstance(kept, list) and kept[:3] == identity:
            return str(kept[3])
        found = _hash(directory_fd, name)
        if time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > _SETTLED_NS:
            known[key] = [*identity, found]
            self._changed = True
        return found

    def save(self) -> None:
        """Keep what was learnt; a memory that cannot be written is no loss."""
        if not self._changed or self._known is None:
            return
        try:
            files.make_directories(os.path.dirname(self._path))
            files.write_atomic(self._path, jsontext.encode(self._known))
        except OSError:
            pass
        self._changed = False

    def _load(self) -> dict[str, Any]:
        if self._known is None:
            try:
                self._known = jsontext.decode(files.read(self._path, _LIMIT_BYTES))
            except (OSError, ArgosyError):
                self._known = {}
            if not isinstance(self._known, dict):
                self._known = {}
        return self._known


def _hash(directory_fd: int, name: str) -> str:
    hasher = digests.hasher()
    fd = os.open(name, _OPEN_FILE, dir_fd=directory_fd)
    try:
        while chunk := os.read(fd, _CHUNK_BYTES):
            hasher.update(chunk)
    finally:
        os.close(fd)
    return hasher.hexdigest()


def of_entries(
    tree: FileTree, entries: Iterable[Found], memory: FileDigests, told: dict[str, str] | None = None
) -> str:
    """The digest of what `FileTree.walk` gives; `told` gets what it says of each of the first few thousand paths."""
    hasher = digests.hasher()
    directory_fd, directory = -1, None
    try:
        for found in entries:
            above, _, name = found.path.rpartition("/")
            if above != directory and not found.is_directory:
                if directory_fd >= 0:
                    os.close(directory_fd)
                    directory_fd = -1
                directory_fd, directory = tree.open_directory(above), above
            line = _line(tree, found, directory_fd, name, memory)
            hasher.update(line)
            if told is not None and len(told) < MOST_TOLD:
                told[found.path or "."] = os.fsdecode(line)
    except OSError as error:
        raise ArgosyError(f"cannot read {shown(found.path)} of {tree.name}: {error.strerror}") from error
    finally:
        if directory_fd >= 0:
            os.close(directory_fd)
    return hasher.hexdigest()


def _line(tree: FileTree, found: Found, directory_fd: int, name: str, memory: FileDigests) -> bytes:
    status = found.status
    owner = f"{status.st_uid}:{status.st_gid}" if tree.keeps_owner else ""
    said = ""
    if stat.S_ISREG(status.st_mode):
        said = memory.digest(directory_fd, name, status)
    elif stat.S_ISLNK(status.st_mode):
        said = os.readlink(name, dir_fd=directory_fd)
    elif stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
        said = str(status.st_rdev)
    elif stat.S_ISSOCK(status.st_mode):
        return b""
    return os.fsencode(f"{found.inner}\0{status.st_mode:o}\0{owner}\0{said}\n")

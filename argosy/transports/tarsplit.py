"""An archive put together again from its files and what tar-split kept of it (vbatts/tar-split, its JSON lines).

Each line is a segment, bytes of the archive as they were (headers, padding), or a file, whose content comes from the
tree.  The result is the archive that the layer was unpacked from; its digest, which the reader compares, proves it.
"""

from __future__ import annotations

import base64
import os

from argosy import jsontext
from argosy.archive.compression import Decompressor
from argosy.errors import ArgosyError, Invalid
from argosy.linux import syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Self

_FILE, _SEGMENT = 1, 2
_BLOCK = 1 << 20
_LINE_LIMIT = 64 << 20


class SplitStream:
    """A `BlobStream`: the archive of `size` bytes whose tar-split data are at `path`, and its files below `tree`."""

    def __init__(self, path: str, tree: str, size: int) -> None:
        self.offset = 0
        self._path = path
        self._size = size
        self._tree = _open(tree, os.O_PATH | os.O_DIRECTORY)
        self._blocks = self._assemble()
        self._rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[bytes]:
        while block := self.read():
            yield block

    def read(self, size: int = _BLOCK) -> bytes:
        """At most `size` bytes; b"" at the end.  Raises ArgosyError for an archive that is shorter or longer."""
        while not self._rest:
            block = next(self._blocks, None)
            if block is None:
                if self.offset != self._size:
                    raise self._fault(f"the archive has {self.offset} bytes, the store says {self._size}")
                return b""
            self._rest = block
        data, self._rest = self._rest[:size], self._rest[size:]
        self.offset += len(data)
        if self.offset > self._size:
            raise self._fault(f"the archive has more than the {self._size} bytes that the store says")
        return data

    def skip(self, count: int) -> None:
        """Go on `count` bytes further."""
        while count > 0 and (data := self.read(min(count, _BLOCK))):
            count -= len(data)

    def close(self) -> None:
        """Close the tree.  May be called twice."""
        fd, self._tree = self._tree, -1
        if fd >= 0:
            os.close(fd)

    def _assemble(self) -> Iterator[bytes]:
        for line in self._lines():
            entry = jsontext.decode(line, "tar-split data")
            kind = entry.get("type") if isinstance(entry, dict) else None
            if kind == _SEGMENT:
                yield base64.b64decode(entry.get("payload") or "")
            elif kind == _FILE:
                if entry.get("size"):
                    yield from self._content(_name(entry), int(entry["size"]))
            else:
                raise self._fault("a line is neither a segment nor a file")

    def _lines(self) -> Iterator[bytes]:
        """The lines of the file, decompressed."""
        decompressor = Decompressor("gzip")
        rest = b""
        fd = _open(self._path, os.O_RDONLY)
        try:
            while block := os.read(fd, _BLOCK):
                for data in decompressor.write(block):
                    *lines, rest = (rest + data).split(b"\n")
                    if len(rest) > _LINE_LIMIT:
                        raise self._fault("a line is too long")
                    yield from lines
            decompressor.finish()
        finally:
            os.close(fd)
        if rest:
            yield rest

    def _content(self, name: bytes, size: int) -> Iterator[bytes]:
        """The content of a file of the tree, which must have this size."""
        try:
            fd = syscalls.openat2(
                self._tree, name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC, 0, syscalls.RESOLVE_IN_ROOT
            )
        except OSError as error:
            raise self._fault(f"{os.fsdecode(name)}: {str(error.strerror).lower()}") from error
        try:
            left = size
            while left and (block := os.read(fd, min(left, _BLOCK))):
                left -= len(block)
                yield block
        except OSError as error:
            raise self._fault(f"{os.fsdecode(name)}: {str(error.strerror).lower()}") from error
        finally:
            os.close(fd)
        if left:
            raise self._fault(f"{os.fsdecode(name)} is {left} bytes shorter than it was")

    def _fault(self, why: str) -> ArgosyError:
        return Invalid("layer", self._path, why, hint="pull the image again with podman")


def _name(entry: dict[str, Any]) -> bytes:
    raw = entry.get("name_raw")
    return base64.b64decode(raw) if raw else str(entry.get("name") or "").encode("utf-8", "surrogateescape")


def _open(path: str, flags: int) -> int:
    try:
        return os.open(path, flags | os.O_CLOEXEC)
    except OSError as error:
        raise ArgosyError(f"cannot read {path}: {str(error.strerror).lower()}") from error

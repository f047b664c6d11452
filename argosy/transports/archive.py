"""Archives of images: what both kinds (docker-archive:, oci-archive:) share, reading by place and writing in order."""

from __future__ import annotations

import fcntl
import os
import posixpath
import threading

from argosy.archive import entry as kinds
from argosy.archive import tarwriter
from argosy.archive.entry import Entry
from argosy.archive.tarstream import TarReader
from argosy.errors import ArgosyError, Invalid
from argosy.transports import scratch
from argosy.transports.storage import FileStream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_MEMBER_LIMIT = 100_000
_LINK_LIMIT = 8
_FILE_MODE = 0o444
_BLOCK = 1 << 20


class Members:
    """The files of an uncompressed archive, found in one pass, read by their place in it.

    `fd` is a regular file, which the caller closes after the last read.  Links are followed within the archive.  Raises
    BadArchive for what is no archive, Invalid for one that has a name twice: two readers could take it for two images.
    """

    def __init__(self, fd: int, name: str) -> None:
        self.name = name
        self._fd = fd
        self._files: dict[str, tuple[int, int]] = {}
        self._links: dict[str, str] = {}
        os.lseek(fd, 0, os.SEEK_SET)
        reader = TarReader(fd, marker_required=False)
        for entry in reader:
            if len(self._files) + len(self._links) > _MEMBER_LIMIT:
                raise Invalid("archive", name, f"it has more than {_MEMBER_LIMIT} files: this is no archive of images")
            self._note(entry, reader.offset)

    def _note(self, entry: Entry, offset: int) -> None:
        path = _plain(os.fsdecode(entry.name))
        if entry.kind == kinds.DIRECTORY:
            return
        if path in self._files or path in self._links:
            raise Invalid("archive", self.name, f"it has two files called {path}")
        if entry.kind == kinds.FILE and not entry.segments:
            self._files[path] = (offset, entry.size)
        elif entry.kind == kinds.SYMLINK:
            self._links[path] = posixpath.join(posixpath.dirname(path), os.fsdecode(entry.linkname))
        elif entry.kind == kinds.HARDLINK:
            self._links[path] = os.fsdecode(entry.linkname)

    def __contains__(self, path: str) -> bool:
        return self._find(path) is not None

    def _find(self, path: str) -> tuple[int, int] | None:
        path = _plain(path)
        for _ in range(_LINK_LIMIT):
            if path in self._files:
                return self._files[path]
            if path not in self._links:
                return None
            path = _plain(self._links[path])
        return None

    def place(self, path: str) -> tuple[int, int]:
        """Offset and size of the file.  Raises Invalid when the archive has none of this name."""
        found = self._find(path)
        if found is None:
            raise Invalid("archive", self.name, f"it lacks the file {path}")
        return found

    def open(self, path: str, offset: int = 0, size: int | None = None) -> FileStream:
        """The file's bytes from `offset` on.  Raises Invalid when it does not have `size` bytes."""
        start, found = self.place(path)
        if size not in (None, found):
            raise Invalid("archive", self.name, f"its {path} has {found} bytes, the manifest says {size}")
        return FileStream(os.dup(self._fd), found, offset, start=start)

    def read(self, path: str, limit: int) -> bytes:
        """A small file as a whole.  Raises Invalid when it is longer than `limit` bytes."""
        _, size = self.place(path)
        if size > limit:
            raise Invalid("archive", self.name, f"its {path} has {size} bytes, more than {limit}")
        with self.open(path) as stream:
            return b"".join(stream)


def _plain(path: str) -> str:
    return posixpath.normpath("/" + path).lstrip("/")


def _header(path: str, size: int) -> bytes:
    """One block, whatever the size: from 8 GiB on it is written in base 256, as GNU tar and Go do, without pax."""
    if size < 8**11:
        return tarwriter.headers(Entry(path.encode(), kinds.FILE, mode=_FILE_MODE, size=size))
    block = bytearray(tarwriter.headers(Entry(path.encode(), kinds.FILE, mode=_FILE_MODE)))
    block[124:136] = (1 << 95 | size).to_bytes(12, "big")
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


class Writer:
    """An archive that is written to `fd`, file by file.  The same files give the same bytes: all times are zero.

    Safe to use from several threads, which wait for each other.
    """

    def __init__(self, fd: int, name: str) -> None:
        self._fd = fd
        self._name = name
        self._lock = threading.Lock()

    def add(self, path: str, size: int, blocks: Iterable[bytes]) -> None:
        """A file of `size` bytes, which `blocks` must have."""
        with self._lock:
            self._write(_header(path, size))
            left = size
            for block in blocks:
                left -= len(block)
                if left < 0:
                    break
                self._write(block)
            if left:
                raise ArgosyError(f"{path} does not have the {size} bytes that it should")
            self._write(tarwriter.padding(size))

    def add_bytes(self, path: str, data: bytes) -> None:
        """A small file."""
        self.add(path, len(data), (data,))

    @property
    def can_go_back(self) -> bool:
        """Whether what was written can be written over: not in a pipe, nor where every write goes to the end."""
        try:
            os.lseek(self._fd, 0, os.SEEK_CUR)
        except OSError:
            return False
        return not fcntl.fcntl(self._fd, fcntl.F_GETFL) & os.O_APPEND

    def add_unknown(self, blocks: Iterable[bytes], path: Callable[[], str]) -> str:
        """A file whose size, and whose `path` (of less than 100 bytes), are known only behind its last block.

        The header is written at the end where `fd` can go back; else the content is kept in a temporary file first.
        """
        with self._lock:
            if not self.can_go_back:
                return self._add_spooled(blocks, path)
            start = os.lseek(self._fd, 0, os.SEEK_CUR)
            self._write(_header("", 0))
            size = 0
            for block in blocks:
                size += len(block)
                self._write(block)
            name = path()
            os.pwrite(self._fd, _header(name, size), start)  # as long as the one before: see `_header`
            self._write(tarwriter.padding(size))
            return name

    def _add_spooled(self, blocks: Iterable[bytes], path: Callable[[], str]) -> str:
        spool = scratch.temporary_file()
        try:
            size = 0
            for block in blocks:
                size += len(block)
                scratch.write_all(spool, block)
            name = path()
            self._write(_header(name, size))
            os.lseek(spool, 0, os.SEEK_SET)
            while data := os.read(spool, _BLOCK):
                self._write(data)
            self._write(tarwriter.padding(size))
            return name
        finally:
            os.close(spool)

    def finish(self) -> None:
        """The mark of the end."""
        self._write(tarwriter.END_MARK)

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        except OSError as error:
            raise ArgosyError(f"cannot write {self._name}: {error.strerror}") from error

"""An archive that is written aside and appears at its path when it is whole."""

from __future__ import annotations

import os
import threading

from argosy.errors import ArgosyError
from argosy.oci import digest as digests
from argosy.transports.archive import Writer
from argosy.transports.tree import wrong_content

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from argosy.oci.descriptor import Descriptor
    from argosy.registry.streams import OpenBlob


class ArchiveFile:
    """The archive that is to be at `path`.  Something there that is no regular file (a FIFO, a device) is written to.

    `fd` is a file that is there already, and `path` then what messages call it.  Safe to use from several threads,
    which wait for each other; `written` are the names of the files so far.
    """

    def __init__(self, path: str, *, fd: int = -1) -> None:
        self.path = path
        self.written: set[str] = set()
        self._lock = threading.Lock()
        self._aside = path if fd >= 0 or is_special(path) else f"{path}.{os.urandom(4).hex()}~"
        try:
            self._fd = os.open(self._aside, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666) if fd < 0 else fd
        except OSError as error:
            raise ArgosyError(f"cannot write {path}: {str(error.strerror).lower()}") from error
        self.writer = Writer(self._fd, path)

    def add_blob(self, path: str, descriptor: Descriptor, source: OpenBlob, advance: Callable[[int], None]) -> None:
        """A blob, compared with its digest.  After an error the archive cannot be finished."""
        with self._lock:
            if path not in self.written:
                self.writer.add(path, descriptor.size, _checked(descriptor, source, advance))
                self.written.add(path)

    def add_bytes(self, path: str, data: bytes) -> None:
        """A small file."""
        with self._lock:
            if path not in self.written:
                self.writer.add_bytes(path, data)
                self.written.add(path)

    def finish(self) -> None:
        """Write the mark of the end, and let the archive appear."""
        self.writer.finish()
        if self._aside != self.path:
            try:
                os.rename(self._aside, self.path)
            except OSError as error:
                raise ArgosyError(f"cannot write {self.path}: {str(error.strerror).lower()}") from error
            self._aside = self.path

    def close(self) -> None:
        """Let go of the file; one that was not finished goes.  May be called twice."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)
            if self._aside != self.path:
                os.unlink(self._aside)


def is_special(path: str) -> bool:
    """Whether there is something other than a regular file, such as a FIFO or a device, which must not be replaced."""
    return os.path.exists(path) and not os.path.isfile(path)


def _checked(descriptor: Descriptor, source: OpenBlob, advance: Callable[[int], None]) -> Iterator[bytes]:
    hasher = digests.hasher(descriptor.digest.algorithm)
    with source(0) as stream:
        for block in stream:
            hasher.update(block)
            advance(len(block))
            yield block
    if hasher.hexdigest() != descriptor.digest.hex:
        raise wrong_content(descriptor.digest, f"{descriptor.digest.algorithm}:{hasher.hexdigest()}")

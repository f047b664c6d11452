"""An archive that a command writes for the user: there when it is whole, and otherwise not at all."""

from __future__ import annotations

import os

from argosy.errors import ArgosyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

_BLOCK = 1 << 20


class WholeFile:
    """A file to write, as a context; with its good end it is at `path`, in place of what was there.

    What is no regular file (a FIFO, a device) is written to as it is, and a link is followed.
    """

    def __init__(self, path: str) -> None:
        self._shown = path
        self._path = os.path.realpath(path)
        special = os.path.exists(self._path) and not os.path.isfile(self._path)
        self._temporary = "" if special else f"{self._path}.{os.urandom(4).hex()}~"
        self._pending = bytearray()
        self.fd = -1

    def write(self, data: bytes) -> None:
        """Write in large blocks.  Whoever uses `fd` itself leaves this alone."""
        self._pending += data
        if len(self._pending) >= _BLOCK:
            self.flush()

    def flush(self) -> None:
        """Write what is held back."""
        from argosy.linux import files

        try:
            files.write_all(self.fd, bytes(self._pending))
        except OSError as error:
            raise self._failed(error) from error
        self._pending.clear()

    def _failed(self, error: OSError) -> ArgosyError:
        return ArgosyError(f"cannot write {self._shown}: {error.strerror}")

    def __enter__(self) -> Self:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        try:
            self.fd = os.open(self._temporary or self._path, flags, 0o666)
        except OSError as error:
            raise self._failed(error) from error
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        try:
            if error is None:
                self.flush()
                if self._temporary:
                    os.rename(self._temporary, self._path)
                    self._temporary = ""
        finally:
            os.close(self.fd)
            if self._temporary:
                os.unlink(self._temporary)

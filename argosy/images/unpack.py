"""One layer on its way from compressed bytes to a tree: decompressed and hashed in a thread, applied by a process.

The libraries that inflate and hash let go of the interpreter lock, as do the pipe's system calls, so that this thread,
the one that downloads and those of other layers run side by side.  Chunks of about a megabyte change hands; a short
queue and the pipe bound what is in flight.
"""

from __future__ import annotations

import queue
import threading

from argosy.archive import apply_process
from argosy.archive.compression import Decompressor
from argosy.oci import digest as digests
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

    from argosy.archive.apply import Applied
    from argosy.archive.apply_process import ApplyProcess

_QUEUED_CHUNKS = 4


class Unpacked(Value):
    """What a layer turned out to be.  `applied` is None when it was hashed only."""

    diff_id: str
    size_bytes: int
    applied: Applied | None


class Unpacker:
    """Takes a layer's compressed bytes in order (`put`), then says what they were (`finish`).  Use it as a context.

    `applier` gets the uncompressed tar; without one nothing but the diff id is found out.  Left without `finish`, the
    applier is ended and whatever it has written is the caller's to remove.
    """

    def __init__(self, compression: str, applier: ApplyProcess | None) -> None:
        self._decompressor = Decompressor(compression)
        self._plain = compression == "none"
        self._applier = applier
        self._hash = digests.hasher()
        self._size_bytes = 0
        self._queue: queue.Queue[bytes | None] = queue.Queue(_QUEUED_CHUNKS)
        self._error: BaseException | None = None
        self._abandoned = False
        self._thread = threading.Thread(target=self._run, name="unpack", daemon=True)

    def put(self, chunk: bytes) -> None:
        """Hand over the next bytes; waits while the layer is behind.  Raises what went wrong with earlier ones."""
        if self._error is not None:
            raise self._failure()
        self._queue.put(chunk)

    def finish(self) -> Unpacked:
        """All bytes were put.  Raises BadArchive and what else went wrong in decompressing or applying."""
        self._end()
        if self._error is not None:
            raise self._failure()
        applied = self._applier.finish() if self._applier else None
        self._applier = None
        return Unpacked("sha256:" + self._hash.hexdigest(), self._size_bytes, applied)

    def _run(self) -> None:
        while (chunk := self._queue.get()) is not None:
            if self._error is None and not self._abandoned:
                try:
                    self._expand(chunk)
                except BaseException as error:  # noqa: BLE001 -- raised again in the thread that puts
                    self._error = error
        if self._error is None and not self._abandoned:
            try:
                self._decompressor.finish()
            except BaseException as error:  # noqa: BLE001 -- as above
                self._error = error

    def _expand(self, chunk: bytes) -> None:
        if self._plain:
            self._take(chunk)
            return
        for part in self._decompressor.write(chunk):
            self._take(part)

    def _take(self, part: bytes) -> None:
        self._hash.update(part)
        self._size_bytes += len(part)
        if self._applier:
            self._applier.write(part)

    def _end(self) -> None:
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def _failure(self) -> BaseException:
        """The error to raise: the applier's own where it ended first, for then ours is that its pipe is broken."""
        assert self._error is not None
        if isinstance(self._error, BrokenPipeError) and self._applier:
            applier, self._applier = self._applier, None
            try:
                applier.finish()
            except Exception as error:  # noqa: BLE001 -- handed to the caller, who raises it
                return error
        return self._error

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._abandoned = True
        if self._applier:
            self._applier.abort()
        self._end()

"""One layer on its way from compressed bytes to a tree: decompressed and hashed in a thread, applied by a process.

The libraries that inflate and hash let go of the interpreter lock, as do the pipe's system calls, so that this thread,
the one that downloads and those of other layers run side by side.  Chunks of about a megabyte change hands; a short
queue and the pipe bound what is in flight.
"""

from __future__ import annotations

import os
import queue
import threading

from argosy.archive import apply_process
from argosy.archive.compression import Decompressor
from argosy.linux.signals import SIGKILL
from argosy.oci import digest as digests
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from argosy.archive.apply import Applied
    from argosy.storage.layers import LayerMeta
    from argosy.storage.store import Store

_QUEUED_CHUNKS = 4


class Applier:
    """A process that applies an uncompressed archive to a directory: `write` it all, then `finish`, or `abort`.

    An archive without an end marker is taken, as podman takes it, where a digest proves that nothing is missing; with
    `marker_required` it is an error.
    """

    def __init__(self, store: Store, directory: str, *, marker_required: bool = False) -> None:
        self._pid, self._write_fd, self._result_fd = apply_process.spawn_apply(
            directory,
            store.xattrs,
            id_map_single=store.id_map.is_single(),
            lenient_owners=store.ignore_chown_errors,
            marker_required=marker_required,
        )

    def write(self, data: bytes) -> None:
        """Hand over the next bytes.  BrokenPipeError when the process gave up: `finish` says why."""
        written = os.write(self._write_fd, data)
        if written < len(data):
            rest = memoryview(data)[written:]
            while rest:
                rest = rest[os.write(self._write_fd, rest) :]

    def finish(self) -> Applied:
        """The archive is at its end.  Raises LayerFailed; the process is gone when this returns."""
        os.close(self._write_fd)
        self._write_fd = -1
        return apply_process.collect(self._pid, self._result_fd)

    def abort(self) -> None:
        """End the process, and let go of a thread that waits in `write`."""
        os.kill(self._pid, SIGKILL)

    def reap(self) -> None:
        """After `abort`, when nobody writes any more."""
        os.close(self._write_fd)
        os.close(self._result_fd)
        os.waitpid(self._pid, 0)


class Unpacked(Value):
    """What a layer turned out to be.  `applied` is None when it was hashed only."""

    diff_id: str
    size_bytes: int
    applied: Applied | None

    def meta(self) -> LayerMeta:
        """What the store keeps about an applied layer.  The size is the archive's, as podman counts."""
        from argosy.storage.layers import LayerMeta

        assert self.applied is not None
        return LayerMeta(
            diff_id=self.diff_id,
            size_bytes=self.size_bytes,
            entries=self.applied.entries,
            undeclared=self.applied.undeclared,
            whiteout_directories=self.applied.whiteout_directories,
        )


class Unpacker:
    """Takes a layer's compressed bytes in order (`put`), then says what they were (`finish`).  Use it as a context.

    `applier` gets the uncompressed tar, and so does `tee` where it is given; without either nothing but the diff id is
    found out.  Left without `finish`, the applier is ended, and what it has written is the caller's to remove.
    """

    def __init__(self, compression: str, applier: Applier | None, tee: Callable[[bytes], object] | None = None) -> None:
        self._decompressor = Decompressor(compression)
        self._plain = compression == "none"
        self._applier = applier
        self._tee = tee
        self._hash = digests.hasher()
        self._size_bytes = 0
        self._queue: queue.Queue[bytes | None] = queue.Queue(_QUEUED_CHUNKS)
        self._error: BaseException | None = None
        self._abandoned = False
        self._ended = threading.Event()
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
        applier, self._applier = self._applier, None
        applied = applier.finish() if applier else None
        return Unpacked("sha256:" + self._hash.hexdigest(), self._size_bytes, applied)

    def _run(self) -> None:
        try:
            self._work()
        finally:
            self._ended.set()

    def _work(self) -> None:
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
        if self._tee:
            self._tee(part)

    def _end(self) -> None:
        # Not Thread.join, after which an interrupted one believes that the thread has ended (bpo-45274).
        if not self._ended.is_set():
            self._queue.put(None)
            self._ended.wait()

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
        applier, self._applier = self._applier, None
        if applier:
            applier.abort()
        self._end()
        if applier:
            applier.reap()

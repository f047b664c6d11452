"""Layers into the store: downloaded, verified and applied, several at once.

For each layer: the blob's bytes come from the registry (or, where the blob is there already, from the store), are
hashed and written to the blob, and go through an `Unpacker` into the layer's tree.  Neither blob nor layer becomes
visible before it has proved to be what its digest says.  At most one layer per core is being applied; layers beyond
that are downloaded meanwhile and applied from their blobs.  Other processes that want the same blob or layer wait, and
find it.
"""

from __future__ import annotations

import os
import threading

from argosy.archive.apply_process import LayerFailed
from argosy.archive.errors import BadArchive
from argosy.errors import ArgosyError, Invalid, NotFound
from argosy.images import workers
from argosy.images.progress import Progress
from argosy.images.unpack import Applier, Unpacker
from argosy.storage.blobs import DigestMismatch
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from argosy.oci.descriptor import Descriptor
    from argosy.storage.blobs import Ingest
    from argosy.storage.layers import StagedLayer
    from argosy.storage.store import Store
    from argosy.transports.source import ImageSource

DOWNLOADS_AT_ONCE = 6
CHUNK_BYTES = 1 << 20
_REST_BYTES = 64 << 20  # so much is still fetched of a blob that is no archive, to know whose fault that is
_RESERVE_BYTES = 64 << 20


class DiffIdMismatch(ArgosyError):
    """A layer whose content is not what the image's config says."""

    def __init__(self, blob: str, wanted: str, found: str) -> None:
        super().__init__(
            f"layer {blob} is not the one that the image's config names",
            details=f"its diff id is {found}, the config says {wanted}",
            hint="the image is broken: ask its owner to push it again",
        )


class BrokenLayer(ArgosyError):
    """A layer that cannot be applied: the archive's error, and which blob it is of."""

    def __init__(self, blob: str, error: ArgosyError) -> None:
        hint = error.hint or "the image is broken: ask its owner to push it again"
        super().__init__(f"layer {blob}: {error.brief}", details=error.details, hint=hint)


class LayerJob(Value):
    """A layer that an image needs: the blob as its manifest describes it, and what it becomes."""

    diff_id: str
    blob: Descriptor
    compression: str


class Transfer:
    """Brings layers into the store.  `source` is None where all blobs must be there already."""

    def __init__(
        self,
        store: Store,
        source: ImageSource | None,
        progress: Progress | None = None,
        at_once: int = DOWNLOADS_AT_ONCE,
    ) -> None:
        self._store = store
        self._source = source
        self._at_once = at_once
        self._progress = progress or Progress()
        self._cancelled = threading.Event()
        self._cores = threading.Semaphore(len(os.sched_getaffinity(0)))

    def run(self, jobs: Sequence[LayerJob]) -> None:
        """Do all jobs, the largest first; their digests are pinned.

        Raises the first error, when no thread is left but those that wait for a silent network: they end at its
        time-out and change nothing any more.  What was downloaded stays for the next attempt to continue.
        """
        pending = sorted(jobs, key=lambda job: job.blob.size)
        workers.run(pending, self._bring, self._at_once, self._cancelled)

    def _bring(self, job: LayerJob) -> None:
        """Have both the blob and the layer in the store."""
        try:
            self._have(job)
        except (BadArchive, LayerFailed) as error:
            raise BrokenLayer(job.blob.digest, error) from error

    def _have(self, job: LayerJob) -> None:
        with self._store.blobs.ingest(job.blob.digest, job.blob.size) as ingest:
            if ingest.present:
                self._check_size(job.blob)
                self._progress.line(f"Copying blob {job.blob.digest} skipped: already exists")
            try:
                if not ingest.present and self._take_in_anew(job, ingest):
                    return
            except BaseException:
                if not ingest.present and self._is_full():
                    ingest.restart()  # what could be continued later is in the way of everything now
                raise
        if self._store.layers.has(job.diff_id):
            return
        with self._cores:
            self._from_blob(job)

    def _check_size(self, blob: Descriptor) -> None:
        """Raise Invalid when the manifest gives a blob another size than that of the bytes with its digest."""
        found = self._store.blobs.size(blob.digest)
        if found != blob.size:
            raise Invalid("manifest", str(blob.digest), f"it gives the blob {blob.size} bytes, and it has {found}")

    def _take_in_anew(self, job: LayerJob, ingest: Ingest) -> bool:
        """`_take_in`; where that fails on what an earlier attempt has left, once more from the beginning."""
        left_over = ingest.offset
        try:
            return self._take_in(job, ingest)
        except (BadArchive, LayerFailed, DigestMismatch):
            if ingest.present or not left_over:
                raise
            ingest.restart()
        return self._take_in(job, ingest)

    def _take_in(self, job: LayerJob, ingest: Ingest) -> bool:
        """Download the blob; whether the layer was applied on the way, as it is when a core is free for that."""
        if not self._cores.acquire(blocking=False):
            for _ in self._download(job, ingest):
                pass
            self._commit(job, ingest)
            return False
        try:
            self._unpack(job, self._download(job, ingest), ingest)
        except (BadArchive, LayerFailed):
            if not ingest.present:
                self._take_in_rest(job, ingest)
            raise
        finally:
            self._cores.release()
        return True

    def _take_in_rest(self, job: LayerJob, ingest: Ingest) -> None:
        """Whether these are the bytes that the manifest names, though they are no archive; DigestMismatch if not.

        Nothing unverified is left for the next attempt to continue.
        """
        try:
            if job.blob.size - ingest.offset <= _REST_BYTES:
                for chunk in self._fetch(job, ingest):
                    self._checked(chunk)
                self._commit(job, ingest)
        finally:
            if not ingest.present:
                ingest.restart()

    def _is_full(self) -> bool:
        status = os.statvfs(self._store.root)
        return status.f_bavail * status.f_frsize < _RESERVE_BYTES

    def _from_blob(self, job: LayerJob) -> None:
        """Apply a layer whose blob is in the store; one that has been damaged there is fetched again."""
        try:
            self._unpack(job, self._stored(job), None)
        except (BadArchive, LayerFailed, DiffIdMismatch):
            if self._store.blobs.verify(job.blob.digest):
                raise
            with self._store.blobs.ingest(job.blob.digest, job.blob.size) as ingest:
                chunks = self._stored(job) if ingest.present else self._download(job, ingest)
                self._unpack(job, chunks, None if ingest.present else ingest)

    def _unpack(self, job: LayerJob, chunks: Iterator[bytes], ingest: Ingest | None) -> None:
        with self._store.layers.stage(job.diff_id) as staged:
            with Unpacker(job.compression, self._applier(staged)) as unpacker:
                for chunk in chunks:
                    unpacker.put(chunk)
                if ingest is not None:
                    self._commit(job, ingest)
                unpacked = unpacker.finish()
            if unpacked.diff_id != job.diff_id:
                raise DiffIdMismatch(job.blob.digest, job.diff_id, unpacked.diff_id)
            if not staged.present:
                self._store.layers.commit(staged, unpacked.meta())

    def _applier(self, staged: StagedLayer) -> Applier | None:
        """What applies the layer; None when it is there, and only its blob is to be checked."""
        return None if staged.present else Applier(self._store, staged.path)

    def _download(self, job: LayerJob, ingest: Ingest) -> Iterator[bytes]:
        """The blob's bytes, those that an earlier attempt left first; written to the blob as they pass."""
        key = str(job.blob.digest)
        self._progress.start(key, job.blob.size, f"Copying blob {key}")
        for chunk in ingest.written():
            self._progress.advance(key, len(chunk))
            yield self._checked(chunk)
        for chunk in self._fetch(job, ingest):
            yield self._checked(chunk)

    def _fetch(self, job: LayerJob, ingest: Ingest) -> Iterator[bytes]:
        """What is missing of the blob, written to it as it comes."""
        if self._source is None:
            raise NotFound("blob", job.blob.digest, hint="pull the image again")
        with self._source.read_blob(job.blob, ingest.offset) as blob:
            for chunk in blob:
                ingest.write(chunk)
                self._progress.advance(str(job.blob.digest), len(chunk))
                yield chunk

    def _commit(self, job: LayerJob, ingest: Ingest) -> None:
        ingest.commit()
        self._progress.finish(str(job.blob.digest), f"Copying blob {job.blob.digest} done")

    def _stored(self, job: LayerJob) -> Iterator[bytes]:
        fd = self._store.blobs.open(job.blob.digest)
        try:
            while chunk := os.read(fd, CHUNK_BYTES):
                yield self._checked(chunk)
        finally:
            os.close(fd)

    def _checked(self, chunk: bytes) -> bytes:
        if self._cancelled.is_set():
            raise workers.Cancelled
        return chunk

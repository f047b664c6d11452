"""Blobs: immutable bytes by their sha256 digest, just as they came.

blobs/sha256/<hex>      0600 until it is stable on disk, 0444 from then on
tmp/ingest-<hex>[-...]  a download; its flock is held by who writes it, free means that one died: to be continued
"""

from __future__ import annotations

import os

from argosy.errors import ArgosyError, NotFound, Unsupported
from argosy.linux import files, locks
from argosy.oci import digest as digests
from argosy.records.shelf import Damaged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    from argosy.oci.digest import Digest
    from argosy.storage.store import Store

STABLE_MODE = 0o444
INGEST_PREFIX = "ingest-"
_CHUNK_BYTES = 1 << 20


class DigestMismatch(ArgosyError):
    """Bytes that are not what their digest (or their declared size) says."""

    def __init__(self, digest: str, found: str, size_bytes: int, *, wanted_bytes: int | None = None) -> None:
        if wanted_bytes is not None and size_bytes != wanted_bytes:
            details = f"{wanted_bytes} bytes were declared, {size_bytes} came"
        else:
            details = f"the {size_bytes} bytes that came have the digest {found}"
        super().__init__(
            f"blob {digest} is not what its digest says",
            details=details,
            hint="the source is broken or lies: try again",
        )
        self.digest = digest


class Blobs:
    """The blobs of a store.  Safe to use from several threads and processes at once.

    Whoever puts one in has pinned its digest before (`Work.pin`), or a collection may take it away again.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._directory = f"{store.root}/blobs/sha256"

    def path(self, digest: str) -> str:
        """Where the blob is in this store, or would be."""
        parsed = digests.parse(digest)
        if parsed.algorithm != "sha256":
            raise Unsupported(f"blob {digest}: the store holds sha256 digests only")
        return f"{self._directory}/{parsed.hex}"

    def find(self, digest: str) -> str:
        """Where the blob is, be it in an additional image store; `path` when it is nowhere."""
        own = self.path(digest)
        if not self._store.shared or os.path.exists(own):
            return own
        paths = [shared.blobs.path(digest) for shared in self._store.shared]
        return next((path for path in paths if os.path.exists(path)), own)

    def has(self, digest: str) -> bool:
        """Whether the blob is there, or in an additional image store, and can be relied on.

        One that may have suffered from a power cut is read and compared with its digest, and removed if it differs.
        """
        try:
            if self._is_vouched_for(digest) or self.verify(digest):
                return True
        except FileNotFoundError:
            pass
        return any(shared.blobs.is_sound(digest) for shared in self._store.shared)

    def is_sound(self, digest: str) -> bool:
        """Whether this store, in which nothing may be changed, has the blob, and it can be relied on."""
        try:
            return self._is_vouched_for(digest) or self.matches(digest)
        except (OSError, NotFound):
            return False

    def _is_vouched_for(self, digest: str) -> bool:
        """Whether the blob needs not be compared with its digest.  FileNotFoundError when it is not in this store."""
        mode = os.stat(self.path(digest)).st_mode & 0o777
        return mode == STABLE_MODE or self._store.unstable.trusts("blob", digests.parse(digest).hex)

    def matches(self, digest: str) -> bool:
        """Whether the blob's content has its digest.  Raises NotFound."""
        fd = self.open(digest)
        try:
            return _digest_of(fd) == digest
        finally:
            os.close(fd)

    def verify(self, digest: str) -> bool:
        """Compare the blob with its digest, and remove one that differs.  False when it is not there now."""
        path = self.path(digest)
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            if _digest_of(fd) == digest:
                if os.fstat(fd).st_mode & 0o777 != STABLE_MODE:
                    self._store.unstable.note("blob", digests.parse(digest).hex)
                return True
            _unlink_this(path, fd)
            return False
        finally:
            os.close(fd)

    def size(self, digest: str) -> int:
        """The blob's size in bytes.  Raises NotFound."""
        try:
            return os.stat(self.find(digest)).st_size
        except FileNotFoundError:
            raise NotFound("blob", digest) from None

    def open(self, digest: str) -> int:
        """A descriptor to read the blob from, for the caller to close and to verify while reading.  Raises NotFound."""
        try:
            return os.open(self.find(digest), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise NotFound("blob", digest) from None

    def read(self, digest: str, limit: int = 4 << 20) -> bytes:
        """The content of a small blob, compared with its digest.

        Raises NotFound, or Damaged when the blob is longer than `limit` or not what its digest says.
        """
        path = self.find(digest)
        try:
            data = files.read(path, limit)
        except FileNotFoundError:
            raise NotFound("blob", digest) from None
        except OSError as error:
            raise Damaged(f"blob {digest}", path, error.strerror or str(error)) from error
        if digests.of_bytes(data) != digest:
            raise Damaged(f"blob {digest}", path, "the content does not have this digest")
        return data

    def put(self, data: bytes) -> Digest:
        """Store a small blob, and return its digest.  Nothing happens when it is there."""
        digest = digests.of_bytes(data)
        with self.ingest(digest) as ingest:
            if not ingest.present:
                ingest.restart()
                ingest.write(data)
                ingest.commit()
        return digest

    def adopt_stable(self, digest: str, path: str) -> None:
        """Make a finished file the blob, for good: the caller wrote, hashed and synced it, and gave it STABLE_MODE.

        It takes the place of one that is there, which may not be stable yet.
        """
        files.make_directories(self._directory)
        os.rename(path, self.path(digest))
        files.fsync_directory(self._directory)

    def adopt(self, digest: str, path: str) -> None:
        """Make a finished file the blob: one on the store's file system, which the caller wrote and hashed.

        `store.unstable.begin()` was called before its first byte.  The file is gone from `path` when this returns.
        """
        if self.has(digest):
            files.unlink_missing(path)
            return
        final = self.path(digest)
        self._store.unstable.note("blob", digests.parse(digest).hex)
        files.make_directories(self._directory)
        os.rename(path, final)

    def ingest(self, digest: str, size_bytes: int | None = None, *, stable: bool = False, source: str = "") -> Ingest:
        """Begin or continue to store a blob, as a context.  Waits while another process or thread is storing it.

        The blob may be there by then: `present` tells.  `stable`: its commit makes it stable on disk, and leaves
        nothing to `store.unstable`, which is for processes that end.  What came from one `source` is not waited for,
        nor continued, with another one.
        """
        return Ingest(self._store, self, digest, size_bytes, stable=stable, source=source)


class Ingest:
    """A blob on its way in.  Write from `offset` on, then `commit`.

    Left without commit, what was written stays for the next one to continue; `restart` begins anew.
    """

    def __init__(
        self, store: Store, blobs: Blobs, digest: str, size_bytes: int | None, *, stable: bool, source: str
    ) -> None:
        self.digest = digests.parse(digest)
        self._stable = stable
        self.size_bytes = size_bytes
        self.offset = 0
        self._store = store
        self._final = blobs.path(digest)
        label = f"-{digests.of_bytes(source.encode()).hex[:16]}" if source else ""
        self._partial = f"{store.tmp}/{INGEST_PREFIX}{self.digest.hex}{label}"
        self._fd = -1
        self._lock: locks.Lock | None = None
        self.present = blobs.has(digest)
        if self.present:
            return
        if not stable:
            store.unstable.begin()
        self._lock = self._locked()
        self.present = blobs.has(digest)
        if self.present:
            files.unlink_missing(self._partial)
            self.close()
            return
        try:
            self._fd = os.open(self._partial, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            self._resume()
        except BaseException:
            self.close()
            raise

    def _locked(self) -> locks.Lock | None:
        try:
            return locks.acquire(self._partial, create=True)
        except FileNotFoundError:
            files.make_directories(self._store.tmp)
            return locks.acquire(self._partial, create=True)

    def _resume(self) -> None:
        """Take over what an earlier one wrote."""
        self._hash = digests.hasher()
        size = os.fstat(self._fd).st_size
        if self.size_bytes is not None and size > self.size_bytes:
            os.ftruncate(self._fd, 0)
        while chunk := os.read(self._fd, _CHUNK_BYTES):
            self._hash.update(chunk)
            self.offset += len(chunk)

    def written(self) -> Iterator[bytes]:
        """What has been written so far, from the beginning: for a reader that needs the whole blob in order."""
        at, end = 0, self.offset
        while at < end and (chunk := os.pread(self._fd, min(_CHUNK_BYTES, end - at), at)):
            at += len(chunk)
            yield chunk

    def reader(self) -> int:
        """Another descriptor of the file that is being written, to read along; for the caller to close."""
        return os.open(f"/proc/self/fd/{self._fd}", os.O_RDONLY | os.O_CLOEXEC)

    def restart(self) -> None:
        """Forget what was written: the source cannot continue at an offset, or what came was wrong."""
        os.ftruncate(self._fd, 0)
        os.lseek(self._fd, 0, os.SEEK_SET)
        self.offset = 0
        self._hash = digests.hasher()

    def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Append.  Raises DigestMismatch as soon as more comes than was declared."""
        if self.size_bytes is not None and self.offset + len(chunk) > self.size_bytes:
            size = self.offset + len(chunk)
            self.restart()
            raise DigestMismatch(self.digest, "", size, wanted_bytes=self.size_bytes)
        rest = memoryview(chunk)
        try:
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        except OSError as error:
            raise ArgosyError(
                f"cannot store blob {self.digest}: {error.strerror}",
                details=self._partial,
                hint="argosy system prune makes room" if error.errno in (28, 122) else "",
            ) from error
        self._hash.update(chunk)
        self.offset += len(chunk)

    def commit(self) -> None:
        """Compare with digest and size, and put the blob into the store in one step.

        Raises DigestMismatch, after which nothing of it is left.
        """
        found = "sha256:" + self._hash.hexdigest()
        if found != self.digest or self.size_bytes not in (None, self.offset):
            size = self.offset
            self.restart()
            raise DigestMismatch(self.digest, found, size, wanted_bytes=self.size_bytes)
        if self._stable:
            os.fsync(self._fd)
            os.fchmod(self._fd, STABLE_MODE)
        else:
            self._store.unstable.note("blob", self.digest.hex)
        try:
            os.rename(self._partial, self._final)
        except FileNotFoundError:
            files.make_directories(os.path.dirname(self._final))
            os.rename(self._partial, self._final)
        if self._stable:
            files.fsync_directory(os.path.dirname(self._final))
        self.present = True
        self.close()

    def close(self) -> None:
        """Let others at it.  An empty partial file is removed."""
        if self._fd >= 0:
            if not self.present and not self.offset:
                files.unlink_missing(self._partial)
            os.close(self._fd)
            self._fd = -1
        if self._lock:
            self._lock.release()
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def _unlink_this(path: str, fd: int) -> None:
    """Remove the file at `path` if it is still the one that is open: it may have been replaced by a good one."""
    try:
        if os.path.samestat(os.stat(path), os.fstat(fd)):
            os.unlink(path)
    except FileNotFoundError:
        pass


def _digest_of(fd: int) -> str:
    found = digests.hasher()
    while chunk := os.read(fd, _CHUNK_BYTES):
        found.update(chunk)
    return "sha256:" + found.hexdigest()

"""Uploads to the built-in registry: files that grow until they are blobs.

    tmp/upload-<repository>-<id>     what has come so far; its flock is held by who writes to it

The size of the file is how far the upload came: there is no other record, so that whoever opens it next, after a kill
too, goes on where it ends.  One that nobody has touched for a day is swept, as downloads are.
"""

from __future__ import annotations

import os

from argosy.errors import Invalid
from argosy.linux import files, locks
from argosy.oci import digest as digests
from argosy.storage.blobs import STABLE_MODE, DigestMismatch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

    from argosy.oci.digest import Digest, Hash

PREFIX = "upload-"
_ID_LENGTH = 32
_CHUNK_BYTES = 1 << 20
_HASHES_KEPT = 256


class Uploads:
    """The uploads of a store.  Safe to use from several threads and processes.

    The hash of what came is remembered between requests, so that a blob is not read again at the end unless another
    process has received a part of it.
    """

    def __init__(self, tmp: str) -> None:
        self._tmp = tmp
        self.hashes: dict[str, tuple[int, Hash]] = {}

    def begin(self, repository: str) -> str:
        """The id of a new upload to this repository."""
        upload_id = os.urandom(_ID_LENGTH // 2).hex()
        files.make_directories(self._tmp)
        os.close(os.open(self._path(repository, upload_id), os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        return upload_id

    def open(self, repository: str, upload_id: str) -> Upload | None:
        """The upload, for the caller alone until it is closed; None while somebody else has it.

        FileNotFoundError when there is none; Invalid when this can be no upload's id.
        """
        path = self._path(repository, upload_id)
        lock = locks.acquire(path, wait=False)
        return None if lock is None else Upload(self, path, lock)

    def _path(self, repository: str, upload_id: str) -> str:
        if len(upload_id) != _ID_LENGTH or not digests.is_hex(upload_id):
            raise Invalid("upload", upload_id, f"an id has {_ID_LENGTH} hexadecimal digits")
        return f"{self._tmp}/{PREFIX}{digests.of_bytes(repository.encode()).hex[:16]}-{upload_id}"

    def remember(self, path: str, offset: int, known: Hash) -> None:
        """Keep the hash of the first `offset` bytes."""
        while len(self.hashes) >= _HASHES_KEPT:
            self.hashes.pop(next(iter(self.hashes)), None)
        self.hashes[path] = (offset, known)


class Upload:
    """One upload that is held, as a context.  `offset` is how many bytes have come."""

    def __init__(self, uploads: Uploads, path: str, lock: locks.Lock) -> None:
        self.path = path
        self._uploads = uploads
        self._lock = lock
        self._done = False
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except BaseException:
            lock.release()
            raise
        self.offset = os.fstat(self._fd).st_size
        offset, known = uploads.hashes.pop(path, (-1, None))
        self._hash = known if offset == self.offset else None
        if not self.offset:
            self._hash = digests.hasher()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append.  OSError, with a part of it written perhaps, when there is no room."""
        rest = memoryview(data)
        while rest:
            written = os.pwrite(self._fd, rest, self.offset)
            if self._hash is not None:
                self._hash.update(rest[:written])
            self.offset += written
            rest = rest[written:]

    def finish(self, digest: Digest) -> Digest:
        """Compare with the digest and make the content stable on disk: the sha256 digest that the blob is stored by.

        Raises DigestMismatch, after which the upload is gone: what has come can never become right.
        """
        known = self._hash or self._read(digests.hasher())
        stored = digests.parse(f"sha256:{known.hexdigest()}")
        found = stored if digest.algorithm == "sha256" else self._digest(digest.algorithm)
        if found != digest:
            self.discard()
            raise DigestMismatch(digest, found, self.offset)
        os.fsync(self._fd)
        os.fchmod(self._fd, STABLE_MODE)
        self._done = True
        return stored

    def _digest(self, algorithm: str) -> str:
        return f"{algorithm}:{self._read(digests.hasher(algorithm)).hexdigest()}"

    def _read(self, into: Hash) -> Hash:
        at = 0
        while chunk := os.pread(self._fd, _CHUNK_BYTES, at):
            into.update(chunk)
            at += len(chunk)
        return into

    def discard(self) -> None:
        """Remove what has come."""
        files.unlink_missing(self.path)
        self._done = True

    def close(self) -> None:
        """Let others at it.  May be called twice."""
        if self._fd >= 0:
            if not self._done and self._hash is not None:
                self._uploads.remember(self.path, self.offset, self._hash)
            os.close(self._fd)
            self._fd = -1
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

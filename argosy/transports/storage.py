"""The transport containers-storage: an image of the store as a source for copies: pushes, saves.

Manifests, configs and layers come from the store's blobs as they are, so that digests stay what they were.  A layer
that was built here has no blob: the writer that gave its digest writes the same archive once more.
"""

from __future__ import annotations

import os

from argosy.errors import ArgosyError, NotFound
from argosy.oci import digest as digests
from argosy.registry.client import RawManifest
from argosy.storage import built
from argosy.storage.images import ImageRecord

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    from argosy.oci.descriptor import Descriptor
    from argosy.oci.reference import Reference
    from argosy.registry.streams import BlobStream
    from argosy.storage.store import Store

_BLOCK = 1 << 20


class StorageSource:
    """An `ImageSource` (see `transports.source`): one image of the store."""

    def __init__(self, store: Store, record: ImageRecord, reference: Reference) -> None:
        self.reference = reference
        self.record = record
        self.store = store

    def manifest(self, digest: str | None = None) -> RawManifest:
        """The image's manifest, or an index that it came from, by digest."""
        wanted = digest or self.record.manifest_digest
        if wanted != self.record.manifest_digest and wanted not in self.record.indexes:
            raise NotFound("manifest", wanted)
        data = self.store.blobs.read(wanted)
        media_type = self.record.media_type if wanted == self.record.manifest_digest else ""
        return RawManifest(data, media_type, digests.parse(wanted))

    def read_blob(self, descriptor: Descriptor, offset: int = 0) -> BlobStream:
        """The blob's bytes; NotFound when the store does not keep it."""
        try:
            fd = self.store.blobs.open(descriptor.digest)
        except NotFound as error:
            if built.can_write(self.store, descriptor.digest):
                return built.LayerStream(self.store, descriptor.digest, offset)
            raise ArgosyError(
                f"{self.reference}: the store no longer has {descriptor.digest}", hint="pull the image again"
            ) from error
        return FileStream(fd, descriptor.size, offset)

    def fetch(self, descriptor: Descriptor, limit: int) -> bytes:
        """A small blob, verified."""
        return self.store.blobs.read(descriptor.digest, limit)

    def tags(self) -> list[str]:
        """The image's own tag."""
        return [self.reference.tag] if self.reference.tag else []

    def close(self) -> None:
        """Nothing is held."""


class FileStream:
    """A `BlobStream` over part of a file: `size` bytes of it begin at `start`; reading begins `offset` bytes in.

    The descriptor is closed with the stream.  Raises ArgosyError where the file ends too early.
    """

    def __init__(self, fd: int, size: int, offset: int = 0, *, start: int = 0) -> None:
        self.offset = offset
        self._fd = fd
        self._size = size
        self._start = start

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[bytes]:
        while block := self.read():
            yield block

    def read(self, size: int = _BLOCK) -> bytes:
        """At most `size` bytes; b"" at the end."""
        wanted = min(size, self._size - self.offset)
        if wanted <= 0:
            return b""
        try:
            data = os.pread(self._fd, wanted, self._start + self.offset)
        except OSError as error:
            raise ArgosyError(f"cannot read: {error.strerror}") from error
        if not data:
            raise ArgosyError(f"the file ends {self._size - self.offset} bytes too early")
        self.offset += len(data)
        return data

    def close(self) -> None:
        """Close the file.  May be called twice."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

"""OCI image layouts (image-spec, image-layout.md): oci: in a directory, oci-archive: in an archive."""

from __future__ import annotations

import errno
import os
import stat

from argosy import jsontext
from argosy.errors import ArgosyError, Invalid
from argosy.oci import digest as digests
from argosy.oci import manifest as manifests
from argosy.oci.manifest import Index
from argosy.registry.client import RawManifest
from argosy.transports.storage import FileStream
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from argosy.oci.descriptor import Descriptor
    from argosy.oci.reference import Reference
    from argosy.registry.streams import BlobStream

    class Files(Protocol):
        """The files of a layout, by their path in it."""

        name: str

        def open(self, path: str, offset: int = 0, size: int | None = None) -> FileStream: ...
        def read(self, path: str, limit: int) -> bytes: ...


LAYOUT_FILE = "oci-layout"
INDEX_FILE = "index.json"
LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'
REF_NAME = "org.opencontainers.image.ref.name"
# What containerd and docker write beside it: the whole name, where REF_NAME is the tag alone.
FULL_NAME = "io.containerd.image.name"


class Stored(Value):
    """One image of a layout: its descriptor, and the name in its annotations ("" for none)."""

    descriptor: Descriptor
    name: str


def stored(files: Files) -> tuple[Stored, ...]:
    """The images that the layout's index lists.  Raises Invalid."""
    layout = jsontext.decode(files.read(LAYOUT_FILE, manifests.SIZE_LIMIT), LAYOUT_FILE)
    if not isinstance(layout, dict) or not str(layout.get("imageLayoutVersion", "")).startswith("1."):
        raise Invalid("OCI layout", files.name, "its version is not 1")
    index = manifests.parse(files.read(INDEX_FILE, manifests.SIZE_LIMIT))
    if not isinstance(index, Index):
        raise Invalid("OCI layout", files.name, "its index.json is not an index")
    return tuple(
        Stored(entry, entry.annotations.get(FULL_NAME) or entry.annotations.get(REF_NAME, ""))
        for entry in index.manifests
    )


def blob_path(digest: str) -> str:
    """Where a layout has the blob."""
    parsed = digests.parse(digest)
    return f"blobs/{parsed.algorithm}/{parsed.hex}"


class LayoutSource:
    """An `ImageSource` (see `transports.source`): one image of a layout.  `shared` has the blobs where they are not."""

    def __init__(self, files: Files, image: Stored, reference: Reference, shared: Files | None = None) -> None:
        self.reference = reference
        self._files = files
        self._image = image
        self._shared = shared

    def _place(self, digest: digests.Digest) -> tuple[Files, str]:
        """Where the blob is: in the layout, or in the directory of blobs that several layouts share."""
        if self._shared is None:
            return self._files, blob_path(digest)
        return self._shared, f"{digest.algorithm}/{digest.hex}"

    def manifest(self, digest: str | None = None) -> RawManifest:
        """The image's manifest or index, or another one by its digest; verified."""
        wanted = digests.parse(digest or str(self._image.descriptor.digest))
        files, path = self._place(wanted)
        data = files.read(path, manifests.SIZE_LIMIT)
        _verify(data, wanted, files.name)
        media_type = self._image.descriptor.media_type if wanted == self._image.descriptor.digest else ""
        return RawManifest(data, media_type, digests.of_bytes(data))

    def read_blob(self, descriptor: Descriptor, offset: int = 0) -> BlobStream:
        """The blob from `offset` on."""
        files, path = self._place(descriptor.digest)
        return files.open(path, offset, descriptor.size)

    def fetch(self, descriptor: Descriptor, limit: int) -> bytes:
        """A small blob, verified."""
        files, path = self._place(descriptor.digest)
        data = files.read(path, limit)
        _verify(data, descriptor.digest, files.name)
        return data

    def tags(self) -> list[str]:
        """The image's own tag."""
        return [self.reference.tag] if self.reference.tag else []

    def close(self) -> None:
        """The files belong to who opened them."""


def _verify(data: bytes, wanted: digests.Digest, name: str) -> None:
    hasher = digests.hasher(wanted.algorithm)
    hasher.update(data)
    if hasher.hexdigest() != wanted.hex:
        raise Invalid("OCI layout", name, f"the content of {wanted} has another digest")


class Directory:
    """The files of a directory (oci:, dir:), as `Files`.  Links are not followed: the directory may be anybody's."""

    def __init__(self, path: str) -> None:
        self.name = path
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise ArgosyError(f"cannot open {path}: {error.strerror}") from error

    def has(self, path: str) -> bool:
        """Whether there is a file of this name in the directory itself."""
        try:
            os.stat(path, dir_fd=self._fd, follow_symlinks=False)
        except OSError:
            return False
        return True

    def open(self, path: str, offset: int = 0, size: int | None = None) -> FileStream:
        """A regular file's bytes from `offset` on.  Raises Invalid when it does not have `size` bytes."""
        from argosy.linux import syscalls

        resolve = syscalls.RESOLVE_BENEATH | syscalls.RESOLVE_NO_SYMLINKS
        try:
            fd = syscalls.openat2(self._fd, path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK, 0, resolve)
        except OSError as error:
            why = "it is a symbolic link, or behind one" if error.errno == errno.ELOOP else str(error.strerror).lower()
            raise ArgosyError(f"cannot read {path} in {self.name}: {why}") from error
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode) or size not in (None, status.st_size):
            os.close(fd)
            if not stat.S_ISREG(status.st_mode):
                raise Invalid("file", f"{self.name}/{path}", "it is not a regular file")
            raise Invalid("file", f"{self.name}/{path}", f"it has {status.st_size} bytes, the manifest says {size}")
        return FileStream(fd, status.st_size, offset)

    def read(self, path: str, limit: int) -> bytes:
        """A small file.  Raises Invalid when it is longer than `limit` bytes."""
        with self.open(path) as stream:
            data = b"".join(iter(lambda: stream.read(limit + 1), b""))
        if len(data) > limit:
            raise Invalid("file", f"{self.name}/{path}", f"it is longer than {limit} bytes")
        return data

    def close(self) -> None:
        """Close the directory."""
        os.close(self._fd)

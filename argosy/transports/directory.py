"""dir: one image as plain files: version, manifest.json, and each blob under the hex of its digest.

What an index names is in <hex of its digest>.manifest.json.
"""

from __future__ import annotations

from argosy.errors import Invalid
from argosy.oci import digest as digests
from argosy.oci import manifest as manifests
from argosy.registry.client import RawManifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.oci.descriptor import Descriptor
    from argosy.oci.reference import Reference
    from argosy.transports.layout import Directory
    from argosy.transports.storage import FileStream

VERSION_FILE = "version"
MANIFEST_FILE = "manifest.json"
VERSION = b"Directory Transport Version: 1.1\n"


class DirectorySource:
    """An `ImageSource` (see `transports.source`): the one image of a directory."""

    def __init__(self, files: Directory, reference: Reference) -> None:
        self.reference = reference
        self._files = files

    def manifest(self, digest: str | None = None) -> RawManifest:
        """The image's manifest or index, or another one by its digest; verified."""
        if digest is None:
            data = self._files.read(MANIFEST_FILE, manifests.SIZE_LIMIT)
            return RawManifest(data, "", digests.of_bytes(data))
        wanted = digests.parse(digest)
        path = f"{wanted.hex}.{MANIFEST_FILE}"
        if not self._files.has(path):
            path = MANIFEST_FILE
        data = self._files.read(path, manifests.SIZE_LIMIT)
        hasher = digests.hasher(wanted.algorithm)
        hasher.update(data)
        if hasher.hexdigest() != wanted.hex:
            raise Invalid("image directory", self._files.name, f"it has no manifest {wanted}")
        return RawManifest(data, "", digests.of_bytes(data))

    def read_blob(self, descriptor: Descriptor, offset: int = 0) -> FileStream:
        """The blob from `offset` on."""
        return self._files.open(descriptor.digest.hex, offset, descriptor.size)

    def fetch(self, descriptor: Descriptor, limit: int) -> bytes:
        """A small blob, verified."""
        data = self._files.read(descriptor.digest.hex, limit)
        hasher = digests.hasher(descriptor.digest.algorithm)
        hasher.update(data)
        if hasher.hexdigest() != descriptor.digest.hex:
            raise Invalid("image directory", self._files.name, f"the content of {descriptor.digest} has another digest")
        return data

    def tags(self) -> list[str]:
        """The image's own tag."""
        return [self.reference.tag] if self.reference.tag else []

    def close(self) -> None:
        """The directory belongs to who opened it."""

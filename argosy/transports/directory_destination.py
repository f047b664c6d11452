"""dir: to write to: the files of one image in a directory of their own, in place of the image that was there."""

from __future__ import annotations

from argosy.errors import Invalid
from argosy.transports import directory
from argosy.transports.destination import Abilities
from argosy.transports.tree import Tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.oci.descriptor import Descriptor
    from argosy.registry.client import RawManifest
    from argosy.registry.streams import OpenBlob


class DirectoryDestination:
    """An `ImageDestination` (see `transports.destination`): a new directory, an empty one, or one with an image.

    An old image is whole until the manifest of the new one takes its place; its files go after that.
    """

    def __init__(self, path: str) -> None:
        self.name = f"dir:{path}"
        self.abilities = Abilities()
        self._tree = Tree(path)
        names = self._tree.names()
        if names and directory.VERSION_FILE not in names and not all(map(_may_be_ours, names)):
            self._tree.close()
            raise Invalid(
                "image directory", path, "not a containers image directory, don't want to overwrite important data"
            )
        self._old = set(names)
        self._written = {directory.VERSION_FILE, directory.MANIFEST_FILE}
        self._main: RawManifest | None = None
        self._done = False

    def has_blob(self, descriptor: Descriptor) -> bool:
        """Whether the directory has the blob, with the right content."""
        found = self._tree.has(descriptor.digest.hex, descriptor)
        if found:
            self._written.add(descriptor.digest.hex)
        return found

    def put_blob(self, descriptor: Descriptor, source: OpenBlob, advance: Callable[[int], None]) -> None:
        """Write the blob, or what a killed process has left to write."""
        self._tree.put(descriptor.digest.hex, descriptor, source, advance)
        self._written.add(descriptor.digest.hex)

    def put_manifest(self, manifest: RawManifest, *, main: bool) -> None:
        """The main manifest is written at the end, any other under its digest."""
        if main:
            self._main = manifest
        else:
            path = f"{manifest.digest.hex}.{directory.MANIFEST_FILE}"
            self._tree.write(path, manifest.data)
            self._written.add(path)

    def commit(self) -> None:
        """Let the new image be the one of this directory, and remove what was the old one's alone."""
        assert self._main is not None
        self._tree.lock()
        self._tree.write(directory.VERSION_FILE, directory.VERSION)
        self._tree.write(directory.MANIFEST_FILE, self._main.data)
        self._done = True
        for name in self._old - self._written:
            self._tree.remove(name)
        self._tree.sweep()

    def close(self) -> None:
        """Let go of the directory; a new one that did not get its image goes."""
        if not self._done:
            self._tree.discard()
        self._tree.close()


def _may_be_ours(name: str) -> bool:
    """Whether a file is what a copy that was killed may have left in a directory without an image."""
    digits = name.removesuffix(f".{directory.MANIFEST_FILE}")
    return len(digits) in (64, 128) and set("0123456789abcdef").issuperset(digits)

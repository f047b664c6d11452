"""oci: and oci-archive: to write to: an image layout, in a directory that may hold other images, or in a new archive.

An image becomes one of the directory with the last step: index.json is replaced under a lock, so that several
processes may write to one layout.  An archive holds one image and replaces what was at its path.
"""

from __future__ import annotations

from argosy.errors import Invalid
from argosy.oci import manifest as manifests
from argosy.oci import mediatypes
from argosy.oci.descriptor import Descriptor
from argosy.oci.manifest import Index
from argosy.transports import layout
from argosy.transports.destination import COMPRESS, KEEP, Abilities
from argosy.transports.tree import Tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.registry.client import RawManifest
    from argosy.registry.streams import OpenBlob
    from argosy.transports.archive_file import ArchiveFile


def abilities(*, uncompressed: bool) -> Abilities:
    """What an OCI layout holds; `uncompressed`: layers without compression stay so."""
    return Abilities(families=("oci",), foreign=True, layers=KEEP if uncompressed else COMPRESS)


class LayoutDestination:
    """An `ImageDestination` (see `transports.destination`): the image `ref` ("" for none) of the layout at `path`.

    `shared_blobs` is a directory that holds the blobs of several layouts, in place of the layout's own.
    """

    def __init__(self, path: str, ref: str, *, uncompressed: bool = False, shared_blobs: str = "") -> None:
        self.name = f"oci:{path}:{ref}" if ref else f"oci:{path}"
        self.abilities = abilities(uncompressed=uncompressed)
        self._tree = Tree(path)
        try:
            self._check_target(path)
            self._shared = Tree(shared_blobs) if shared_blobs else None
        except BaseException:
            self._tree.close()
            raise
        self._ref = ref
        self._main: Descriptor | None = None
        self._done = False

    def _check_target(self, path: str) -> None:
        """An empty directory, or a layout: anything else may be somebody's data."""
        names = self._tree.names()
        if names and layout.INDEX_FILE not in names and not set(names) <= {"blobs", layout.LAYOUT_FILE}:
            raise Invalid("OCI layout", path, "the directory is neither empty nor an OCI layout")
        if layout.INDEX_FILE in names:
            _entries(path)

    def _place(self, digest: str) -> tuple[Tree, str]:
        path = layout.blob_path(digest)
        return (self._tree, path) if self._shared is None else (self._shared, path.removeprefix("blobs/"))

    def has_blob(self, descriptor: Descriptor) -> bool:
        """Whether the layout has the blob, with the right content."""
        tree, path = self._place(descriptor.digest)
        return tree.has(path, descriptor)

    def put_blob(self, descriptor: Descriptor, source: OpenBlob, advance: Callable[[int], None]) -> None:
        """Write the blob, or what a killed process has left to write."""
        tree, path = self._place(descriptor.digest)
        tree.put(path, descriptor, source, advance)

    def put_manifest(self, manifest: RawManifest, *, main: bool) -> None:
        """Write it as a blob; the main one gets into the index at the end."""
        tree, path = self._place(manifest.digest)
        tree.write(path, manifest.data)
        if main:
            self._main = Descriptor(manifest.media_type, manifest.digest, len(manifest.data))

    def commit(self) -> None:
        """Let the name mean the image."""
        assert self._main is not None
        self._tree.lock()
        present = layout.INDEX_FILE in self._tree.names()
        index = _entries(self._tree.path) if present else Index(mediatypes.OCI_INDEX, ())
        self._tree.write(layout.LAYOUT_FILE, layout.LAYOUT)
        self._tree.write(layout.INDEX_FILE, with_entry(index, self._main, self._ref).to_bytes())
        self._done = True
        if self._shared is None:
            self._tree.sweep("blobs/sha256")

    def close(self) -> None:
        """Let go of the directory; a new one that did not become a layout goes."""
        if not self._done:
            self._tree.discard()
        self._tree.close()
        if self._shared is not None:
            self._shared.close()


def with_entry(index: Index, entry: Descriptor, ref: str) -> Index:
    """The index with one more image: in place of the one with the same name, or the same one without a name."""
    named = entry.replace(annotations={layout.REF_NAME: ref}) if ref else entry

    def replaced(old: Descriptor) -> bool:
        name = old.annotations.get(layout.REF_NAME, "")
        return name == ref if ref else not name and old.digest == entry.digest

    kept = tuple(old for old in index.manifests if not replaced(old))
    return index.replace(manifests=(*kept, named))


def _entries(path: str) -> Index:
    files = layout.Directory(path)
    try:
        index = manifests.parse(files.read(layout.INDEX_FILE, manifests.SIZE_LIMIT))
    finally:
        files.close()
    if not isinstance(index, Index):
        raise Invalid("OCI layout", path, "its index.json is not an index")
    return index


class OciArchiveDestination:
    """An `ImageDestination` (see `transports.destination`): a new archive with one image."""

    def __init__(self, file: ArchiveFile, ref: str) -> None:
        self.name = f"oci-archive:{file.path}"
        self.abilities = abilities(uncompressed=False)
        self._file = file
        self._ref = ref
        self._main: Descriptor | None = None

    def has_blob(self, descriptor: Descriptor) -> bool:
        """Whether it was written before."""
        return layout.blob_path(descriptor.digest) in self._file.written

    def put_blob(self, descriptor: Descriptor, source: OpenBlob, advance: Callable[[int], None]) -> None:
        """Write the blob; others wait meanwhile."""
        self._file.add_blob(layout.blob_path(descriptor.digest), descriptor, source, advance)

    def put_manifest(self, manifest: RawManifest, *, main: bool) -> None:
        """Write it as a blob; the main one gets into the index at the end."""
        self._file.add_bytes(layout.blob_path(manifest.digest), manifest.data)
        if main:
            self._main = Descriptor(manifest.media_type, manifest.digest, len(manifest.data))

    def commit(self) -> None:
        """Write the index, and let the archive appear."""
        assert self._main is not None
        index = with_entry(Index(mediatypes.OCI_INDEX, ()), self._main, self._ref)
        self._file.add_bytes(layout.LAYOUT_FILE, layout.LAYOUT)
        self._file.add_bytes(layout.INDEX_FILE, index.to_bytes())
        self._file.finish()

    def close(self) -> None:
        """What is not finished goes."""
        self._file.close()

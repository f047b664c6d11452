"""Source images: OCI layouts of what an image was built from, as `buildah source` makes them.

Each is an artifact whose config has a type of its own, and each layer a gzip-compressed archive of one source.
"""

from __future__ import annotations

import os
import shutil
import time

from argosy import jsontext
from argosy.errors import ArgosyError, Invalid
from argosy.images import timestamps
from argosy.oci import digest as digests
from argosy.oci import manifest as manifests
from argosy.oci import mediatypes
from argosy.oci.descriptor import Descriptor
from argosy.oci.manifest import ImageManifest, Index
from argosy.transports import layout
from argosy.transports.scratch import TemporaryDirectory
from argosy.transports.storage import FileStream
from argosy.transports.tree import Tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from argosy.registry.streams import BlobStream

CONFIG = "application/vnd.oci.source.image.config.v1+json"


def create(path: str, *, author: str = "", dated: bool = True) -> None:
    """Make a source image without sources at `path`.  Raises ArgosyError when something is there."""
    if os.path.lexists(path):
        raise ArgosyError(f'creating source image: "{path}" already exists')
    created = {"created": timestamps.show(time.time_ns())} if dated else {}
    config = jsontext.encode({**created, **({"author": author} if author else {})})
    tree = Tree(path)
    try:
        descriptor = _blob(tree, CONFIG, config)
        _write(tree, ImageManifest(mediatypes.OCI_MANIFEST, descriptor, ()), "")
    except BaseException:
        tree.discard()
        raise
    finally:
        tree.close()


def add(path: str, artifact: str, annotations: Mapping[str, str]) -> None:
    """Add a file, or what is in a directory, as one more layer.  The image changes in one step."""
    if not os.path.lexists(artifact):
        raise ArgosyError(f"stat {artifact}: no such file or directory")
    old, image = read(path)
    tree = Tree(path)
    try:
        with TemporaryDirectory() as work:
            packed = f"{work.path}/layer"
            layer = _pack(artifact, work.path, packed).replace(annotations=dict(annotations))

            def opened(offset: int = 0) -> BlobStream:
                return FileStream(os.open(packed, os.O_RDONLY | os.O_CLOEXEC), layer.size, offset)

            tree.put(layout.blob_path(layer.digest), layer, opened, _ignore)
        tree.lock()
        if read(path)[0] != old:
            raise ArgosyError(f"source image {path} was changed by another process", hint="add the artifact again")
        _write(tree, image.replace(layers=(*image.layers, layer)), old)
    finally:
        tree.close()


def read(path: str) -> tuple[str, ImageManifest]:
    """The digest of the manifest, and the manifest.  Raises ArgosyError for what is no source image."""
    if not os.path.isdir(path):
        raise ArgosyError(f"stat {path}: no such file or directory")
    files = layout.Directory(path)
    try:
        found = layout.stored(files)
        if len(found) != 1:
            raise Invalid("source image", path, f"it holds {len(found)} images, not one")
        digest = digests.parse(found[0].descriptor.digest)
        data = files.read(layout.blob_path(digest), manifests.SIZE_LIMIT)
    finally:
        files.close()
    document = manifests.parse(data, mediatypes.OCI_MANIFEST, artifact=True)
    if not isinstance(document, ImageManifest) or document.config.media_type != CONFIG:
        raise Invalid("source image", path, "its config is not one of a source image")
    return str(digest), document


def _write(tree: Tree, image: ImageManifest, old: str) -> None:
    """Let the layout be this image, and not the one with the digest `old` any more."""
    manifest = _blob(tree, mediatypes.OCI_MANIFEST, image.to_bytes())
    tree.write(layout.LAYOUT_FILE, layout.LAYOUT)
    tree.write(layout.INDEX_FILE, Index(mediatypes.OCI_INDEX, (manifest,)).to_bytes())
    if old and old != str(manifest.digest):
        os.unlink(os.path.join(tree.path, layout.blob_path(old)))


def _blob(tree: Tree, media_type: str, data: bytes) -> Descriptor:
    descriptor = Descriptor(media_type, digests.of_bytes(data), len(data))
    tree.write(layout.blob_path(descriptor.digest), data)
    return descriptor


def _pack(artifact: str, work: str, packed: str) -> Descriptor:
    """Write the compressed archive to `packed`."""
    from argosy.archive import diff
    from argosy.images import relayer

    directory = os.path.realpath(artifact)
    if not os.path.isdir(directory):
        directory = f"{work}/one"
        os.mkdir(directory)
        shutil.copy2(artifact, f"{directory}/{os.path.basename(os.path.abspath(artifact))}")
    hasher = digests.hasher()
    compressor = relayer.compressor("gzip")
    with open(packed, "xb") as file:

        def put(data: bytes) -> None:
            hasher.update(data)
            file.write(data)

        diff.write_archive(directory, lambda data: put(compressor.compress(data)), layer=False)
        put(compressor.flush())
        size = file.tell()
    return Descriptor(mediatypes.OCI_LAYER_GZIP, digests.parse(f"sha256:{hasher.hexdigest()}"), size)


def _ignore(_count: int) -> None:
    """Nobody watches."""

"""Whether a layer's tree is still what its blob says: applied once more beside it, and compared.

Both trees are told as one canonical archive and hashed, so that names, types, modes, owners, times, links, attributes,
whiteouts and content all count, and nothing has to be kept about them when a layer is applied.
"""

from __future__ import annotations

import errno
import os

from argosy.archive.apply_process import LayerFailed
from argosy.archive.errors import BadArchive
from argosy.errors import ArgosyError, NotFound
from argosy.images.unpack import Applier, Unpacker
from argosy.oci import digest as digests
from argosy.oci import mediatypes
from argosy.records.scratch import Scratch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.storage.images import ImageRecord, LayerRef
    from argosy.storage.store import Store

_CHUNK_BYTES = 1 << 20


def difference(store: Store, record: ImageRecord, diff_id: str) -> str:
    """What is wrong with the tree of one of the image's layers; "" when nothing is, or nothing can be said.

    Takes as much room as the layer for the time of the comparison.  A blob that is missing or damaged is not this
    function's to tell.
    """
    layer = next(layer for layer in record.layers if layer.diff_id == diff_id)
    compression = mediatypes.LAYER_COMPRESSION.get(layer.media_type)
    if not layer.blob or compression is None:
        return ""
    tree = store.layers.path(diff_id)
    with _scratch(store) as scratch:
        fresh = f"{scratch.path}/diff"
        os.mkdir(fresh)
        try:
            before = os.stat(tree)
            _apply(store, layer, compression, fresh)
            expected = _digest(fresh)
        except (FileNotFoundError, NotFound, BadArchive, LayerFailed):
            return ""
        try:
            problem = "" if _digest(tree) == expected else "its tree is not what its blob says"
        except (ArgosyError, OSError) as error:
            problem = f"its tree cannot be read: {error}"
    return problem if _is_still(tree, before) else ""


def _scratch(store: Store) -> Scratch:
    """Room to apply a layer: in the store, or where that is read-only, in the run directory."""
    try:
        return Scratch(store.tmp)
    except OSError as error:
        if error.errno != errno.EROFS:
            raise
        return Scratch(f"{store.run}/tmp")


def _is_still(tree: str, before: os.stat_result) -> bool:
    """Whether this is the same tree: one that is collected meanwhile is renamed first."""
    try:
        return os.path.samestat(os.stat(tree), before)
    except FileNotFoundError:
        return False


def _apply(store: Store, layer: LayerRef, compression: str, directory: str) -> None:
    fd = store.blobs.open(layer.blob)
    try:
        with Unpacker(compression, Applier(store, directory)) as unpacker:
            while chunk := os.read(fd, _CHUNK_BYTES):
                unpacker.put(chunk)
            unpacker.finish()
    finally:
        os.close(fd)


def _digest(tree: str) -> str:
    from argosy.archive import diff

    hasher = digests.hasher()
    diff.write_archive(tree, hasher.update, layer=True)
    return hasher.hexdigest()

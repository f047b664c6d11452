"""ADD of archives: which files are taken for one, and their content as a tree."""

from __future__ import annotations

import os

from argosy.archive import compression
from argosy.archive.errors import BadArchive
from argosy.build.filetree import FileTree, Selected
from argosy.images.unpack import Applier, Unpacker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.storage.store import Store

_HEAD_BYTES = 1 << 16
_CHUNK_BYTES = 1 << 20
_BLOCK = 512


def is_archive(tree: FileTree, selected: Selected) -> bool:
    """Whether the file is a tar archive, compressed or not, by its content: docker looks at no name either."""
    if selected.is_directory:
        return False
    fd = tree.open(selected.path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        head = os.read(fd, _HEAD_BYTES)
    finally:
        os.close(fd)
    kind = compression.detect(head)
    if kind != "none":
        decompressor = compression.Decompressor(kind)
        try:
            head = next(iter(decompressor.write(head)), b"")
        except BadArchive:
            return False
    return _is_header(head[:_BLOCK])


def _is_header(block: bytes) -> bool:
    """Whether a tar header is there: its sum must be right, as old archives have no other mark."""
    if len(block) < _BLOCK or not block[0]:
        return False
    try:
        said = int(block[148:156].rstrip(b" \0").strip() or b"x", 8)
    except ValueError:
        return False
    return said == sum(block[:148]) + 8 * 32 + sum(block[156:])


def unpack(store: Store, tree: FileTree, selected: Selected, directory: str) -> FileTree:
    """The content of an archive, applied to the new directory.  Raises BadArchive; the caller closes the tree."""
    os.mkdir(directory, 0o755)
    fd = tree.open(selected.path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        chunk = os.read(fd, _CHUNK_BYTES)
        with Unpacker(compression.detect(chunk), Applier(store, directory)) as unpacker:
            while chunk:
                unpacker.put(chunk)
                chunk = os.read(fd, _CHUNK_BYTES)
            unpacker.finish()
    finally:
        os.close(fd)
    return FileTree(directory, selected.written, keeps_owner=True)

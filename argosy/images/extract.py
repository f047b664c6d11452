"""An archive of files, compressed or not, unpacked into an empty directory by a process of its own."""

from __future__ import annotations

from argosy.archive import compression
from argosy.archive.tarwriter import BLOCK
from argosy.errors import Invalid
from argosy.images.unpack import Applier, Unpacker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.storage.store import Store


def is_archive(head: bytes) -> bool:
    """Whether a file that begins with `head` may be one: compressed, or with the right sum in its first header.

    `head` has a block's length, unless the whole file is shorter.
    """
    if compression.detect(head) != "none":
        return True
    if len(head) < BLOCK:
        return False
    if head[:BLOCK] == bytes(BLOCK):
        return True
    header = head[:148] + b" " * 8 + head[156:BLOCK]
    told = head[148:156].strip(b" \0")
    return bool(told) and not told.strip(b"01234567") and int(told, 8) == sum(header)


def extract(store: Store, directory: str, head: bytes, read: Callable[[], bytes], name: str) -> None:
    """Unpack what begins with `head` and goes on with what `read` gives, up to b"".

    Raises ArgosyError for a broken archive, and Invalid for an image's layer with whiteouts, which hide what is not
    there; the directory may then hold a part.
    """
    with Unpacker(compression.detect(head), Applier(store, directory)) as unpacker:
        chunk = head
        while chunk:
            unpacker.put(chunk)
            chunk = read()
        applied = unpacker.finish().applied
    assert applied is not None
    if applied.whiteout_directories or applied.opaque_root:
        raise Invalid("archive", name, "it is a layer of an image: it holds whiteouts (.wh.*)")

"""One layer written anew, in one pass: decrypted, decompressed, compressed, encrypted, as far as each is wanted.

What is read is compared with its digest, and what was encrypted with the digest that its key came with.
"""

from __future__ import annotations

from argosy.archive.compression import Decompressor
from argosy.errors import ArgosyError, Invalid
from argosy.oci import digest as digests

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from argosy.encryption.layers import Keys
    from argosy.oci.descriptor import Descriptor
    from argosy.transports.source import ImageSource

_GZIP_LEVEL = 2  # isal's best ratio that still keeps up with a network
_ZSTD_LEVEL = 3


def rewrite(
    source: ImageSource,
    layer: Descriptor,
    path: str,
    compression: tuple[str, str, int],
    keys: Keys | None,
    *,
    encrypt: bool,
) -> Descriptor:
    """Write the layer's new form to `path`; its descriptor, whose media type is still the old one.

    `compression` is what it has, what it is to have, and the level.  Raises Invalid when the bytes that are read are
    not the layer's, ArgosyError when none of the keys fits or the file cannot be written.
    """
    kind, wanted, level = compression
    blocks = _verified(source, layer)
    annotations = dict(layer.annotations)
    if keys is not None and keys.is_encrypted(layer):
        blocks, annotations = keys.decrypted(layer, blocks)
    if kind != wanted:
        blocks = _decompressed(blocks, kind)
        if wanted != "none":
            blocks = _compressed(blocks, compressor(wanted, level))
    sealed = keys.encrypted(blocks) if keys is not None and encrypt else None
    digest, size = _write(sealed.blocks() if sealed is not None else blocks, path)
    if sealed is not None:
        annotations |= sealed.annotations()
    return layer.replace(digest=digests.parse(digest), size=size, annotations=annotations)


def _verified(source: ImageSource, layer: Descriptor) -> Iterator[bytes]:
    hasher = digests.hasher(layer.digest.algorithm)
    with source.read_blob(layer) as stream:
        for block in stream:
            hasher.update(block)
            yield block
    if hasher.hexdigest() != layer.digest.hex:
        raise Invalid("layer", str(layer.digest), "its bytes do not have that digest", hint="pull the image again")


def _decompressed(blocks: Iterator[bytes], kind: str) -> Iterator[bytes]:
    decompressor = Decompressor(kind)
    for block in blocks:
        yield from decompressor.write(block)
    decompressor.finish()


def _compressed(blocks: Iterator[bytes], compressor: Any) -> Iterator[bytes]:
    for block in blocks:
        yield compressor.compress(block)
    yield compressor.flush()


def _write(blocks: Iterator[bytes], path: str) -> tuple[str, int]:
    hasher = digests.hasher()
    size = 0
    try:
        with open(path, "xb", buffering=1 << 20) as file:
            for block in blocks:
                hasher.update(block)
                size += len(block)
                file.write(block)
    except OSError as error:
        raise ArgosyError(
            f"cannot write a layer to {path}: {error.strerror}", hint="make room with `argosy system prune`"
        ) from error
    return f"sha256:{hasher.hexdigest()}", size


def compressor(kind: str, level: int = 0) -> Any:
    """An object with compress(data) and flush(); the same bytes for the same input and library."""
    if kind == "zstd":
        from argosy.archive.compression import zstd_compressor

        return zstd_compressor(min(level, 22) or _ZSTD_LEVEL)
    import zlib

    if level:  # isal has other ones
        return zlib.compressobj(min(level, 9), zlib.DEFLATED, 31)
    try:
        from isal import isal_zlib
    except ImportError:
        return zlib.compressobj(6, zlib.DEFLATED, 31)
    return isal_zlib.compressobj(_GZIP_LEVEL, isal_zlib.DEFLATED, 31)

"""Decompression of layers: gzip, zstd, xz and bzip2 as streams of bounded memory.

A gzip file may have several members and a zstd file several frames (some of them skippable); what is left behind the
last one, or an end that comes too early, is an error.  A bomb is stopped by its ratio: apart from streams that stay
below `floor_bytes`, no layer that people make shrinks to a two-hundredth (gzip can do 1032 to 1, zstd far more).
"""

from __future__ import annotations

from argosy.archive.errors import BadArchive
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

CHUNK_BYTES = 1 << 20

_SLICE_BYTES = 1 << 16  # what is handed over at once: the libraries copy the rest of it at each call
_ZSTD_WINDOW_LOG = 25  # 32 MiB, more than any builder of images uses
_XZ_MEMORY_BYTES = 80 << 20  # `xz -9` needs 65 MiB

_MAGICS = (
    (b"\x1f\x8b\x08", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"BZh", "bzip2"),
)


class ExpansionLimits(Value):
    """A stream may grow to `floor_bytes` in any case, beyond that to `ratio` times what was read."""

    ratio: int = 200
    floor_bytes: int = 1 << 30


def detect(head: bytes) -> str:
    """How a file that begins with `head` (6 bytes suffice) is compressed: gzip, zstd, xz, bzip2 or none."""
    for magic, kind in _MAGICS:
        if head.startswith(magic):
            return kind
    skippable = len(head) >= 4 and head[1:4] == b"\x2a\x4d\x18" and head[0] & 0xF0 == 0x50
    return "zstd" if skippable else "none"


class Decompressor:
    """A stream that is being decompressed.  The work releases the interpreter lock; one thread at a time."""

    def __init__(self, kind: str, limits: ExpansionLimits | None = None) -> None:
        self.kind = kind
        self.read_bytes = 0
        self.written_bytes = 0
        self._limits = limits or ExpansionLimits()
        self._open, self._errors = _open_library(kind)
        self._stream: Any = None
        self._members = 0

    def write(self, data: bytes | memoryview) -> Iterator[bytes]:
        """What `data` decompresses to, in chunks of at most CHUNK_BYTES.  Go through all of them before the next write.

        Raises BadArchive for broken data and for a bomb.
        """
        view = memoryview(data)
        for start in range(0, len(view), _SLICE_BYTES):
            part = view[start : start + _SLICE_BYTES]
            self.read_bytes += len(part)
            if self.kind == "none":
                self.written_bytes += len(part)
                yield bytes(part)
            else:
                yield from self._expand(part)

    def finish(self) -> None:
        """The compressed stream is at its end: raises BadArchive when that is too early."""
        if self._stream is not None or (self.kind != "none" and not self._members):
            raise BadArchive(
                f"the {self.kind} data is cut off",
                offset=self.read_bytes,
                hint="the download or the file is incomplete: fetch it again",
            )

    def _expand(self, data: bytes | memoryview) -> Iterator[bytes]:
        while True:
            if self._stream is None:
                if not data:
                    return
                self._stream = self._open()
            stream = self._stream
            try:
                chunk = stream.decompress(data, CHUNK_BYTES)
            except self._errors as error:
                raise self._broken(error) from error
            if chunk:
                self._account(len(chunk))
                yield chunk
            if stream.eof:
                data = stream.unused_data
                self._members += 1
                self._stream = None
            else:
                data = getattr(stream, "unconsumed_tail", b"")
                if not data and len(chunk) < CHUNK_BYTES and getattr(stream, "needs_input", True):
                    return

    def _account(self, count: int) -> None:
        self.written_bytes += count
        limits = self._limits
        if self.written_bytes > limits.floor_bytes and self.written_bytes > limits.ratio * self.read_bytes:
            raise BadArchive(
                f"{self.read_bytes} bytes of {self.kind} data expand to more than {self.written_bytes} "
                f"(over {limits.ratio} times), which looks like a decompression bomb",
                hint="if the content is meant to be like that, import it uncompressed",
            )

    def _broken(self, error: Exception) -> BadArchive:
        if self._members:
            return BadArchive(f"broken {self.kind} data, or bytes behind its end ({error})", offset=self.read_bytes)
        hint = ""
        if self.kind == "zstd" and "memory" in str(error):
            hint = f"it was compressed with a window of more than {1 << _ZSTD_WINDOW_LOG - 20} MiB"
        return BadArchive(f"broken {self.kind} data ({error})", offset=self.read_bytes, hint=hint)


def _open_library(kind: str) -> tuple[Callable[[], Any], tuple[type[Exception], ...]]:
    """What opens a stream of this kind, and the exceptions which say that the data is broken."""
    if kind == "gzip":
        return _open_gzip()
    if kind == "zstd":
        return _open_zstd()
    if kind == "xz":
        import lzma

        return (lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, _XZ_MEMORY_BYTES)), (lzma.LZMAError,)
    if kind == "bzip2":
        import bz2

        return bz2.BZ2Decompressor, (OSError, ValueError)
    return (lambda: None), ()


def _open_gzip() -> tuple[Callable[[], Any], tuple[type[Exception], ...]]:
    try:
        from isal import igzip_lib, isal_zlib

        return (lambda: isal_zlib.decompressobj(31)), (igzip_lib.IsalError,)  # type: ignore[return-value]  # its stub is wrong
    except ImportError:  # no wheel for this machine
        import zlib

        return (lambda: zlib.decompressobj(31)), (zlib.error,)


def _zstd() -> Any:
    import sys

    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd


def zstd_compressor(level: int) -> Any:
    """An object with `compress(data)` and `flush()` that gives one zstd frame."""
    return _zstd().ZstdCompressor(level=level)


def _open_zstd() -> tuple[Callable[[], Any], tuple[type[Exception], ...]]:
    zstd = _zstd()
    options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG}
    return (lambda: zstd.ZstdDecompressor(options=options)), (zstd.ZstdError,)

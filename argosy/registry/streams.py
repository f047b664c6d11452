"""What bytes come from: the protocols of blobs that are read piece by piece, and of request bodies; one in memory."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Protocol, Self

    class Readable(Protocol):
        """What a body is read from; b"" is its end."""

        def read(self, size: int = ...) -> bytes: ...

    # Gives a request's body from its start, as often as it is called.
    Body = Callable[[], bytes | Readable]

    class BlobStream(Protocol):
        """The bytes of one blob, in order.  Used by one thread."""

        offset: int

        def __enter__(self) -> Self: ...
        def __exit__(self, *error: object) -> None: ...
        def __iter__(self) -> Iterator[bytes]: ...

        def read(self, size: int = ...) -> bytes:
            """What is there, at most `size` bytes, never none before the end: b"" means that all bytes were read."""
            ...

        def close(self) -> None:
            """Let go of what the stream holds.  May be called twice, and before the end."""
            ...

    # Opens a blob at an offset, as often as it is called.
    OpenBlob = Callable[[int], BlobStream]


class BytesStream:
    """A `BlobStream` over bytes in memory."""

    def __init__(self, data: bytes, offset: int = 0) -> None:
        self.offset = offset
        self._data = data

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[bytes]:
        while block := self.read():
            yield block

    def read(self, size: int = 1 << 20) -> bytes:
        """At most `size` bytes; b"" at the end."""
        block = self._data[self.offset : self.offset + size]
        self.offset += len(block)
        return block

    def close(self) -> None:
        """Nothing is held."""

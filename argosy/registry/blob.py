"""One blob as a stream that goes on where a broken connection left off."""

from __future__ import annotations

from argosy.registry.faults import RegistryError, Unreachable, Untrue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    from argosy.oci.descriptor import Descriptor
    from argosy.registry.http import Answer
    from argosy.registry.session import Session

BLOCK = 512 << 10
# So much new data makes a broken connection a hiccup; with less, it counts as one of the tries.
_PROGRESS = 256 << 10


class BlobReader:
    """The bytes of a blob from `offset` on: exactly `size - offset` of them, or an error.

    The bytes are not hashed here: who stores them compares the digest (`storage.blobs` does while it writes).  Use it
    from one thread.  Close it, or use it as a context manager.
    """

    def __init__(self, session: Session, path: str, scope: str, descriptor: Descriptor, offset: int = 0) -> None:
        if not 0 <= offset <= descriptor.size:
            raise ValueError(f"offset {offset} is outside of a blob of {descriptor.size} bytes")
        self.descriptor = descriptor
        self.offset = offset
        self._session = session
        self._path = path
        self._scope = scope
        self._what = f"reading blob {descriptor.digest} at {session.name}"
        self._answer: Answer | None = None
        self._retry = session.transfer_retry()
        self._since_break = 0
        self._to_skip = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[bytes]:
        while block := self.read():
            yield block

    def read(self, size: int = BLOCK) -> bytes:
        """What has come, at most `size` bytes; b"" once the whole blob was read.  Raises RegistryError."""
        left = self.descriptor.size - self.offset
        while left and size:
            try:
                block = self._read(min(size, left))
            except RegistryError as fault:
                self._break(fault)
                continue
            self.offset += len(block)
            self._since_break += len(block)
            return block
        if not left:
            self.close()
        return b""

    def open(self) -> Self:
        """Ask for the blob now rather than at the first read, so that a missing one is known."""
        if self._answer is None and self.offset < self.descriptor.size:
            self._answer = self._ask()
        return self

    def close(self) -> None:
        """Let go of the connection.  May be called twice."""
        if self._answer is not None:
            self._answer.close()
            self._answer = None

    def _read(self, size: int) -> bytes:
        if self._answer is None:
            self._answer = self._ask()
        while self._to_skip:
            self._to_skip -= len(self._some(self._answer, min(self._to_skip, BLOCK)))
        return self._some(self._answer, size)

    def _some(self, answer: Answer, size: int) -> bytes:
        block = answer.read1(size)
        if not block:
            raise Unreachable(self._session.name, "the connection ended before the blob does")
        return block

    def _break(self, fault: RegistryError) -> None:
        """Prepare for another try; raises `fault` when there is to be none."""
        connected = self._answer is not None
        self.close()
        if not connected:
            raise fault  # `Session.get` has tried as often as it should
        if self._since_break >= _PROGRESS:
            self._retry.progress()
        self._since_break = 0
        self._retry.pause(fault)

    def _ask(self) -> Answer:
        headers = {"Range": f"bytes={self.offset}-"} if self.offset else {}
        answer = self._session.get(self._path, self._what, scope=self._scope, headers=headers, ok=(200, 206))
        try:
            self._check(answer)
        except BaseException:
            answer.close()
            raise
        # A registry that cannot resume sends again what we have.
        self._to_skip = self.offset if answer.status == 200 else 0
        return answer

    def _check(self, answer: Answer) -> None:
        """Compare what the answer declares with what the manifest says; Untrue when they differ."""
        size = self.descriptor.size
        start = self.offset if answer.status == 206 else 0
        if answer.status == 206 and not _is_range(answer.header("Content-Range"), start, size):
            said = answer.header("Content-Range") or "nothing"
            raise Untrue(f"{self._what}: asked for bytes {start} to {size - 1} and was sent {said[:80]!r}")
        length = answer.content_length()
        if length is not None and length != size - start:
            raise Untrue(
                f"{self._what}: the registry declares {length} bytes, its manifest says {size - start}",
                hint="the registry, or a proxy before it, is broken or lies; try another mirror",
            )


def _is_range(text: str, start: int, size: int) -> bool:
    """Whether a Content-Range says `bytes start-end/size` up to the end; the size may be unknown (`*`)."""
    unit, _, rest = text.strip().partition(" ")
    span, _, total = rest.partition("/")
    return unit.lower() == "bytes" and span.strip() == f"{start}-{size - 1}" and total.strip() in (str(size), "*", "")

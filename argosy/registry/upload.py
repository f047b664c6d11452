"""One blob on its way into a repository (distribution specification, "Pushing a blob in chunks").

It is sent from where the registry says it is, which after a broken connection or a killed process is somewhere in the
middle, and closed by a PUT with its digest: the registry compares.  The rest goes in one PATCH, or in chunks once the
registry, or a proxy before it, has found that too much.
"""

from __future__ import annotations

from argosy.registry.faults import Refused, RegistryError, Unknown, Untrue
from argosy.registry.urls import join

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.oci.descriptor import Descriptor
    from argosy.registry.http import Answer
    from argosy.registry.streams import BlobStream, OpenBlob
    from argosy.registry.uploads import Claim, NoClaim
    from argosy.registry.writer import RepositoryWriter

_BLOCK = 256 << 10
_LONGEST_NUMBER = 19
_TOO_LARGE, _NOT_THERE = 413, 416
_CHUNK_BYTES = 32 << 20
_CHUNK_SMALLEST_BYTES = 1 << 20


class Upload:
    """The upload of one blob; `run` it once.  `claim` knows where an earlier process has begun it."""

    def __init__(
        self,
        writer: RepositoryWriter,
        claim: Claim | NoClaim,
        descriptor: Descriptor,
        source: OpenBlob,
        advance: Callable[[int], None],
    ) -> None:
        self._writer = writer
        self._claim = claim
        self._descriptor = descriptor
        self._source = source
        self._advance = advance
        self._what = f"writing blob {descriptor.digest} to {writer.name}"
        self._retry = writer.session.transfer_retry()
        self._resumed = bool(claim.url)  # by another process: nothing is known of what it has sent
        self._asked = False

    def run(self) -> None:
        """Send what is missing, as often as it takes.  Raises RegistryError."""
        while True:
            try:
                self._go()
            except Unknown as fault:
                self._claim.forget()  # the registry has forgotten the upload
                if not self._resumed:
                    self._retry.pause(_again(fault))
            except Refused as fault:
                self._refused(fault)
            except RegistryError as fault:
                self._retry.pause(fault)
            else:
                self._claim.forget()
                return
            self._resumed = False

    def _go(self) -> None:
        sent = self._where() if self._claim.url else self._begin()
        if self._resumed:
            self._advance(sent)
        while sent < self._descriptor.size:
            sent = self._send(sent)
        self._close()

    def _refused(self, fault: Refused) -> None:
        """Decide how to go on after a refusal; raises it when there is no way."""
        if self._resumed and not fault.transient:
            self._claim.forget()  # what was left there is not what this blob begins with
            return
        if self._can_go_on(fault):
            return
        if not fault.transient:
            self._claim.forget()
        self._retry.pause(fault)

    def _can_go_on(self, fault: Refused) -> bool:
        """Whether to ask at once how far the upload came: after a request that was too large, or at the wrong place."""
        if fault.status == _NOT_THERE:
            asked, self._asked = self._asked, True
            return not asked
        chunk = self._writer.chunk_bytes
        if fault.status != _TOO_LARGE or chunk == _CHUNK_SMALLEST_BYTES:
            return False
        tried = min(chunk or 4 * _CHUNK_BYTES, self._descriptor.size)
        self._writer.chunk_bytes = max(tried // 4, _CHUNK_SMALLEST_BYTES)
        return True

    def _begin(self) -> int:
        writer = self._writer
        target = f"/v2/{writer.repository}/blobs/uploads/"
        with writer.ask("POST", target, self._what, ok=(202,), headers={"Content-Length": "0"}) as answer:
            least = answer.header("OCI-Chunk-Min-Length")
            if writer.chunk_bytes and least.isascii() and least.isdecimal():
                writer.chunk_bytes = max(writer.chunk_bytes, int(least[:12]))
            self._claim.remember(location(answer, self._what))
        return 0

    def _where(self) -> int:
        """How many bytes the registry has; the claim knows then where to go on."""
        writer = self._writer
        with writer.session.send("GET", self._claim.url, self._what, scope=writer.scope, ok=(204, 202)) as answer:
            if answer.header("Location"):
                self._claim.remember(location(answer, self._what))
            first, dash, last = answer.header("Range").removeprefix("bytes=").partition("-")
            if not dash or first != "0" or not last.isdecimal() or len(last) > _LONGEST_NUMBER:
                return 0
            have = int(last) + 1 if last != "0" else 0  # "0-0" is also how an upload without a byte is told
            if have > self._descriptor.size:
                raise Untrue(f"{self._what}: the registry has {have} bytes of {self._descriptor.size}")
            return have

    def _send(self, sent: int) -> int:
        """Send the rest, or a chunk of it; how many bytes the registry has then."""
        size = self._descriptor.size
        end = min(sent + self._writer.chunk_bytes, size) if self._writer.chunk_bytes else size
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(end - sent)}
        if sent or end < size:
            headers["Content-Range"] = f"{sent}-{end - 1}"
        streams: list[_Body] = []

        def body() -> _Body:
            for stream in streams:
                stream.close()
            streams[:] = [_Body(self._source(sent), end - sent, self._advance)]
            return streams[0]

        writer = self._writer
        try:
            with writer.session.send(
                "PATCH", self._claim.url, self._what, scope=writer.scope, headers=headers, ok=(202, 204), body=body
            ) as answer:
                self._claim.remember(location(answer, self._what))
                return end
        finally:
            for stream in streams:
                stream.close()

    def _close(self) -> None:
        writer = self._writer
        separator = "&" if "?" in self._claim.url else "?"
        target = f"{self._claim.url}{separator}digest={self._descriptor.digest}"
        headers = {"Content-Length": "0"}
        writer.session.send("PUT", target, self._what, scope=writer.scope, headers=headers, ok=(201, 204)).drain()


class _Body:
    """The body of a PATCH: a blob's stream as http.client reads it, exactly as long as the header says."""

    def __init__(self, stream: BlobStream, size: int, advance: Callable[[int], None]) -> None:
        self._stream = stream
        self._left = size
        self._advance = advance

    def read(self, size: int = _BLOCK) -> bytes:
        data = self._stream.read(min(size, self._left)) if self._left else b""
        self._left -= len(data)
        self._advance(len(data))
        return data

    def close(self) -> None:
        self._stream.close()


def _again(fault: Unknown) -> RegistryError:
    """An upload that the registry does not know any more is worth another one."""
    again = RegistryError(fault.brief, details=fault.details, hint=fault.hint)
    again.transient = True
    again.retries = 1
    return again


def location(answer: Answer, what: str) -> str:
    """Where an upload goes on."""
    found = answer.header("Location")
    if not found:
        raise Untrue(f"{what}: the registry does not say where to")
    return join(answer.url, found)

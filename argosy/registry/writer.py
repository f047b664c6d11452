"""The writing half of the distribution API (distribution specification, "Push").

A blob that the repository has is not sent; one that another repository of the registry has is mounted.  Else it is sent
in one PATCH from where the registry says it is, which after a broken connection is somewhere in the middle, and closed
by a PUT with its digest: the registry compares.
"""

from __future__ import annotations

from argosy.oci import digest as digests
from argosy.registry.faults import RegistryError, Unknown, Untrue
from argosy.registry.http import join

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.oci.descriptor import Descriptor
    from argosy.registry.http import Answer
    from argosy.registry.session import Session
    from argosy.registry.streams import BlobStream, OpenBlob

_BLOCK = 256 << 10


class RepositoryWriter:
    """One repository to write to.  Safe to use from several threads.  Raises RegistryError throughout."""

    def __init__(self, session: Session, repository: str) -> None:
        self.session = session
        self.repository = repository
        self.name = f"{session.name}/{repository}"
        self._scope = f"repository:{repository}:pull,push"

    def close(self) -> None:
        """Close the idle connections."""
        self.session.close()

    def has_blob(self, descriptor: Descriptor) -> bool:
        """Whether the repository has the blob."""
        return self._exists(f"/v2/{self.repository}/blobs/{descriptor.digest}", f"checking blob {descriptor.digest}")

    def has_manifest(self, selector: str) -> bool:
        """Whether the repository has a manifest with this tag or digest."""
        return self._exists(f"/v2/{self.repository}/manifests/{selector}", f"checking manifest {selector}")

    def _exists(self, target: str, what: str) -> bool:
        try:
            self._ask("HEAD", self.session.resolve(target), f"{what} in {self.name}").drain()
        except Unknown:
            return False
        return True

    def mount(self, descriptor: Descriptor, other: str) -> bool:
        """Make a blob of the repository `other` one of this repository; false when the registry does not do it."""
        target = f"/v2/{self.repository}/blobs/uploads/?mount={descriptor.digest}&from={other}"
        what = f"mounting blob {descriptor.digest} from {other} in {self.name}"
        with self._ask("POST", self.session.resolve(target), what, ok=(201, 202)) as answer:
            if answer.status == 201:
                return True
            self._cancel(_location(answer, what))
            return False

    def _cancel(self, url: str) -> None:
        try:
            self.session.send("DELETE", url, "cancelling an upload", scope=self._scope, ok=(200, 202, 204)).drain()
        except RegistryError:
            pass  # the registry drops it some day

    def upload(self, descriptor: Descriptor, source: OpenBlob, advance: Callable[[int], None]) -> None:
        """Send the blob; `advance` is told the bytes as they go.  A broken connection is taken up where it broke."""
        what = f"writing blob {descriptor.digest} to {self.name}"
        retry = self.session.retry()
        url, sent = "", 0
        while True:
            try:
                if not url:
                    url, sent = self._begin(what), 0
                elif sent < descriptor.size:
                    url, sent = self._where(url, descriptor, what)
                if sent < descriptor.size or not descriptor.size:
                    url = self._send_rest(url, descriptor, source, sent, advance, what)
                    sent = descriptor.size
                self._close(url, descriptor, what)
            except Unknown as fault:
                retry.pause(_again(fault))
                url = ""  # the registry has forgotten the upload
            except RegistryError as fault:
                retry.pause(fault)
            else:
                return

    def _begin(self, what: str) -> str:
        target = self.session.resolve(f"/v2/{self.repository}/blobs/uploads/")
        with self._ask("POST", target, what, ok=(202,), headers={"Content-Length": "0"}) as answer:
            return _location(answer, what)

    def _where(self, url: str, descriptor: Descriptor, what: str) -> tuple[str, int]:
        """Where to go on, and how many bytes the registry has."""
        with self.session.send("GET", url, what, scope=self._scope, ok=(204, 202)) as answer:
            first, dash, last = answer.header("Range").removeprefix("bytes=").partition("-")
            if not dash or first != "0" or not last.isdecimal():
                return answer.url, 0
            have = int(last) + 1 if last != "0" else 0  # "0-0" is also how an upload without a byte is told
            if have > descriptor.size:
                raise Untrue(f"{what}: the registry has {have} bytes of {descriptor.size}")
            return (_location(answer, what) if answer.header("Location") else answer.url), have

    def _send_rest(
        self, url: str, descriptor: Descriptor, source: OpenBlob, sent: int, advance: Callable[[int], None], what: str
    ) -> str:
        left = descriptor.size - sent
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(left)}
        if sent:
            headers["Content-Range"] = f"{sent}-{descriptor.size - 1}"
        streams: list[_Body] = []

        def body() -> _Body:
            for stream in streams:
                stream.close()
            streams[:] = [_Body(source(sent), left, advance)]
            return streams[0]

        try:
            with self.session.send(
                "PATCH", url, what, scope=self._scope, headers=headers, ok=(202, 204), body=body
            ) as answer:
                return _location(answer, what)
        finally:
            for stream in streams:
                stream.close()

    def _close(self, url: str, descriptor: Descriptor, what: str) -> None:
        separator = "&" if "?" in url else "?"
        target = f"{url}{separator}digest={descriptor.digest}"
        headers = {"Content-Length": "0"}
        self.session.send("PUT", target, what, scope=self._scope, headers=headers, ok=(201, 204)).drain()

    def put_manifest(self, selector: str, data: bytes, media_type: str) -> None:
        """Write a manifest or index under a tag, or under its digest.  What it names must be there before."""
        what = f"writing manifest {selector} to {self.name}"
        url = self.session.resolve(f"/v2/{self.repository}/manifests/{selector}")
        headers = {"Content-Type": media_type, "Content-Length": str(len(data))}
        with self._ask("PUT", url, what, headers=headers, ok=(201, 202), body=lambda: data) as answer:
            said = answer.header("Docker-Content-Digest")
            if said and said != digests.of_bytes(data):
                raise Untrue(f"{what}: the registry stored something else, with the digest {said}")
            answer.drain()

    def delete_manifest(self, digest: str) -> None:
        """Delete the manifest, and with it all tags that mean it.  Unknown when there is none.

        Refused where the registry does not do that at all.
        """
        what = f"deleting manifest {digest} in {self.name}"
        url = self.session.resolve(f"/v2/{self.repository}/manifests/{digest}")
        scope = f"repository:{self.repository}:*"
        self.session.send("DELETE", url, what, scope=scope, ok=(200, 202, 204)).drain()

    def _ask(
        self,
        method: str,
        url: str,
        what: str,
        *,
        headers: dict[str, str] | None = None,
        ok: tuple[int, ...] = (200,),
        body: Callable[[], bytes] | None = None,
    ) -> Answer:
        """A request that may simply be repeated after a transient failure."""
        retry = self.session.retry()
        while True:
            try:
                return self.session.send(method, url, what, scope=self._scope, headers=headers, ok=ok, body=body)
            except RegistryError as fault:
                retry.pause(fault)


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


def _location(answer: Answer, what: str) -> str:
    """Where an upload goes on."""
    location = answer.header("Location")
    if not location:
        raise Untrue(f"{what}: the registry does not say where to")
    return join(answer.url, location)

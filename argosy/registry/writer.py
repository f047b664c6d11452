"""The writing half of the distribution API (distribution specification, "Push").

A blob that the repository has is not sent; one that another repository of the registry has is mounted; any other is
uploaded (`registry.upload`), by one process at a time.
"""

from __future__ import annotations

from argosy.oci import digest as digests
from argosy.registry.faults import Refused, RegistryError, Unknown, Untrue
from argosy.registry.upload import Upload, location
from argosy.registry.uploads import NoNotes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.oci.descriptor import Descriptor
    from argosy.registry.http import Answer
    from argosy.registry.session import Session
    from argosy.registry.streams import OpenBlob
    from argosy.registry.uploads import Claim, NoClaim, Uploads


class RepositoryWriter:
    """One repository to write to.  Safe to use from several threads.  Raises RegistryError throughout."""

    def __init__(self, session: Session, repository: str, uploads: Uploads | NoNotes | None = None) -> None:
        self.session = session
        self.repository = repository
        self.name = f"{session.name}/{repository}"
        self.scope = f"repository:{repository}:pull,push"
        self._uploads = uploads or NoNotes()
        self.chunk_bytes = 0  # of uploads; 0: all in one request

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
            self.ask("HEAD", target, f"{what} in {self.name}").drain()
        except Unknown:
            return False
        return True

    def mount(self, descriptor: Descriptor, other: str) -> bool:
        """Make a blob of the repository `other` one of this repository; false when the registry does not do it.

        A registry may start an upload instead, or refuse in any way it likes: the blob is then sent.
        """
        target = f"/v2/{self.repository}/blobs/uploads/?mount={descriptor.digest}&from={other}"
        what = f"mounting blob {descriptor.digest} from {other} in {self.name}"
        scope = f"{self.scope} repository:{other}:pull"
        try:
            answer = self.session.send("POST", self.session.resolve(target), what, scope=scope, ok=(201, 202))
        except Refused:
            return False
        with answer:
            if answer.status == 201:
                return True
            self._cancel(location(answer, what))
            return False

    def _cancel(self, url: str) -> None:
        try:
            self.session.send("DELETE", url, "cancelling an upload", scope=self.scope, ok=(200, 202, 204)).drain()
        except RegistryError:
            pass  # the registry drops it some day

    def upload(self, descriptor: Descriptor, source: OpenBlob, advance: Callable[[int], None]) -> None:
        """Send the blob; `advance` is told the bytes as they go.

        What a broken connection or a killed process has left is taken up where it stopped; who finds another process
        sending the same blob waits for it.
        """
        with self._uploads.claim(f"{self.name}@{descriptor.digest}") as claim:
            if claim.waited and self.has_blob(descriptor):
                claim.forget()
            else:
                Upload(self, claim, descriptor, source, advance).run()

    def claim(self, selector: str) -> Claim | NoClaim:
        """Be the only one of this user's processes that reads and rewrites this tag, as a context.  May wait."""
        return self._uploads.claim(f"{self.name}:{selector}")

    def put_manifest(self, selector: str, data: bytes, media_type: str) -> None:
        """Write a manifest or index under a tag, or under its digest.  What it names must be there before."""
        what = f"writing manifest {selector} to {self.name}"
        target = f"/v2/{self.repository}/manifests/{selector}"
        headers = {"Content-Type": media_type, "Content-Length": str(len(data))}
        with self.ask("PUT", target, what, headers=headers, ok=(201, 202), body=lambda: data) as answer:
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

    def ask(
        self,
        method: str,
        target: str,
        what: str,
        *,
        headers: dict[str, str] | None = None,
        ok: tuple[int, ...] = (200,),
        body: Callable[[], bytes] | None = None,
    ) -> Answer:
        """A request for a path that may simply be repeated after a transient failure."""
        retry = self.session.retry()
        while True:
            try:
                url = self.session.resolve(target)
                return self.session.send(method, url, what, scope=self.scope, headers=headers, ok=ok, body=body)
            except RegistryError as fault:
                retry.pause(fault)

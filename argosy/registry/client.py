"""The reading half of the distribution API (distribution specification, "Pull" and "Content Discovery")."""

from __future__ import annotations

from argosy import jsontext
from argosy.errors import Invalid, shown
from argosy.oci import digest as digests
from argosy.oci import mediatypes, reference
from argosy.oci.digest import Digest
from argosy.oci.manifest import SIZE_LIMIT as MANIFEST_LIMIT
from argosy.registry.blob import BlobReader
from argosy.registry.faults import TooLarge, Unknown, Untrue
from argosy.registry.urls import join
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.oci.descriptor import Descriptor
    from argosy.registry.http import Answer
    from argosy.registry.session import Session

_TAG_PAGE_LIMIT = 8 << 20
_TAG_LIMIT = 500_000
_PAGE_LIMIT = 10_000
_PAGE_SIZE = 1000


class RawManifest(Value):
    """A manifest or index as it came.  `digest` is the sha256 of `data`; `media_type` is the Content-Type."""

    data: bytes
    media_type: str
    digest: Digest


class RegistryClient:
    """One repository at one registry.  Safe to use from several threads.  Raises RegistryError throughout."""

    def __init__(self, session: Session, repository: str) -> None:
        self.session = session
        self.repository = repository
        self.name = f"{session.name}/{repository}"
        self._scope = f"repository:{repository}:pull"

    def close(self) -> None:
        """Close the idle connections."""
        self.session.close()

    def manifest(self, selector: str) -> RawManifest:
        """The manifest with this tag or digest, verified: by the digest asked for, else by the one declared.

        Unknown when there is none, Untrue when the bytes do not have the digest.
        """
        what = f"reading manifest {selector} in {self.name}"
        wanted = digests.parse(selector) if ":" in selector else None
        if wanted is None:
            reference.check_tag(selector)
        headers = {"Accept": ", ".join(mediatypes.ACCEPTED)}
        path = f"/v2/{self.repository}/manifests/{selector}"
        try:
            answer = self.session.get(path, what, scope=self._scope, headers=headers)
        except Unknown as error:
            raise _manifest_unknown(what, error) from error
        with answer:
            data = answer.body(MANIFEST_LIMIT, what)
            declared = answer.header("Docker-Content-Digest")
        media_type = mediatypes.bare(answer.header("Content-Type"))
        _refuse_nonsense(what, self.session.name, data, media_type)
        _verify(what, data, wanted or _declared(what, declared))
        return RawManifest(data, media_type, digests.of_bytes(data))

    def digest(self, selector: str) -> Digest | None:
        """The digest that the registry says this tag has, by HEAD, which rate limits do not count; None: it is silent.

        Unknown when there is no such manifest.
        """
        what = f"checking manifest {selector} in {self.name}"
        url = self.session.resolve(f"/v2/{self.repository}/manifests/{reference.check_tag(selector)}")
        headers = {"Accept": ", ".join(mediatypes.ACCEPTED)}
        with self.session.send("HEAD", url, what, scope=self._scope, headers=headers) as answer:
            return _declared(what, answer.header("Docker-Content-Digest"))

    def blob_size(self, digest: Digest) -> int | None:
        """How many bytes the registry says a blob has; None: it is silent.  Unknown when there is no such blob.

        By a GET that is broken off: where it leads to another host, that one may take no HEAD.
        """
        what = f"checking blob {digest} in {self.name}"
        with self.session.get(f"/v2/{self.repository}/blobs/{digest}", what, scope=self._scope) as answer:
            return answer.content_length()

    def blob(self, descriptor: Descriptor, offset: int = 0) -> BlobReader:
        """The blob from `offset` on, asked for already; it is not hashed on its way (see BlobReader)."""
        path = f"/v2/{self.repository}/blobs/{descriptor.digest}"
        return BlobReader(self.session, path, self._scope, descriptor, offset).open()

    def fetch(self, descriptor: Descriptor, limit: int) -> bytes:
        """A small blob as a whole, verified; TooLarge when it is longer than `limit` bytes."""
        what = f"reading blob {descriptor.digest} in {self.name}"
        if descriptor.size > limit:
            raise TooLarge(what, self.session.name, limit)
        with self.blob(descriptor) as reader:
            data = b"".join(reader)
        _verify(what, data, descriptor.digest)
        return data

    def tags(self) -> list[str]:
        """All tags of the repository, in the registry's order."""
        what = f"reading the tags of {self.name}"
        target = f"/v2/{self.repository}/tags/list?n={_PAGE_SIZE}"
        found: list[str] = []
        seen = {target}
        while True:
            with self.session.get(target, what, scope=self._scope) as answer:
                found.extend(_tags(what, answer.body(_TAG_PAGE_LIMIT, what)))
                target = next_page(answer)
            if not target:
                return found
            if target in seen or len(seen) >= _PAGE_LIMIT or len(found) > _TAG_LIMIT:
                raise Untrue(f"{what}: the registry's list does not end")
            seen.add(target)


def _manifest_unknown(what: str, error: Unknown) -> Unknown:
    said = error.said
    if "manifest unknown" not in said.lower():
        said = f"manifest unknown: {said}" if said else "manifest unknown"
    hint = "check the spelling of the name and the tag"
    return Unknown(what, error.host, error.status, said, hint=hint)


def _declared(what: str, header: str) -> Digest | None:
    """The digest that the registry declares, when it is of a kind that can be checked."""
    if not header:
        return None
    try:
        return digests.parse(header.strip(), "Docker-Content-Digest")
    except Invalid as error:
        raise Untrue(f"{what}: {error}") from error


def _verify(what: str, data: bytes, wanted: Digest | None) -> None:
    if wanted is None:
        return
    hasher = digests.hasher(wanted.algorithm)
    hasher.update(data)
    if hasher.hexdigest() != wanted.hex:
        raise Untrue(
            f"{what}: the content has the digest {wanted.algorithm}:{hasher.hexdigest()}, not {wanted}",
            hint="the registry, or a proxy before it, changed the content; nothing of it was kept",
        )


def _refuse_nonsense(what: str, host: str, data: bytes, media_type: str) -> None:
    """Name what is no manifest at first sight, better than a JSON parser could."""
    if not data:
        raise Untrue(f"{what}: {host} answers with nothing")
    if "html" in media_type or data[:64].lstrip().lower().startswith((b"<!doctype", b"<html")):
        raise Untrue(f"{what}: {host} answers with a web page", hint="is this a registry? check the name and the proxy")


def _tags(what: str, body: bytes) -> list[str]:
    try:
        value = jsontext.decode(body)
    except Invalid as error:
        raise Untrue(f"{what}: the registry did not answer with JSON") from error
    tags = value.get("tags") if isinstance(value, dict) else value
    if tags is None:
        return []
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise Untrue(f"{what}: the registry did not answer with a list of tags")
    for tag in tags:
        try:
            reference.check_tag(tag)
        except Invalid as error:
            raise Untrue(f"{what}: the registry returned the invalid tag {shown(tag, 80)}") from error
    return tags


def next_page(answer: Answer) -> str:
    """The link with rel="next" (RFC 8288), relative to the answer's own URL; "" when there is none."""
    for header in answer.headers("Link"):
        for link in header.split(","):
            target, _, parameters = link.partition(";")
            target = target.strip()
            relations = [text.strip().replace(" ", "").lower() for text in parameters.split(";")]
            is_next = "rel=next" in relations or 'rel="next"' in relations
            if is_next and target.startswith("<") and target.endswith(">"):
                return join(answer.url, target[1:-1])
    return ""

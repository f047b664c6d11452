"""What refers to a manifest (distribution-spec, "Listing Referrers"): by the API, else by the tag that stands for it.

A registry without the API has the list as an index under the tag `sha256-<hex>`, which who pushes a manifest with a
subject keeps ("Pushing Manifests with Subject").
"""

from __future__ import annotations

from argosy.oci import digest as digests
from argosy.oci import manifest as manifests
from argosy.oci import mediatypes
from argosy.oci.descriptor import Descriptor
from argosy.oci.manifest import ImageManifest, Index
from argosy.registry.client import next_page
from argosy.registry.faults import Refused, Unknown, Untrue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.registry.client import RawManifest, RegistryClient
    from argosy.registry.writer import RepositoryWriter

_WHAT = "reading the referrers of {} in {}"


_PAGES = 100


def find(client: RegistryClient, digest: str) -> tuple[Descriptor, ...]:
    """What refers to the manifest with this digest."""
    found = _from_api(client, digest)
    if found is None:
        found = _from_tag(client, digest) or Index(mediatypes.OCI_INDEX, ())
    return found.manifests


def _from_api(client: RegistryClient, digest: str) -> Index | None:
    """The API's answer, of all pages; None where the registry does not have it."""
    what = _WHAT.format(digest, client.name)
    target = f"/v2/{client.repository}/referrers/{digests.parse(digest)}"
    found: list[Descriptor] = []
    seen: set[str] = set()
    while target:
        if target in seen or len(seen) >= _PAGES:
            raise Untrue(f"{what}: the registry's list does not end")
        seen.add(target)
        try:
            with client.session.get(target, what, scope=f"repository:{client.repository}:pull") as answer:
                if mediatypes.bare(answer.header("Content-Type")) != mediatypes.OCI_INDEX:
                    return None  # an older registry took the path for something else
                data = answer.body(manifests.SIZE_LIMIT, what)
                target = next_page(answer)
        except (Unknown, Refused) as error:
            if error.status in (404, 405) and not found:
                return None
            raise
        found.extend(_index(data, what).manifests)
    return Index(mediatypes.OCI_INDEX, tuple(found))


def _from_tag(client: RegistryClient, digest: str) -> Index | None:
    try:
        raw = client.manifest(tag(digest))
    except Unknown:
        return None
    return _index(raw.data, _WHAT.format(digest, client.name))


def _index(data: bytes, what: str) -> Index:
    found = manifests.parse(data, mediatypes.OCI_INDEX)
    if not isinstance(found, Index):
        raise Untrue(f"{what}: the registry did not answer with an index")
    return found


def tag(digest: str) -> str:
    """The tag that stands for the API."""
    parsed = digests.parse(digest)
    return f"{parsed.algorithm}-{parsed.hex}"


def announce(writer: RepositoryWriter, client: RegistryClient, raw: RawManifest, manifest: ImageManifest) -> None:
    """Make the subject's referrers name a manifest that was just pushed, where the registry does not by itself.

    Two processes that do this at once for one subject may lose one of the two entries: the specification has no
    remedy for registries without the API.
    """
    subject = manifest.subject
    if subject is None or _from_api(client, subject.digest) is not None:
        return
    index = _from_tag(client, subject.digest) or Index(mediatypes.OCI_INDEX, ())
    if any(entry.digest == raw.digest for entry in index.manifests):
        return
    entry = Descriptor(
        manifest.media_type,
        raw.digest,
        len(raw.data),
        annotations=manifest.annotations,
        artifact_type=manifest.artifact_type or manifest.config.media_type,
    )
    data = index.replace(manifests=(*index.manifests, entry)).to_bytes()
    writer.put_manifest(tag(subject.digest), data, mediatypes.OCI_INDEX)

"""Attestations of an image that was built: its bill of materials and its provenance, as artifacts that refer to it."""

from __future__ import annotations

import re
import time

from argosy import jsontext
from argosy.build import provenance, sbom
from argosy.build.sbom import cyclonedx, spdx, statement
from argosy.build.working import Mounted
from argosy.images import artifact_add, attached
from argosy.images.artifact_add import AddOptions
from argosy.oci import digest as digests
from argosy.oci.descriptor import Descriptor
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from argosy.build.provenance import Origin
    from argosy.build.sbom.packages import Package
    from argosy.signatures.sigstorekeys import PrivateKey
    from argosy.storage.images import ImageRecord
    from argosy.storage.store import Store

_WRITERS = {"spdx": spdx.document, "cyclonedx": cyclonedx.document}


class Attestation(Value):
    """One document about an image, ready for any digest that the image has.

    `kind` is "sbom" or "provenance"; `predicate` is the document, `media_type` its own type.
    """

    kind: str
    predicate_type: str
    predicate: dict[str, Any]
    media_type: str


def bill(store: Store, image: ImageRecord, name: str, form: str, notice: Callable[[str], None]) -> Attestation:
    """The bill of materials of an image, in the form "spdx" or "cyclonedx"."""
    packages = packages_of(store, image, notice)
    created = re.sub(r"\.\d+", "", image.created) or time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    document = _WRITERS[form](name, image.config_digest, created, packages)
    return Attestation("sbom", sbom.PREDICATES[form], document, sbom.MEDIA_TYPES[form])


def packages_of(store: Store, image: ImageRecord, notice: Callable[[str], None]) -> tuple[Package, ...]:
    """What the image holds."""
    with store.work((image.manifest_digest,)), Mounted(store, image.diff_ids) as mounted:
        return sbom.scan(mounted.path, notice)


def origin(of: Origin) -> Attestation:
    """The provenance."""
    return Attestation("provenance", provenance.PREDICATE, provenance.predicate(of), statement.STATEMENT)


def attach(store: Store, attestation: Attestation, subject: Descriptor, repository: str, key: PrivateKey | None) -> str:
    """Make an artifact of the store that refers to `subject`, and give its name.

    With a `key` it is a signed envelope, without one the document itself (a provenance: its statement).  The name is
    the repository with a tag made of the subject's digest, in place of an earlier one.
    """
    name = f"{repository}:{attached.tag(subject.digest, attestation.kind)}"
    said = statement.statement(repository, str(subject.digest), attestation.predicate_type, attestation.predicate)
    kind, data = attestation.media_type, jsontext.encode(attestation.predicate)
    if key is not None:
        kind, data = statement.ENVELOPE, statement.signed(said, key)
    elif attestation.kind == "provenance":
        data = said
    with store.work() as work:
        path = f"{work.path}/{attestation.kind}.json"
        with open(path, "xb") as file:
            file.write(data)
        options = AddOptions(
            type=kind,
            file_type=kind,
            annotations={"in-toto.io/predicate-type": attestation.predicate_type},
            take_over=True,
            subject=subject,
        )
        artifact_add.add(store, name, (path,), options)
    return name


def subject_of(store: Store, image: ImageRecord) -> Descriptor:
    """The manifest of an image of the store."""
    digest = digests.parse(image.manifest_digest)
    return Descriptor(image.media_type, digest, len(store.blobs.read(digest, 4 << 20)))

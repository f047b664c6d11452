"""SPDX 2.3 as JSON (spdx.github.io/spdx-spec/v2.3)."""

from __future__ import annotations

from argosy.version import VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from argosy.build.sbom.packages import Package

_NOT_SAID = "NOASSERTION"
_IMAGE = "SPDXRef-Image"


def document(name: str, digest: str, created: str, packages: Sequence[Package]) -> dict[str, Any]:
    """The document of an image; `created` is in RFC 3339, to the second.

    Licenses are what the packages say, which need not be an SPDX expression: they stand in the comments.
    """
    image = {
        "SPDXID": _IMAGE,
        "name": name,
        "versionInfo": digest,
        "downloadLocation": _NOT_SAID,
        "filesAnalyzed": False,
        "primaryPackagePurpose": "CONTAINER",
        "checksums": [{"algorithm": "SHA256", "checksumValue": digest.partition(":")[2]}],
    }
    named = [(f"SPDXRef-Package-{number}", package) for number, package in enumerate(packages, 1)]
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": name,
        "documentNamespace": f"urn:argosy:sbom:{digest}",
        "creationInfo": {"created": created, "creators": [f"Tool: argosy-{VERSION}"]},
        "packages": [image, *(_package(reference, package) for reference, package in named)],
        "relationships": [
            _relation("SPDXRef-DOCUMENT", "DESCRIBES", _IMAGE),
            *(_relation(_IMAGE, "CONTAINS", reference) for reference, _ in named),
        ],
    }


def _package(reference: str, package: Package) -> dict[str, Any]:
    said = f"The package says of its license: {package.license}" if package.license else ""
    return {
        "SPDXID": reference,
        "name": f"{package.namespace}/{package.name}" if package.kind == "npm" and package.namespace else package.name,
        "versionInfo": package.version,
        "downloadLocation": _NOT_SAID,
        "filesAnalyzed": False,
        "licenseConcluded": _NOT_SAID,
        "licenseDeclared": _NOT_SAID,
        "copyrightText": _NOT_SAID,
        "sourceInfo": f"found in {package.place}",
        **({"licenseComments": said} if said else {}),
        "externalRefs": [
            {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": package.purl}
        ],
    }


def _relation(subject: str, kind: str, other: str) -> dict[str, str]:
    return {"spdxElementId": subject, "relationshipType": kind, "relatedSpdxElement": other}

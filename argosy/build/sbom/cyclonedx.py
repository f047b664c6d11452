"""CycloneDX 1.5 as JSON (cyclonedx.org/docs/1.5/json)."""

from __future__ import annotations

import uuid

from argosy.version import VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from argosy.build.sbom.packages import Package


def document(name: str, digest: str, created: str, packages: Sequence[Package]) -> dict[str, Any]:
    """The document of an image; its serial number is made of the image's digest, so that it is the same again."""
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, digest)}",
        "version": 1,
        "metadata": {
            "timestamp": created,
            "tools": {"components": [{"type": "application", "name": "argosy", "version": VERSION}]},
            "component": {"bom-ref": digest, "type": "container", "name": name, "version": digest},
        },
        "components": [_component(number, package) for number, package in enumerate(packages, 1)],
    }


def _component(number: int, package: Package) -> dict[str, Any]:
    licenses = [{"license": {"name": package.license}}] if package.license else []
    return {
        "bom-ref": f"{number}:{package.purl}",
        "type": "library",
        **({"group": package.namespace} if package.kind == "npm" and package.namespace else {}),
        "name": package.name,
        "version": package.version,
        **({"licenses": licenses} if licenses else {}),
        "purl": package.purl,
        "properties": [{"name": "argosy:found-in", "value": package.place}],
    }

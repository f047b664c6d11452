"""Software bills of materials: what packages an image's tree holds, as SPDX or CycloneDX documents.

packages    one package, and its name as a package URL
debian  alpine  rpm  python  npm    where each kind keeps its records, and how they are read; `rpmdb` older ones of rpm
tree        the files of an image, read without following what leads out of it
spdx  cyclonedx    the documents; pure
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.build.sbom.packages import Package

FORMATS = ("spdx", "cyclonedx")
MEDIA_TYPES = {"spdx": "application/spdx+json", "cyclonedx": "application/vnd.cyclonedx+json"}
PREDICATES = {"spdx": "https://spdx.dev/Document", "cyclonedx": "https://cyclonedx.org/bom"}


def scan(root: str, notice: Callable[[str], None]) -> tuple[Package, ...]:
    """The packages of the tree at `root`, sorted; `notice` is told what could not be read."""
    from argosy.build.sbom import alpine, debian, npm, python, rpm
    from argosy.build.sbom.tree import Tree
    from argosy.errors import ArgosyError

    found: set[Package] = set()
    with Tree(root) as tree:
        for kind in (debian, alpine, rpm, python, npm):
            try:
                found.update(kind.scan(tree))
            except ArgosyError as error:
                notice(f"sbom: {error}")
    return tuple(sorted(found, key=lambda package: (package.kind, package.name, package.version, package.place)))

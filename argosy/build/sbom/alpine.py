"""Packages of Alpine Linux: apk's database of what is installed."""

from __future__ import annotations

from argosy.build.sbom.packages import Package

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from argosy.build.sbom.tree import Tree

_PLACES = ("/lib/apk/db/installed", "/usr/lib/apk/db/installed")


def scan(tree: Tree) -> Iterator[Package]:
    """The packages that are installed; fields are a letter each (apk-tools, `apk-package(5)`)."""
    system, release = tree.system()
    for place in _PLACES:
        for paragraph in tree.text(place).split("\n\n"):
            known = dict(line.split(":", 1) for line in paragraph.splitlines() if line[1:2] == ":")
            if known.get("P") and known.get("V"):
                yield Package(
                    "apk",
                    known["P"],
                    known["V"],
                    place,
                    namespace=system or "alpine",
                    architecture=known.get("A", ""),
                    license=known.get("L", ""),
                    supplier=known.get("m", ""),
                    distribution=f"{system or 'alpine'}-{release}" if release else "",
                )

"""Packages of Debian and what comes from it: dpkg's status file, or one file each in status.d (distroless images)."""

from __future__ import annotations

from argosy.build.sbom.packages import Package, fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from argosy.build.sbom.tree import Tree

_STATUS = "/var/lib/dpkg/status"
_PARTS = "/var/lib/dpkg/status.d"


def scan(tree: Tree) -> Iterator[Package]:
    """The packages that are installed."""
    system, release = tree.system()
    distribution = f"{system or 'debian'}-{release}" if release else ""
    sources = [(_STATUS, tree.text(_STATUS))]
    sources += [(f"{_PARTS}/{name}", tree.small(f"{_PARTS}/{name}")) for name in tree.names(_PARTS)]
    for place, text in sources:
        for paragraph in text.split("\n\n"):
            known = fields(paragraph)
            name, version = known.get("package"), known.get("version")
            if not name or not version or not _is_installed(known.get("status", "")):
                continue
            yield Package(
                "deb",
                name,
                version,
                place,
                namespace=system or "debian",
                architecture=known.get("architecture", ""),
                supplier=known.get("maintainer", ""),
                distribution=distribution,
            )


def _is_installed(status: str) -> bool:
    return not status or status.split()[-1] == "installed"

"""Python packages: the metadata of what is installed (PyPA, "Recording installed projects"), and of eggs."""

from __future__ import annotations

from argosy.build.sbom.packages import Package, fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from argosy.build.sbom.tree import Tree


def scan(tree: Tree) -> Iterator[Package]:
    """The packages in all directories that hold such metadata."""
    for directory, below, files in tree.walk():
        places = [f"{directory}/{name}/METADATA" for name in below if name.endswith(".dist-info")]
        places += [f"{directory}/{name}/PKG-INFO" for name in below if name.endswith(".egg-info")]
        places += [f"{directory}/{name}" for name in files if name.endswith(".egg-info")]
        for place in places:
            known = fields(tree.small(place).partition("\n\n")[0])
            if known.get("name"):
                yield Package(
                    "pypi",
                    known["name"],
                    known.get("version", ""),
                    place,
                    license=known.get("license-expression") or known.get("license", ""),
                    supplier=known.get("author-email") or known.get("author", ""),
                )

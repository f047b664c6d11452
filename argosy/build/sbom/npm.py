"""npm packages: the package.json of each directory in a node_modules."""

from __future__ import annotations

from argosy import jsontext
from argosy.build.sbom.packages import Package
from argosy.errors import Invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from argosy.build.sbom.tree import Tree


def scan(tree: Tree) -> Iterator[Package]:
    """The packages that are installed."""
    for directory, _, files in tree.walk():
        if "package.json" not in files or not _is_package(directory):
            continue
        place = f"{directory}/package.json"
        known = _document(tree.small(place))
        name, version = known.get("name"), known.get("version")
        if not isinstance(name, str) or not isinstance(version, str):
            continue
        scope, slash, plain = name.rpartition("/")
        license = known.get("license")
        yield Package(
            "npm",
            plain if slash else name,
            version,
            place,
            namespace=scope,
            license=license if isinstance(license, str) else "",
        )


def _is_package(directory: str) -> bool:
    above, _, name = directory.rpartition("/")
    if above.rpartition("/")[2].startswith("@"):
        above = above.rpartition("/")[0]
    return above.endswith("/node_modules") and not name.startswith(".")


def _document(text: str) -> dict[str, Any]:
    try:
        found = jsontext.decode(text.encode("utf-8", "surrogateescape"))
    except Invalid:
        return {}
    return found if isinstance(found, dict) else {}

"""Paths of the distribution API as values (distribution-spec, "Endpoints").

The name of a repository has slashes, so that a path is read from its end.
"""

from __future__ import annotations

from argosy.values import Value

_PREFIX = "/v2/"


class Route(Value):
    """What a path means.  `kind` is base, catalog, tags, manifest, blob, begin, upload or referrers.

    `selector` is the tag, digest or id of an upload, as it came.
    """

    kind: str
    name: str = ""
    selector: str = ""


def parse(path: str) -> Route | None:
    """The route, whose name and selector are not checked yet; None when the API has no such path."""
    if path in (_PREFIX, _PREFIX[:-1]):
        return Route("base")
    if not path.startswith(_PREFIX):
        return None
    parts = path[len(_PREFIX) :].split("/")
    if parts == ["_catalog"]:
        return Route("catalog")
    for ending, kind in (
        (("blobs", "uploads"), "begin"),
        (("blobs", "uploads", ""), "begin"),
        (("tags", "list"), "tags"),
    ):
        if tuple(parts[-len(ending) :]) == ending and len(parts) > len(ending):
            return Route(kind, "/".join(parts[: -len(ending)]))
    if len(parts) > 3 and parts[-3:-1] == ["blobs", "uploads"]:
        return Route("upload", "/".join(parts[:-3]), parts[-1])
    kinds = {"manifests": "manifest", "blobs": "blob", "referrers": "referrers"}
    if len(parts) > 2 and parts[-2] in kinds and parts[-1]:
        return Route(kinds[parts[-2]], "/".join(parts[:-2]), parts[-1])
    return None

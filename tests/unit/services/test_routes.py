"""Paths of the distribution API: names with slashes, and what only looks like one."""

from __future__ import annotations

import pytest

from argosy.services.registry.routes import Route, parse


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/v2", Route("base")),
        ("/v2/", Route("base")),
        ("/v2/_catalog", Route("catalog")),
        ("/v2/a/tags/list", Route("tags", "a")),
        ("/v2/a/b/c/manifests/1.0", Route("manifest", "a/b/c", "1.0")),
        ("/v2/a/blobs/sha256:00", Route("blob", "a", "sha256:00")),
        ("/v2/a/b/blobs/uploads/", Route("begin", "a/b")),
        ("/v2/a/b/blobs/uploads", Route("begin", "a/b")),
        ("/v2/a/b/blobs/uploads/00ff", Route("upload", "a/b", "00ff")),
        ("/v2/a/referrers/sha256:00", Route("referrers", "a", "sha256:00")),
        # parts of a name that are words of the API
        ("/v2/manifests/manifests/manifests", Route("manifest", "manifests", "manifests")),
        ("/v2/blobs/uploads/tags/list", Route("tags", "blobs/uploads")),
        ("/v2/a/tags/list/manifests/latest", Route("manifest", "a/tags/list", "latest")),
        ("/v2/a/blobs/uploads/manifests/x", Route("manifest", "a/blobs/uploads", "x")),
        # not checked here
        ("/v2/../etc/manifests/passwd", Route("manifest", "../etc", "passwd")),
        ("/v2//manifests/x", Route("manifest", "", "x")),
    ],
)
def test_paths(path: str, route: Route) -> None:
    assert parse(path) == route


@pytest.mark.parametrize(
    "path", ["/", "/v1/", "/v2x", "/v2/a", "/v2/a/manifests/", "/v2/manifests/x", "/v2/tags/list", "/v2/blobs/uploads/"]
)
def test_what_is_no_path_of_the_api(path: str) -> None:
    assert parse(path) is None

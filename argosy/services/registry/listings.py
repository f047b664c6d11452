"""Lists: tags, repositories, and what refers to a manifest."""

from __future__ import annotations

import asyncio
import bisect
import urllib.parse
from typing import TYPE_CHECKING

from argosy import jsontext
from argosy.errors import NotFound
from argosy.numbers import natural
from argosy.oci import mediatypes
from argosy.services.http.messages import Response
from argosy.services.registry.blobs import digest_of, repository_of
from argosy.services.registry.faults import API_HEADERS, JSON, Fault

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from argosy.services.http.messages import Request
    from argosy.services.registry.routes import Route
    from argosy.storage.repositories import Repositories

_REPOSITORIES_AT_ONCE = 100
_MOST_AT_ONCE = 1000
_REFERRERS_BYTES = 2 << 20  # half of what a manifest may have, which clients take


class Listings:
    """The lists of all repositories."""

    def __init__(self, repositories: Repositories) -> None:
        self._repositories = repositories

    async def tags(self, request: Request, route: Route) -> Response:
        """The tags of a repository in order, a page of them where `n` or `last` are given."""
        repository = await asyncio.to_thread(repository_of, self._repositories, route.name)
        page, link = _page(request, await asyncio.to_thread(repository.tags), None)
        return _json({"name": route.name, "tags": page}, link)

    async def catalog(self, request: Request, _route: Route) -> Response:
        """The names of the repositories in order, by the page."""
        names = await asyncio.to_thread(self._repositories.names)
        page, link = _page(request, names, _REPOSITORIES_AT_ONCE)
        return _json({"repositories": page}, link)

    async def referrers(self, request: Request, route: Route) -> Response:
        """What refers to a manifest, be that here or not; `artifactType` chooses among it."""
        digest = digest_of(route.selector)
        try:
            repository = await asyncio.to_thread(self._repositories.find, route.name)
            entries = await asyncio.to_thread(repository.referrers, digest)
        except NotFound:
            entries = []
        return referrers_answer(request, entries)


def referrers_answer(request: Request, entries: Sequence[dict[str, Any]]) -> Response:
    """The entries that the request chooses, in the order of their digests, as an index; a page where they are many.

    `last` is the last digest of the page before, as the Link header of that page has it.
    """
    headers: tuple[tuple[str, str], ...] = ()
    wanted = request.query.get("artifactType", "")
    last = request.query.get("last", "")
    chosen = [entry for entry in entries if not wanted or entry.get("artifactType") == wanted]
    chosen = sorted((entry for entry in chosen if entry["digest"] > last), key=lambda entry: str(entry["digest"]))
    if wanted:
        headers = (("OCI-Filters-Applied", "artifactType"),)
    page = chosen[: _fitting(chosen)]
    if len(page) < len(chosen):
        query = {"last": page[-1]["digest"], **({"artifactType": wanted} if wanted else {})}
        headers = (*headers, _next(request, query))
    body = jsontext.encode({"schemaVersion": 2, "mediaType": mediatypes.OCI_INDEX, "manifests": page})
    return Response(200, (*API_HEADERS, ("Content-Type", mediatypes.OCI_INDEX), *headers), body)


def _fitting(entries: Sequence[dict[str, Any]]) -> int:
    """How many of the entries, one at least, make an index that clients take."""
    size = 0
    for count, entry in enumerate(entries):
        size += len(jsontext.encode(entry)) + 1
        if count and size > _REFERRERS_BYTES:
            return count
    return len(entries)


def _page(request: Request, names: Sequence[str], usual: int | None) -> tuple[list[str], tuple[tuple[str, str], ...]]:
    """The page that `n` and `last` ask for, and the Link header to the next one where there is more."""
    count = usual
    if "n" in request.query:
        try:
            count = min(natural(request.query["n"]), _MOST_AT_ONCE)
        except ValueError:
            raise Fault("PAGINATION_NUMBER_INVALID", "n is not a number") from None
    start = bisect.bisect_right(names, request.query["last"]) if "last" in request.query else 0
    rest = names[start:]
    if count is None or len(rest) <= count:
        return list(rest), ()
    page = list(rest[:count])
    if not page:
        return [], ()
    return page, (_next(request, {"n": count, "last": page[-1]}),)


def _next(request: Request, query: Mapping[str, str | int]) -> tuple[str, str]:
    """The header that leads to the next page."""
    return "Link", f'<{request.path}?{urllib.parse.urlencode(query)}>; rel="next"'


def _json(value: dict[str, Any], headers: tuple[tuple[str, str], ...]) -> Response:
    return Response(200, (*API_HEADERS, JSON, *headers), jsontext.encode(value))

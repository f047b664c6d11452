"""Searching a registry: Docker Hub's v1 API where there is one, else the catalog of the distribution API."""

from __future__ import annotations

from urllib.parse import urlencode

from argosy import jsontext
from argosy.errors import Invalid
from argosy.registry.client import next_page
from argosy.registry.faults import RegistryError, Untrue
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.registry.session import Session

_ANSWER_LIMIT = 8 << 20
_PAGES = 1000


class Found(Value):
    """One repository, without its registry."""

    name: str
    description: str = ""
    stars: int = 0
    official: bool = False
    automated: bool = False


def search(session: Session, term: str, limit: int) -> list[Found]:
    """At most `limit` repositories whose names (or, with the v1 API, descriptions) have to do with `term`.

    "" stands for all that the catalog has.  Raises RegistryError.
    """
    what = f'couldn\'t search registry "{session.name}"'
    if term:
        try:
            return _v1(session, term, limit, what)
        except RegistryError:
            pass  # most registries do not have this API: what the catalog says counts
    return _catalog(session, term, limit, what)


def _v1(session: Session, term: str, limit: int, what: str) -> list[Found]:
    with session.get(f"/v1/search?{urlencode({'q': term, 'n': limit})}", what) as answer:
        document = _decoded(answer.body(_ANSWER_LIMIT, what), what)
    results = document.get("results") or []
    if not isinstance(results, list) or not all(isinstance(item, dict) for item in results):
        raise _untrue(what)
    return [_found(item, what) for item in results[:limit]]


def _found(item: dict[str, Any], what: str) -> Found:
    name, description, stars = item.get("name"), item.get("description") or "", item.get("star_count") or 0
    if not isinstance(name, str) or not isinstance(description, str) or type(stars) is not int:
        raise _untrue(what)
    return Found(name, description, stars, item.get("is_official") is True, item.get("is_automated") is True)


def _catalog(session: Session, term: str, limit: int, what: str) -> list[Found]:
    """The repositories whose names contain the term; one that is the term itself comes first."""
    found: list[Found] = []
    target = "/v2/_catalog"
    seen: set[str] = set()
    while target not in seen and len(seen) < _PAGES:
        seen.add(target)
        with session.get(target, what, scope="registry:catalog:*") as answer:
            names = _decoded(answer.body(_ANSWER_LIMIT, what), what).get("repositories") or []
            target = next_page(answer)
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise _untrue(what)
        for name in names:
            if len(found) < limit and term in name:
                found.insert(0 if name == term else len(found), Found(name))
        if len(found) >= limit or not target:
            return found
    raise Untrue(f"{what}: the registry's list does not end")


def _decoded(body: bytes, what: str) -> dict[str, Any]:
    try:
        document = jsontext.decode(body)
    except Invalid as error:
        raise _untrue(what) from error
    if not isinstance(document, dict):
        raise _untrue(what)
    return document


def _untrue(what: str) -> Untrue:
    return Untrue(f"{what}: the registry did not answer with a list of repositories")

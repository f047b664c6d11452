"""Search: repositories whose names have to do with a term, and the tags of one, at registries."""

from __future__ import annotations

import threading

from argosy.errors import ArgosyError, Invalid
from argosy.images import workers
from argosy.oci import reference as references
from argosy.registry import search as registry_search
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from argosy.oci.reference import Reference
    from argosy.registry.session import Session
    from argosy.transports.source import ImageSource

DEFAULT_LIMIT = 25
_REGISTRIES_AT_ONCE = 6
_TRUTHS = {"": True, "true": True, "false": False}
_DOCKER_HUB = "docker.io"


class Result(Value):
    """One repository.  `name` is in full; `index` is the registry, cut to its domain as podman does."""

    index: str
    name: str
    description: str
    stars: int
    official: bool
    automated: bool


class Filters(Value):
    """What results must be; None: anything."""

    stars: int = 0
    official: bool | None = None
    automated: bool | None = None

    def accept(self, found: registry_search.Found) -> bool:
        """Whether a result passes."""
        return (
            found.stars >= self.stars
            and self.official in (None, found.official)
            and self.automated in (None, found.automated)
        )


class SearchFailed(ArgosyError):
    """No registry gave results, and some gave errors."""

    def __init__(self, errors: Sequence[ArgosyError]) -> None:
        count = f"{len(errors)} error{'s' if len(errors) > 1 else ''} occurred"
        hints = dict.fromkeys(error.hint for error in errors if error.hint)
        super().__init__(count, details="".join(f"\n\t* {error}" for error in errors), hint="\n".join(hints))


def filters(texts: Iterable[str]) -> Filters:
    """--filter's conditions: stars=N, is-official[=BOOL], is-automated[=BOOL].  Raises in podman's words."""
    found = Filters()
    for text in texts:
        key, _, value = text.partition("=")
        if key == "stars":
            if not (value.isascii() and value.isdecimal() and len(value) < 10):
                raise ArgosyError(f"incorrect value type for stars filter: {value!r} is not a number")
            found = found.replace(stars=int(value))
        elif key in ("is-official", "is-automated"):
            if value not in _TRUTHS:
                raise ArgosyError(f"incorrect value type for {key} filter: {value!r} is neither true nor false")
            found = found.replace(**{key.removeprefix("is-"): _TRUTHS[value]})
        else:
            raise ArgosyError(f'invalid filter type "{text}"', hint="choose stars=N, is-official or is-automated")
    return found


def places(text: str, registries: Sequence[str]) -> tuple[tuple[str, ...], str]:
    """The registries to ask, and the term: what stands before the first slash is a registry if it looks like one."""
    first, slash, rest = text.partition("/")
    if slash and references.is_registry(first):
        if not references.is_host(first):
            raise Invalid("search term", text, f"{first!r} is not the host name of a registry")
        return (first,), rest
    return tuple(dict.fromkeys(registries)), text


def search(
    registries: Sequence[str], term: str, limit: int, wanted: Filters, open_session: Callable[[str], Session]
) -> list[Result]:
    """The results of all registries, in their order.  Raises SearchFailed when there are errors and no results."""
    found: dict[str, list[Result]] = {}
    errors: list[ArgosyError] = []

    def ask(registry: str) -> None:
        try:
            session = open_session(registry)
            try:
                results = registry_search.search(session, term, limit)
            finally:
                session.close()
        except ArgosyError as error:
            errors.append(error)
        else:
            found[registry] = [_result(registry, one) for one in results if wanted.accept(one)]

    workers.run(list(reversed(registries)), ask, _REGISTRIES_AT_ONCE, threading.Event())
    results = [result for registry in registries for result in found.get(registry, ())]
    if errors and not results:
        raise SearchFailed(errors)
    return results


def _result(registry: str, found: registry_search.Found) -> Result:
    parts = registry.split(".")
    library = "library/" if registry == _DOCKER_HUB and "/" not in found.name else ""
    return Result(
        index=".".join(parts[-2:]) if len(parts) > 2 else registry,
        name=f"{registry}/{library}{found.name}",
        description=" ".join(found.description.split()),
        stars=found.stars,
        official=found.official,
        automated=found.automated,
    )


def tags(
    candidates: Sequence[Reference], limit: int | None, open_source: Callable[[Reference], ImageSource]
) -> list[tuple[str, list[str]]]:
    """Repositories and their tags, at most `limit` of each.  Raises SearchFailed when there are none but errors."""
    found: list[tuple[str, list[str]]] = []
    errors: list[ArgosyError] = []
    for reference in candidates:
        source = open_source(reference)
        try:
            found.append((reference.name, source.tags()[: limit or DEFAULT_LIMIT]))
        except ArgosyError as error:
            errors.append(error)
        finally:
            source.close()
    if errors and not found:
        raise SearchFailed(errors)
    return found

"""Which containers rely on which: by a namespace they join, or by --requires."""

from __future__ import annotations

from argosy import jsontext
from argosy.containers import record as records
from argosy.errors import ArgosyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from argosy.containers.site import Site

_MODES = ("network", "pid", "ipc", "uts", "cgroupns", "userns")
_SIGNS = (b'"container"', b'"requires"')  # a record without these words relies on nobody, and is not decoded


def dependents(site: Site) -> dict[str, list[str]]:
    """For each container that others rely on, the ids of those.  Records that cannot be read rely on nobody."""
    found: dict[str, list[str]] = {}
    shelf = site.store.containers
    for container_id in shelf.ids():
        try:
            text = shelf.read(container_id, records.RECORD)
            if any(sign in text for sign in _SIGNS):
                for other in _relied_on(site, jsontext.decode(text)["options"]):
                    found.setdefault(other, []).append(container_id)
        except (ArgosyError, KeyError, TypeError, AttributeError):
            continue
    return found


def _relied_on(site: Site, options: Mapping[str, Any]) -> Iterator[str]:
    names = list(options.get("requires", ()))
    modes = (options.get(key) or {} for key in _MODES)
    names += [mode["target"] for mode in modes if mode.get("kind") == "container"]
    for name in names:
        try:
            yield site.store.containers.find(name)
        except ArgosyError:
            continue  # it is gone


def with_dependents(graph: Mapping[str, list[str]], container_id: str) -> list[str]:
    """The container behind all that rely on it, directly or not: the order in which they can be removed."""
    ordered: list[str] = []
    seen: set[str] = set()
    waiting = [(container_id, False)]
    while waiting:
        current, others_done = waiting.pop()
        if others_done:
            ordered.append(current)
        elif current not in seen:
            seen.add(current)
            waiting.append((current, True))
            waiting += [(other, False) for other in graph.get(current, ())]
    return ordered

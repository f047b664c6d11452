"""`--filter KEY=VALUE` of `pod ps`, with podman's keys and meanings.

Filters of different keys must all hold.  Of several for one key one is enough, but of `label`, `label!` and `until` all
must hold.
"""

from __future__ import annotations

from argosy.containers import filters as containers
from argosy.errors import ArgosyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from argosy.containers.site import Site
    from argosy.pods.listing import PodView

    Test = Callable[[PodView], bool]

_ALL_MUST_HOLD = ("label", "label!", "until")
_STATUSES = ("stopped", "running", "paused", "exited", "dead", "created", "degraded")
_CONTAINER_STATUSES = ("created", "running", "paused", "stopped", "exited", "unknown")


class Filters:
    """Compiled filters.  Raises ArgosyError in podman's words for what is no filter."""

    def __init__(self, site: Site, texts: Iterable[str]) -> None:
        self._tests: list[Test] = []
        alternatives: dict[str, list[Test]] = {}
        for text in texts:
            key, equals, value = text.partition("=")
            if not equals:
                raise ArgosyError(f"filter input must be in the form of filter=value: {text} is invalid")
            if key not in _MAKERS:
                raise ArgosyError(f"{key} is an invalid filter", hint=f"choose {', '.join(_MAKERS)}")
            test = _MAKERS[key](site, value)
            if key in _ALL_MUST_HOLD:
                self._tests.append(test)
            else:
                alternatives.setdefault(key, []).append(test)
        self._tests += [_any(tests) for tests in alternatives.values()]

    def accepts(self, view: PodView) -> bool:
        """Whether all filters hold for the pod."""
        return all(test(view) for test in self._tests)


def _any(tests: list[Test]) -> Test:
    return lambda view: any(test(view) for test in tests)


def _container_ids(_site: Site, value: str) -> Test:
    match = containers.search("ctr-ids", value)
    return lambda view: any(match(one.id) for one in view.containers)


def _container_names(_site: Site, value: str) -> Test:
    match = containers.search("ctr-names", value)
    return lambda view: any(match(one.name) for one in view.containers)


def _number(_site: Site, value: str) -> Test:
    return lambda view: str(len(view.containers)) == value


def _container_status(_site: Site, value: str) -> Test:
    if value not in _CONTAINER_STATUSES:
        raise ArgosyError(f"{value} is not a valid status", hint=f"choose {', '.join(_CONTAINER_STATUSES)}")
    (wanted,) = containers.statuses((value,))
    return lambda view: any(one.run.status == wanted for one in view.containers)


def _id(_site: Site, value: str) -> Test:
    match = containers.search("id", value)
    return lambda view: view.id.startswith(value) or match(view.id)


def _label(_site: Site, value: str) -> Test:
    name, equals, wanted = value.partition("=")

    def test(view: PodView) -> bool:
        labels = view.record.options.labels
        return name in labels and (not equals or labels[name] == wanted)

    return test


def _no_label(site: Site, value: str) -> Test:
    held = _label(site, value)
    return lambda view: not held(view)


def _name(_site: Site, value: str) -> Test:
    match = containers.search("name", value)
    return lambda view: match(view.name)


def _network(site: Site, value: str) -> Test:
    from argosy.containers import networks
    from argosy.errors import NotFound

    try:
        name = networks.of(site).get(value).name
    except NotFound:
        name = value
    return lambda view: view.infra is not None and name in networks.shown(site, view.infra)


def _status(_site: Site, value: str) -> Test:
    if value not in _STATUSES:
        raise ArgosyError(f"{value} is not a valid pod status", hint=f"choose {', '.join(_STATUSES)}")
    return lambda view: view.status.lower() == value


def _until(_site: Site, value: str) -> Test:
    from argosy.images import filters

    limit = filters.moment(value) / 1e9
    return lambda view: view.record.created_at < limit


_MAKERS: dict[str, Callable[[Site, str], Test]] = {
    "ctr-ids": _container_ids,
    "ctr-names": _container_names,
    "ctr-number": _number,
    "ctr-status": _container_status,
    "id": _id,
    "label": _label,
    "label!": _no_label,
    "name": _name,
    "network": _network,
    "status": _status,
    "until": _until,
}

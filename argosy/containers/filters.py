"""`--filter KEY=VALUE` of every command that chooses containers, with the peers' keys and meanings.

Filters of different keys must all hold.  Of several for one key one is enough, but of `label`, `label!`, `before`,
`since` and `until` all must hold.
"""

from __future__ import annotations

from argosy import numbers
from argosy.containers import state
from argosy.errors import ArgosyError, Invalid, NotFound
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from argosy.containers.site import Site
    from argosy.containers.state import ContainerView
    from argosy.images.resolve import LoadRegistries

    Test = Callable[[ContainerView], bool]

_ALL_MUST_HOLD = ("label", "label!", "before", "since", "until")
LISTING = (
    *("ancestor", "before", "exited", "health", "id", "label", "name"),
    *("network", "pod", "restart-policy", "since", "status", "until", "volume"),
)
PRUNING = ("label", "label!", "until")
_STATES = (
    *("created", "initialized", "running", "paused", "stopping", "stopped", "exited", "removing", "unknown"),
    *("restarting", "dead"),  # docker's; no container is ever in them
)
_SYNONYMS = {"configured": state.CREATED, "stopped": state.EXITED}  # podman's
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
_HEX = frozenset("0123456789abcdef")


class Scope(Value):
    """What a filter may look at beside the container itself."""

    site: Site
    registries: LoadRegistries


class Filters:
    """Compiled filters, of the keys in `known`.  Raises ArgosyError in podman's words for what is no filter."""

    def __init__(
        self, site: Site, registries: LoadRegistries, texts: Iterable[str], known: Sequence[str] = LISTING
    ) -> None:
        scope = Scope(site, registries)
        self.keys: set[str] = set()
        self._tests: list[Test] = []
        alternatives: dict[str, list[Test]] = {}
        for text in texts:
            key, equals, value = text.partition("=")
            if not equals:
                raise ArgosyError(f'invalid filter "{text}"', hint="give KEY=VALUE")
            if key not in known:
                raise ArgosyError(f"{key} is an invalid filter", hint=f"choose {', '.join(known)}")
            self.keys.add(key)
            test = _MAKERS[key](scope, value)
            if key in _ALL_MUST_HOLD:
                self._tests.append(test)
            else:
                alternatives.setdefault(key, []).append(test)
        self._tests += [_any(tests) for tests in alternatives.values()]

    def accepts(self, view: ContainerView) -> bool:
        """Whether all filters hold for the container."""
        return all(test(view) for test in self._tests)


def _any(tests: list[Test]) -> Test:
    return tests[0] if len(tests) == 1 else lambda view: any(test(view) for test in tests)


# One maker for each key: from the value to a test.


def _ancestor(scope: Scope, value: str) -> Test:
    """The image that the container was made from, or one that this image is built upon."""
    from argosy.images import resolve

    layers: tuple[str, ...] = ()
    image_id = ""
    try:
        record = resolve.resolve(scope.site.store, scope.registries, value).record
        image_id, layers = record.config_digest, tuple(map(str, record.diff_ids))
    except ArgosyError:
        pass  # removed since, or not unique: the containers still say what they were made from
    digits = value.removeprefix("sha256:")

    def test(view: ContainerView) -> bool:
        if (image_id and view.image_id == image_id) or view.image in (value, f"{value}:latest"):
            return True
        if _HEX.issuperset(digits) and view.image_id.partition(":")[2].startswith(digits):
            return True
        return bool(layers) and tuple(view.record["image"]["layers"][: len(layers)]) == layers

    return test


def _created_at(scope: Scope, value: str) -> float:
    try:
        return state.view(scope.site, scope.site.store.containers.find(value)).created_at
    except NotFound:
        error = NotFound("container", value)
        error.brief = f'no container with name or ID "{value}" found: no such container'
        raise error from None


def _before(scope: Scope, value: str) -> Test:
    limit = _created_at(scope, value)
    return lambda view: view.created_at < limit


def _since(scope: Scope, value: str) -> Test:
    limit = _created_at(scope, value)
    return lambda view: view.created_at > limit


def _until(_scope: Scope, value: str) -> Test:
    from argosy.images import filters

    limit = filters.moment(value) / 1e9
    return lambda view: view.created_at < limit


def _exited(_scope: Scope, value: str) -> Test:
    try:
        code = numbers.integer(value)
    except ValueError:
        raise ArgosyError(f'exited code out of range "{value}": this is no number') from None
    return lambda view: view.run.status == state.EXITED and view.run.exit_code == code


def _id(_scope: Scope, value: str) -> Test:
    if _HEX.issuperset(value):
        return lambda view: view.id.startswith(value)
    match = search("id", value)
    return lambda view: match(view.id)


def _label(_scope: Scope, value: str) -> Test:
    name, equals, wanted = value.partition("=")
    return lambda view: name in view.labels and (not equals or view.labels[name] == wanted)


def _no_label(scope: Scope, value: str) -> Test:
    held = _label(scope, value)
    return lambda view: not held(view)


def _health(scope: Scope, value: str) -> Test:
    """By the result of its health check: "none" where it has no check."""
    from argosy.containers.health import kept

    return lambda view: (kept.status(scope.site, view.id, view.options) or "none") == value


def _pod(scope: Scope, value: str) -> Test:
    """By the name of the pod it is in, or its id; what names no pod matches nothing."""
    try:
        pod_id = scope.site.store.pods.find(value)
    except ArgosyError:
        return lambda _view: False
    return lambda view: view.options.get("pod") == pod_id


def _name(_scope: Scope, value: str) -> Test:
    match = search("name", value)
    return lambda view: match(view.name) or match(f"/{view.name}")


def search(key: str, value: str) -> Callable[[str], bool]:
    """Whether a text holds what a regular expression describes; one without special characters needs no compiler."""
    if _PLAIN.issuperset(value):
        return lambda text: value in text
    import re

    try:
        pattern = re.compile(value)
    except re.error as error:
        raise Invalid(f"{key} filter", value, f"it is no regular expression: {error}") from error
    return lambda text: pattern.search(text) is not None


def _network(scope: Scope, value: str) -> Test:
    """By the mode (`none`, `host`, `pasta`, `ns:PATH`), `container:NAME`, or a network that it is on."""
    from argosy.containers import networks

    kind, _, target = value.partition(":")
    if kind == "container":
        target = _container_id(scope, target)

    def test(view: ContainerView) -> bool:
        if value in networks.names_of(scope.site, view):
            return True
        mode = view.options.get("network") or {}
        if mode.get("kind", "private") != kind:
            return False
        own = mode.get("target", "")
        return not target or target == (_container_id(scope, own) if kind == "container" else own)

    return test


def _container_id(scope: Scope, name: str) -> str:
    try:
        return scope.site.store.containers.find(name)
    except ArgosyError:
        return name


def _restart_policy(_scope: Scope, value: str) -> Test:
    """By the policy's name, without the number of tries; a container made without one has none to match."""
    return lambda view: (view.options.get("restart") or {}).get("name") == value


def _status(_scope: Scope, value: str) -> Test:
    (wanted,) = statuses((value,))
    return lambda view: view.run.status == wanted


def statuses(names: Iterable[str], more: tuple[str, ...] = ()) -> tuple[str, ...]:
    """What containers' states are called here, and `more`, each once.  Raises ArgosyError for what is no state."""
    found = []
    for name in names:
        name = _SYNONYMS.get(name, name)
        if name not in _STATES + more:
            choices = ", ".join(_STATES + more)
            raise ArgosyError(f"unknown container state: {name}: invalid argument", hint=f"choose {choices}")
        found.append(name)
    return tuple(dict.fromkeys(found))


def _volume(_scope: Scope, value: str) -> Test:
    """By the volume's name or the host's path, by the place in the container, or by both: NAME:PLACE."""
    source, colon, target = value.partition(":")

    def test(view: ContainerView) -> bool:
        places = [(mount["source"], mount["target"]) for mount in view.options.get("mounts", ())]
        places += [(use["name"], use["destination"]) for use in view.record.get("volumes", ())]
        if colon:
            return (source, target) in places
        return any(value in place for place in places)

    return test


_MAKERS: dict[str, Callable[[Scope, str], Test]] = {
    "ancestor": _ancestor,
    "before": _before,
    "exited": _exited,
    "health": _health,
    "id": _id,
    "label": _label,
    "label!": _no_label,
    "name": _name,
    "network": _network,
    "pod": _pod,
    "restart-policy": _restart_policy,
    "since": _since,
    "status": _status,
    "until": _until,
    "volume": _volume,
}

"""`--filter KEY=VALUE` of the commands that choose volumes.  All must hold, but of several names one is enough."""

from __future__ import annotations

from argosy.containers import label_filters, volumes
from argosy.errors import ArgosyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from argosy.containers.site import Site
    from argosy.volumes.named import Volume

    Test = Callable[[Volume], bool]


def compiled(site: Site, texts: Iterable[str]) -> Test:
    """A test of volumes.  Raises ArgosyError in podman's words for what is no filter."""
    tests: list[Test] = []
    names: list[Test] = []
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise ArgosyError(f'invalid filter "{text}"', hint="give KEY=VALUE")
        maker = _MAKERS.get(key)
        if maker is None:
            hint = f"choose {', '.join(sorted(_MAKERS))}"
            raise ArgosyError(f'"{key}" is an invalid volume filter', hint=hint)
        (names if key == "name" else tests).append(maker(site, value))
    return lambda volume: all(test(volume) for test in tests) and (not names or any(test(volume) for test in names))


def _option(_site: Site, value: str) -> Test:
    key, equals, wanted = value.partition("=")
    return lambda volume: key in volume.options and (not equals or volume.options[key] == wanted)


def _until(_site: Site, value: str) -> Test:
    from argosy.images import filters

    limit = filters.moment(value) / 1e9
    return lambda volume: volume.created_at < limit


def _dangling(site: Site, value: str) -> Test:
    wanted = {"true": True, "1": True, "false": False, "0": False}.get(value.lower())
    if wanted is None:
        raise ArgosyError(f'"{value}" is not a valid value for the "dangling" filter - must be true or false')
    users = volumes.users(site)
    return lambda volume: (not users.of(volume.name)) == wanted


_MAKERS: dict[str, Callable[[Site, str], Test]] = {
    "dangling": _dangling,
    "driver": lambda _site, value: lambda volume: volume.driver == value,
    "label": lambda _site, value: label_filters.by_label(value),
    "label!": lambda _site, value: label_filters.without_label(value),
    "name": lambda _site, value: label_filters.by_name(value),
    "opt": _option,
    "scope": lambda _site, value: lambda _volume: value == "local",
    "until": _until,
}

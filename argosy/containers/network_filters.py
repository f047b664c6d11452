"""`--filter KEY=VALUE` of the commands that choose networks.  All keys must hold; of several values of one key, one."""

from __future__ import annotations

from argosy.containers import label_filters, networks
from argosy.errors import ArgosyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from argosy.containers.site import Site
    from argosy.network.model import Network

    Test = Callable[[Network], bool]


def compiled(site: Site, texts: Iterable[str], *, docker: bool = False) -> Test:
    """A test of networks, with docker's keys as well if that is wanted.

    Raises ArgosyError in podman's words for what is no filter.
    """
    groups: dict[str, list[Test]] = {}
    makers = {**_MAKERS, **_DOCKER_MAKERS} if docker else _MAKERS
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise ArgosyError(f'invalid filter "{text}"', hint="give KEY=VALUE")
        if key not in makers:
            raise ArgosyError(f'invalid filter "{key}"', hint=f"choose {', '.join(sorted(makers))}")
        groups.setdefault(key if key not in _EACH else text, []).append(makers[key](site, value))
    return lambda network: all(any(test(network) for test in tests) for tests in groups.values())


def _until(_site: Site, value: str) -> Test:
    from argosy.images import filters

    limit = filters.moment(value)
    return lambda network: network.created_ns < limit


def _dangling(site: Site, value: str) -> Test:
    wanted = {"true": True, "1": True, "false": False, "0": False}.get(value.lower())
    if wanted is None:
        raise ArgosyError(f'strconv.ParseBool: parsing "{value}": invalid syntax', hint="dangling is true or false")
    users, default = networks.users(site), networks.of(site).default.id
    return lambda network: (network.id != default and not users.of(network.id)) == wanted


def _type(site: Site, value: str) -> Test:
    from argosy.containers import inspect_networks

    if value not in ("builtin", "custom"):
        raise ArgosyError(f'invalid filter "type={value}"', hint="choose builtin or custom")
    default = networks.of(site).default.id
    return lambda network: (
        (network.id == default or network.name in inspect_networks.PREDEFINED) == (value == "builtin")
    )


_EACH = ("label", "label!")  # of which all that are given must hold
_MAKERS: dict[str, Callable[[Site, str], Test]] = {
    "dangling": _dangling,
    "driver": lambda _site, value: lambda network: network.driver == value,
    "id": lambda _site, value: lambda network: network.id.startswith(value),
    "label": lambda _site, value: label_filters.by_label(value),
    "label!": lambda _site, value: label_filters.without_label(value),
    "name": lambda _site, value: label_filters.by_name(value),
    "until": _until,
}
_DOCKER_MAKERS: dict[str, Callable[[Site, str], Test]] = {
    "scope": lambda _site, value: lambda _network: value == "local",
    "type": _type,
}

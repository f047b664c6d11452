"""`docker network ls`: docker's columns and the fields of its templates, with the networks that it always has."""

from __future__ import annotations

from argosy.cli.podman import _docker_lists
from argosy.cli.podman._docker_lists import Row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from argosy.cli.output import Output
    from argosy.containers.site import Site
    from argosy.network.model import Network

_HEADINGS = {
    "CreatedAt": "CREATED AT",
    "Driver": "DRIVER",
    "ID": "NETWORK ID",
    "IPv4": "IPV4",
    "IPv6": "IPV6",
    "Internal": "INTERNAL",
    "Labels": "LABELS",
    "Name": "NAME",
    "Scope": "SCOPE",
}
KIND = _docker_lists.Kind("*network.networkContext", _HEADINGS, ("ID", "Name", "Driver", "Scope"))


def show(site: Site, networks: Iterable[Network], length: int | None, format_: str | None, out: Output) -> None:
    """Print the networks as docker does: a table, or what --format asks for."""
    _docker_lists.show(out, KIND, [_row(site, network, length) for network in networks], format_)


def _row(site: Site, network: Network, length: int | None) -> Row:
    from argosy.cli.documents import Moment
    from argosy.containers import inspect_networks
    from argosy.network import inspect

    fields = {
        "CreatedAt": str(Moment(inspect.inspect(network)["created"])),
        "Driver": network.driver,
        "ID": network.id[:length],
        "IPv4": _word(inspect_networks.has_ipv4(network)),
        "IPv6": _word(network.ipv6),
        "Internal": _word(network.internal),
        "Labels": ",".join(f"{key}={value}" for key, value in sorted(network.labels.items())),
        "Name": inspect_networks.docker_name(site, network),
        "Scope": "local",
    }
    return Row(fields, network.labels)


def _word(value: object) -> str:
    return "true" if value else "false"

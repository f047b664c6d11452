"""docker's links: another container by an alias, in /etc/hosts, and on the default network in variables too.

A link is `ID:ALIAS` in the options.  It is looked up each time the container starts, when the other one must run; that
one may get another address later, as with docker's variables, so that names of a network of one's own are better.
"""

from __future__ import annotations

from argosy.containers import networks, publish, state
from argosy.containers.record import read_record
from argosy.errors import ArgosyError, NotFound
from argosy.network import attach
from argosy.spec import parseports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site

_NOT_PASSED_ON = ("HOME", "PATH")


def hosts(site: Site, record: ContainerRecord) -> tuple[str, ...]:
    """NAME:ADDRESS for the alias, the short id and the name of each linked container.  Raises ArgosyError."""
    found = []
    for other, alias in _split(record):
        view = state.view(site, other)
        address = _address(site, record, other, alias)
        found += [f"{name}:{address}" for name in dict.fromkeys((alias, other[:12], view.name))]
    return tuple(found)


def add_variables(site: Site, record: ContainerRecord, process: dict[str, Any]) -> None:
    """Put what docker tells of linked containers into the environment of `process`, unless it has the names already."""
    if any(use.name != site.conf.default_network for use in networks.named(site, record)):
        return  # on networks of one's own docker has the names alone
    known = {entry.partition("=")[0] for entry in process["env"]}
    own = state.view(site, record.id).name
    for other, alias in _split(record):
        values = _variables(read_record(site.store, other), alias, _address(site, record, other, alias))
        values[f"{_prefix(alias)}_NAME"] = f"/{own}/{alias}"
        process["env"] += [f"{name}={value}" for name, value in values.items() if name not in known]


def shown(site: Site, record: ContainerRecord) -> list[str]:
    """The links as docker's inspect shows them; without those to containers that are gone."""
    found = []
    for other, alias in _split(record):
        try:
            name = state.view(site, other).name
        except NotFound:
            continue
        found.append(f"/{name}:/{state.view(site, record.id).name}/{alias}")
    return found


def _split(record: ContainerRecord) -> Iterator[tuple[str, str]]:
    for link in record.options.links:
        other, _, alias = link.partition(":")
        yield other, alias


def _address(site: Site, record: ContainerRecord, other: str, alias: str) -> str:
    """Where the other container is on a network that both are on."""
    view = state.view(site, other)
    if not view.run.pid:
        own = state.view(site, record.id).name
        raise ArgosyError(f"Cannot link to a non running container: /{view.name} AS /{own}/{alias}")
    shared = {use.name for use in networks.named(site, record)}
    found = attach.read(site.run_directory(other))
    for attachment in found.attachments if found is not None else ():
        if attachment.network in shared and attachment.addresses:
            return str(attachment.addresses[0].partition("/")[0])
    raise ArgosyError(
        f"cannot link to {view.name}: the two containers are on no network together",
        hint="docker network create NET, and --network NET for both: they find each other by name",
    )


def _variables(record: ContainerRecord, alias: str, address: str) -> dict[str, str]:
    """The ports of the linked container, the lowest first, and its own variables."""
    prefix = _prefix(alias)
    values: dict[str, str] = {}
    for number, protocol in _ports(record):
        url = f"{protocol}://{address}:{number}"
        values.setdefault(f"{prefix}_PORT", url)
        port = f"{prefix}_PORT_{number}_{protocol.upper()}"
        values |= {port: url, f"{port}_ADDR": address, f"{port}_PORT": str(number), f"{port}_PROTO": protocol}
    env = dict(text.partition("=")[::2] for text in record.image_config.env)
    env.update(record.options.env)
    return values | {f"{prefix}_ENV_{name}": value for name, value in env.items() if name not in _NOT_PASSED_ON}


def _ports(record: ContainerRecord) -> list[tuple[int, str]]:
    texts = parseports.parse_exposed([*record.image_config.exposed_ports, *record.options.expose])
    exposed = {(int(text.partition("/")[0]), text.partition("/")[2] or "tcp") for text in texts}
    return sorted(exposed | {(port.container_port, port.protocol) for port in publish.expanded(record.options.ports)})


def _prefix(alias: str) -> str:
    return alias.upper().replace("-", "_")

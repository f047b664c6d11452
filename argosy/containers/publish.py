"""The ports that a container is to publish, settled when it is made: those of --publish-all, and numbers for all."""

from __future__ import annotations

from argosy.errors import ArgosyError
from argosy.network import ports
from argosy.spec import parseports
from argosy.spec.options import PortMapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from argosy.containers.site import Site
    from argosy.oci.imageconfig import ContainerConfig
    from argosy.spec.options import ContainerOptions

SHARED = ("host", "none", "container", "ns")  # modes where no port can lead to the container alone


def settled(site: Site, options: ContainerOptions, config: ContainerConfig) -> tuple[PortMapping, ...]:
    """The ports with their numbers on the host; none, with a notice, where the container's network is not its own."""
    wanted = options.ports
    if options.publish_all:
        wanted += tuple(_exposed(options, config))
    if options.network is not None and options.network.kind in SHARED:
        if wanted:
            modes = "Host, Container, Pod, and None network modes"
            site.notice(f"Port mappings have been discarded as one of the {modes} are in use")
        return ()
    chosen: list[PortMapping] = []
    for mapping in wanted:
        if mapping.host_port == 0 or mapping not in chosen:
            chosen += _at_addresses(site, _with_number(mapping))
    _check_single(expanded(tuple(chosen)))
    return tuple(chosen)


def merged(site: Site, there: tuple[PortMapping, ...], more: Iterable[PortMapping]) -> tuple[PortMapping, ...]:
    """The single ports of `there` and those of `more`, with their numbers on the host.  Raises as `settled`."""
    added = single(tuple(found for mapping in more for found in _at_addresses(site, _with_number(mapping))))
    found = tuple(dict.fromkeys((*there, *added)))
    _check_single(expanded(found))
    return found


def single(mappings: Iterable[PortMapping]) -> tuple[PortMapping, ...]:
    """The same ports with a mapping for each of a range and each protocol."""
    return tuple(
        PortMapping(
            mapping.container_port + at, mapping.host_port and mapping.host_port + at, mapping.host_ip, protocol
        )
        for mapping in mappings
        for protocol in mapping.protocol.split(",")
        for at in range(mapping.range)
    )


def _check_single(published: tuple[ports.Published, ...]) -> None:
    """Raise ArgosyError, in podman's words, for a port of the host that is to lead to two of the container."""
    seen: dict[tuple[str, int], list[ports.Published]] = {}
    for port in published:
        others = seen.setdefault((port.protocol, port.host_port), [])
        others.append(port)
        if any(port.container_port != other.container_port and _meet(port.host_ip, other.host_ip) for other in others):
            raise ArgosyError(
                f"conflicting port mappings for host port {port.host_port} (protocol {port.protocol})",
                hint="give each port of the container another port of the host",
            )


def _meet(one: str, other: str) -> bool:
    """Whether two addresses of the host have one in common; "" is all of them, "::" those of IPv6."""
    if "" in (one, other) or one == other:
        return True
    return "::" in (one, other) and ":" in one and ":" in other


def expanded(mappings: tuple[PortMapping, ...]) -> tuple[ports.Published, ...]:
    """Each single port."""
    return tuple(
        ports.Published(protocol, mapping.host_ip, mapping.host_port + at, mapping.container_port + at)
        for mapping in mappings
        for protocol in mapping.protocol.split(",")
        for at in range(mapping.range)
    )


def _exposed(options: ContainerOptions, config: ContainerConfig) -> Iterator[PortMapping]:
    """A port of the host's for every exposed one that none was named for."""
    named = {(port.container_port, port.protocol) for port in expanded(options.ports)}
    for text in dict.fromkeys((*config.exposed_ports, *options.expose)):
        for exposed in parseports.parse_exposed([text]):
            number, _, protocol = exposed.partition("/")
            if (int(number), protocol) not in named:
                yield PortMapping(int(number), 0, protocol=protocol)


def _with_number(mapping: PortMapping) -> PortMapping:
    if mapping.host_port:
        return mapping
    first = ports.free_port(mapping.protocol.partition(",")[0], mapping.host_ip, mapping.range)
    return mapping.replace(host_port=first)


def _at_addresses(site: Site, mapping: PortMapping) -> tuple[PortMapping, ...]:
    """The mapping at the addresses of containers.conf where it names none."""
    if mapping.host_ip == parseports.ANY_ADDRESS:
        return (mapping.replace(host_ip=""),)
    chosen = site.conf.default_host_ips if not mapping.host_ip else ()
    return tuple(
        mapping.replace(host_ip="" if address == parseports.ANY_ADDRESS else address) for address in chosen
    ) or (mapping,)

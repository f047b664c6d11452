"""Who is called what on which network: what the files of `network.dns` say, and what follows for a question."""

from __future__ import annotations

import os

from argosy.linux import files
from argosy.network.resolver import DOMAIN, NOBODY, message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.network.resolver.message import Question


class Zone:
    """One network: the addresses behind each name, the names of each address, and who knows of all others."""

    def __init__(self, servers: tuple[str, ...]) -> None:
        """`servers` is () for the host's own."""
        self.servers = servers
        self.addresses: dict[str, list[str]] = {}
        self.names: dict[str, list[str]] = {}

    def add(self, address: str, names: list[str]) -> None:
        """Let a container be found."""
        self.names.setdefault(address, []).extend(names)
        for name in names:
            self.addresses.setdefault(name, []).append(address)


class Names:
    """All networks.  A container is answered from all of its own, whichever of their servers it asks."""

    def __init__(self, place: str) -> None:
        """Read the files of the directory `place`."""
        self.listening: dict[str, Zone] = {}
        self._zones_of: dict[str, list[Zone]] = {}
        addresses: dict[str, list[str]] = {}
        zones: dict[str, list[Zone]] = {}
        for name in sorted(os.listdir(place)):
            for container_id, zone, own in self._read(f"{place}/{name}") if "." not in name else ():
                zones.setdefault(container_id, []).append(zone)
                addresses.setdefault(container_id, []).extend(own)
        for container_id, own in addresses.items():
            self._zones_of.update(dict.fromkeys(own, zones[container_id]))

    def _read(self, path: str) -> list[tuple[str, Zone, list[str]]]:
        """One network: its containers and their addresses.  A file that is gone meanwhile has none."""
        try:
            head, *lines = files.read(path).decode("utf-8", "replace").splitlines() or [""]
        except FileNotFoundError:
            return []
        gateways, _, servers = head.partition(" ")
        zone = Zone(tuple(server for server in servers.split(",") if server))
        self.listening.update((gateway, zone) for gateway in gateways.split(",") if gateway)
        found = []
        for line in lines:
            container_id, *rest = line.split(" ")
            if len(rest) == 3:
                own = [address for text in rest[:2] for address in text.split(",") if address]
                for address in own:
                    zone.add(address, rest[2].split(","))
                found.append((container_id, zone, own))
        return found

    def zones(self, asker: str, asked: str) -> list[Zone]:
        """The networks of who asks; for one that is on none, that of the server which is asked."""
        return self._zones_of.get(asker) or [self.listening[asked]]


def resolve(zones: list[Zone], question: Question) -> list[bytes] | None:
    """The values that answer the question: [] where the name has none of that kind, None where nobody here has it."""
    if question.kind == message.PTR:
        address = message.reversed_address(question.name)
        found = [name for zone in zones for name in zone.names.get(address, ())]
        return [value for name in dict.fromkeys(found) if (value := message.encoded_name(name))] or None
    if not question.kind:
        return None  # not of the Internet's class
    name = question.name.removesuffix(f".{DOMAIN}")
    addresses = dict.fromkeys(address for zone in zones for address in zone.addresses.get(name, ()))
    if not addresses:
        return None
    if question.kind not in (message.A, message.AAAA):
        return []
    return [value for address in addresses if (value := message.encoded_address(address, question.kind))]


def is_ours(question: Question) -> bool:
    """Whether nobody else can know the name."""
    return question.name == DOMAIN or question.name.endswith(f".{DOMAIN}")


def upstream(zones: list[Zone]) -> tuple[str, ...] | None:
    """Who knows of other names: servers of one of the networks, () for the host's, None for nobody."""
    leading_out = [zone for zone in zones if NOBODY not in zone.servers]
    if not leading_out:
        return None
    return next((zone.servers for zone in leading_out if zone.servers), ())

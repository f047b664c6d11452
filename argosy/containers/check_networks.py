"""What containers that are gone have left of the networks: addresses, elements of the firewall, names, the uplink.

What root's containers have is kept in one place for all stores.  An address says which store it belongs to; where no
address is, the rest is nobody's.
"""

from __future__ import annotations

import os
from functools import partial

from argosy.containers import networks
from argosy.errors import ArgosyError
from argosy.linux import files
from argosy.network import bridged, dns, firewall, ipam, uplink
from argosy.storage.check import entries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    from argosy.containers.site import Site

    T = TypeVar("T")

    # Kind, name, path, problem, and what puts it right.
    Leftover = tuple[str, str, str, str, Callable[[], object]]

_LOST = "its container does not run"
_UNUSED = "no container is on a bridge"
_ID_LENGTH = 64


def leftovers(site: Site) -> Iterator[Leftover]:
    """Each thing that is left.  What has no address on any network, or none on this one, has no use for the rest."""
    shared = ipam.shared_directory(site.store.run, rootless=site.namespace.rootless)
    places = set()
    for network_id in entries(f"{shared}/networks"):
        if network_id in uplink.NO_NETWORKS:
            continue
        for address, holder in ipam.holders(shared, network_id).items():
            path = f"{ipam.directory(shared, network_id)}/{address}"
            if (not holder or holder.startswith(f"{site.store.run}/")) and ipam.is_lost(path, holder):
                yield "address", address, path, _LOST, partial(ipam.reap, shared, network_id)
            else:
                places.add((network_id, os.path.basename(holder)))
    yield from _elements(site, shared, {container_id for _, container_id in places})
    yield from _names(shared, places)
    if places:
        yield from _ended(site, shared)
    path = uplink.path_in(site.store.run)
    if os.path.lexists(path) and not uplink.is_used(site.store.run):
        yield "network namespace", uplink.NAME, path, _UNUSED, partial(uplink.leave, site.store.run)


def _elements(site: Site, shared: str, connected: set[str]) -> Iterator[Leftover]:
    place = firewall.directory(shared)
    for name in entries(place):
        if len(name) == _ID_LENGTH and name not in connected:
            remedy = partial(_in_place, site, partial(firewall.drop, shared, name))
            yield "published ports", name[:12], f"{place}/{name}", _LOST, remedy


def _names(shared: str, places: set[tuple[str, str]]) -> Iterator[Leftover]:
    place = dns.directory(shared)
    for network_id in entries(place):
        for container_id in dns.members(shared, network_id):
            if (network_id, container_id) not in places:
                remedy = partial(dns.leave, shared, network_id, container_id)
                yield "names", container_id[:12], f"{place}/{network_id}", _LOST, remedy


def _ended(site: Site, shared: str) -> Iterator[Leftover]:
    """What containers that run rely on, and somebody has ended."""
    place, netns = dns.directory(shared), uplink.path_in(site.store.run) if site.namespace.rootless else ""
    if dns.has_ended(shared):
        remedy = partial(dns.revive, shared, port=site.conf.dns_bind_port or 53, netns=netns)
        yield "server of names", "dns", place, "it does not run", remedy
    place = firewall.directory(shared)
    if entries(place) and _in_place(site, firewall.is_whole) is False:
        restore = partial(_in_place, site, partial(firewall.restore, shared))
        yield "firewall", firewall.TABLE, place, "rules of the table were flushed", restore


def _in_place(site: Site, action: Callable[[], T]) -> T | None:
    """Do it where the bridges are; where that is gone, what was there went with it."""
    if not site.namespace.rootless:
        return action()
    if os.path.exists(uplink.path_in(site.store.run)):
        from argosy.linux import namespaces

        return namespaces.in_network(uplink.path_in(site.store.run), action)
    files.remove_tree(firewall.directory(site.store.run))
    return None


def remove_bridges(site: Site) -> None:
    """Take the bridges of all networks down that nobody is on: their store is about to go."""
    for network in networks.of(site).listing().networks:
        try:
            bridged.remove(site.store.run, network, rootless=site.namespace.rootless)
        except (ArgosyError, OSError) as error:
            site.notice(f"the bridge {network.interface} of network {network.name} stays: {error}")

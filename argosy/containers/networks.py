"""Networks and the containers on them: what one asks for, who is on which, how a network goes although it is used."""

from __future__ import annotations

from argosy.errors import ArgosyError, InUse, NotFound
from argosy.network import model
from argosy.network.networks import Networks
from argosy.network.request import Wish
from argosy.spec.options import NetworkUse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site
    from argosy.containers.state import ContainerView
    from argosy.containers.users import Users
    from argosy.network.model import Network

BRIDGE = "bridge"


def of(site: Site) -> Networks:
    """The networks of the site's store, or in the directory that containers.conf or the user names."""
    conf = site.conf
    default = model.default_network(conf.default_network, conf.default_subnet)
    shelf = site.store.networks
    if conf.network_config_dir:
        from argosy.storage import places

        shelf = places.networks(conf.network_config_dir)
    return Networks(shelf, default, conf.default_subnet_pools, site.store.events)


def named(site: Site, record: ContainerRecord) -> tuple[NetworkUse, ...]:
    """The networks of the site's that the container is to be on, each by its own name; none for other modes."""
    from argosy.containers.record import CHANGES, Changes, read_value

    mode, default = record.options.network, site.conf.default_network
    changes = read_value(site.store, record.id, CHANGES, Changes)
    if changes is not None and changes.networks is not None:
        return changes.networks
    if mode is None or mode.kind == "private":
        return (
            ()
            if site.namespace.rootless or site.conf.netns not in ("", "bridge", "private")
            else (NetworkUse(default),)
        )
    return tuple(use.replace(name=default) if use.name == BRIDGE else use for use in mode.networks)


def wishes(site: Site, record: ContainerRecord) -> tuple[Wish, ...]:
    """The same with the networks themselves.  Raises NotFound for one that is gone."""
    return tuple(wish(site, record, use) for use in named(site, record))


def wish(site: Site, record: ContainerRecord, use: NetworkUse) -> Wish:
    """What the container wants of one network.  Raises NotFound when it is gone."""
    from argosy.containers.record import current_name

    own, network = record.id[:12], of(site).get(use.name)
    as_parent = site.conf.interface_name == "device" and network.driver != model.BRIDGE
    return Wish(
        network=network,
        addresses=use.addresses,
        mac=use.mac,
        aliases=(*use.aliases, own),
        interface=use.interface or (network.interface if as_parent else ""),
        names=(current_name(site.store, record), *use.aliases, own),
    )


def users(site: Site) -> Users:
    """Who is on which network, by its id.  Raises ArgosyError when a container's record is damaged."""
    from argosy.containers.users import users

    networks = of(site)

    def used(view: ContainerView) -> Iterator[str]:
        for name in names_of(site, view):
            try:
                yield networks.id_of(networks.default.name if name == BRIDGE else name)
            except NotFound:
                continue

    return users(site, "network", used)


def names_of(site: Site, view: ContainerView) -> list[str]:
    """The networks that the container names, by its changes where it has been connected to others since."""
    from argosy.containers.record import CHANGES, Changes, read_value

    changes = read_value(site.store, view.id, CHANGES, Changes)
    if changes is not None and changes.networks is not None:
        return [use.name for use in changes.networks]
    return [use["name"] for use in (view.options.get("network") or {}).get("networks", ())]


def shown(site: Site, view: ContainerView) -> list[str]:
    """The networks that the container is to be on, by their own names; none for other modes."""
    default = site.conf.default_network
    found = [default if name == BRIDGE else name for name in names_of(site, view)]
    kind = (view.options.get("network") or {}).get("kind", "private")
    alone = kind == "private" and not site.namespace.rootless and site.conf.netns in ("", "bridge", "private")
    return found or ([default] if alone else [])


def discard(site: Site, name: str) -> None:
    """Remove a network whose record cannot be read, and with it each bridge that no network names and nobody is on."""
    from argosy.network import bridged

    networks = of(site)
    network_id = networks.id_of(name)
    networks.discard(network_id)
    named = {network.interface for network in networks.listing().networks}
    bridged.remove_unnamed(site.store.run, network_id, named, rootless=site.namespace.rootless)


def remove(site: Site, network: Network, *, force: bool = False, timeout_s: float | None = None) -> None:
    """Remove a network and its bridge; with `force` the containers on it go first, stopped within `timeout_s`.

    Raises NotFound when it is gone, InUse (status 2, as podman's) when a container is on it.
    """
    from argosy.containers import remove as removal
    from argosy.network import bridged

    using = users(site).of(network.id)
    if using and not force:
        error = InUse("network", network.name, tuple(view.id for view in using))
        names = f'"{network.name}" has associated containers with it'
        error.brief = f"{names}. Use -f to forcibly delete containers and pods: network is being used"
        error.exit_code = 2
        raise error
    for view in using:
        try:
            removal.remove(site, view.id, force=True, timeout_s=timeout_s)
        except NotFound:
            continue
    networks = of(site)
    if network.id != networks.default.id:  # the bridge goes first: its name stands in the record alone
        bridged.remove(site.store.run, network, rootless=site.namespace.rootless)
    networks.remove(network)


def unused(site: Site) -> list[Network]:
    """The networks, but for the default one, that no container is on."""
    taken, networks = users(site), of(site)
    return [
        network
        for network in networks.listing().networks
        if network.id != networks.default.id and not taken.of(network.id)
    ]


def prune(site: Site, chosen: Sequence[Network]) -> list[str]:
    """Remove those of the networks that are still unused; their names."""
    removed = []
    for network in chosen:
        try:
            remove(site, network)
        except (InUse, NotFound):
            continue
        removed.append(network.name)
    return removed


def update_dns(site: Site, name: str, *, add: Sequence[str], drop: Sequence[str]) -> Network:
    """Change the servers that names outside of the network are looked up at; the network as it is then.

    Raises NotFound, Invalid for what is no address, ArgosyError for the default network or one without names.
    """
    from argosy.network import bridged, plan

    networks = of(site)
    network = networks.get(name)
    if network.id == networks.default.id:
        raise ArgosyError(f"default network {network.name} cannot be changed")
    if not network.dns:
        raise ArgosyError(f"network {network.name} does not answer for names", hint="it was made with --disable-dns")
    added = plan.addresses("--dns-add", add)
    with networks.lock(network):
        kept = [server for server in networks.get(network.id).dns_servers if server not in drop]
        changed = network.replace(dns_servers=tuple(dict.fromkeys((*kept, *added))))
        networks.update(changed)
    bridged.tell_servers(site.store.run, changed, rootless=site.namespace.rootless)
    return changed

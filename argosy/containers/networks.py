"""Networks and the containers on them: what one asks for, who is on which, how a network goes although it is used."""

from __future__ import annotations

from argosy.errors import ArgosyError, InUse, NotFound
from argosy.network import model
from argosy.network.networks import Networks
from argosy.network.request import Wish
from argosy.spec.options import NetworkUse
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site
    from argosy.containers.state import ContainerView
    from argosy.network.model import Network

BRIDGE = "bridge"


def of(site: Site) -> Networks:
    """The networks of the site's store."""
    conf = site.conf
    default = model.default_network(conf.default_network, conf.default_subnet)
    return Networks(site.store.networks, default, conf.default_subnet_pools)


def named(site: Site, record: ContainerRecord) -> tuple[NetworkUse, ...]:
    """The networks of the site's that the container is to be on, each by its own name; none for other modes."""
    mode, default = record.options.network, site.conf.default_network
    if mode is None or mode.kind == "private":
        return (
            ()
            if site.namespace.rootless or site.conf.netns not in ("", "bridge", "private")
            else (NetworkUse(default),)
        )
    return tuple(use.replace(name=default) if use.name == BRIDGE else use for use in mode.networks)


def wishes(site: Site, record: ContainerRecord) -> tuple[Wish, ...]:
    """The same with the networks themselves.  Raises NotFound for one that is gone."""
    from argosy.containers.record import current_name

    networks, name = of(site), current_name(site.store, record)
    return tuple(
        Wish(
            network=networks.get(use.name),
            addresses=use.addresses,
            mac=use.mac,
            aliases=(*use.aliases, record.id[:12]),
            interface=use.interface,
            names=(name, *use.aliases, record.id[:12]),
        )
        for use in named(site, record)
    )


class Users(Value):
    """For each network's id, the containers that are on it, running or not."""

    by_network: Mapping[str, tuple[ContainerView, ...]]

    def of(self, network: Network) -> tuple[ContainerView, ...]:
        """The containers on the network."""
        return self.by_network.get(network.id, ())


def users(site: Site) -> Users:
    """Who is on which network.  Raises ArgosyError when a container's record is damaged: nobody knows where it is."""
    from argosy.containers import state

    listing = state.views(site)
    if listing.damaged:
        names = ", ".join(name for name, _ in listing.damaged)
        raise ArgosyError(
            f"cannot tell which networks are in use: the record of {names} is damaged",
            hint="`argosy system check` says what is wrong with it.",
        )
    networks = of(site)
    found: dict[str, list[ContainerView]] = {}
    for view in listing.views:
        for use in (view.options.get("network") or {}).get("networks", ()):
            try:
                network = networks.get(networks.default.name if use["name"] == BRIDGE else use["name"])
            except NotFound:
                continue
            found.setdefault(network.id, []).append(view)
    return Users({network_id: tuple(views) for network_id, views in found.items()})


def remove(site: Site, network: Network, *, force: bool = False, timeout_s: float | None = None) -> None:
    """Remove a network and its bridge; with `force` the containers on it go first, stopped within `timeout_s`.

    Raises NotFound when it is gone, InUse (status 2, as podman's) when a container is on it.
    """
    from argosy.containers import remove as removal
    from argosy.network import bridged

    using = users(site).of(network)
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
    of(site).remove(network)
    bridged.remove(site.store.run, network, rootless=site.namespace.rootless)


def unused(site: Site) -> list[Network]:
    """The networks, but for the default one, that no container is on."""
    taken, networks = users(site), of(site)
    return [
        network
        for network in networks.listing().networks
        if network.id != networks.default.id and not taken.of(network)
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

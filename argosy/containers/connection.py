"""What a container asks of the network, in the network's own words."""

from __future__ import annotations

from argosy.containers import facts, groups
from argosy.network import attach as network

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site
    from argosy.network.attach import NetworkState
    from argosy.network.ports import Published


def connect(site: Site, record: ContainerRecord, merged: str) -> NetworkState:
    """Connect the container whose root is mounted at `merged`.  Raises what `network.setup` does."""
    return network.setup(request(site, record, merged))


def request(site: Site, record: ContainerRecord, merged: str) -> network.NetworkRequest:
    """All that the container asks for.  Raises NotFound for a network or container that is gone."""
    options = record.options
    mode = options.network
    kind = "host" if site.namespace.chroot else mode.kind if mode is not None else "private"
    joined_pid = 0
    if mode is not None and kind == "container":
        joined_pid = facts.running_pid(site, mode.target)
    bridged = kind == "bridge" or (kind == "private" and not site.namespace.rootless)
    if bridged:
        from argosy.containers import networks
    return network.NetworkRequest(
        id=record.id,
        kind=kind,
        target=mode.target if mode is not None else "",
        options=mode.options if mode is not None else (),
        joined_pid=joined_pid,
        run=site.store.run,
        directory=site.run_directory(record.id),
        rootless=site.namespace.rootless,
        conf=site.conf,
        notice=site.notice,
        command=site.network_cmd_path,
        rootfs=merged,
        wishes=networks.wishes(site, record) if bridged else (),
        ports=_published(record),
        no_hosts=site.conf.no_hosts if options.no_hosts is None else options.no_hosts,
        add_hosts=(*options.add_hosts, *_linked(site, record)),
        dns=options.dns,
        dns_search=options.dns_search,
        dns_options=options.dns_options,
        outlives=lambda pid: groups.let_go(site, pid, f"network-{pid}"),
        **_netns_maker(site, record),
    )


def user_bridges(site: Site) -> str:
    """The path of the network namespace, connected, that a user's bridges are in: for a process that joins it."""
    from argosy.network import uplink

    return uplink.connected(
        network.NetworkRequest(
            id=uplink.NAME,
            kind="bridge",
            run=site.store.run,
            directory=site.run_directory(uplink.NAME),
            rootless=site.namespace.rootless,
            conf=site.conf,
            notice=site.notice,
            command=site.network_cmd_path,
            outlives=lambda pid: groups.let_go(site, pid, f"network-{pid}"),
        ),
        joining=True,
    )


def _netns_maker(site: Site, record: ContainerRecord) -> dict[str, Callable[[str], None]]:
    if record.id_map is None:
        return {}
    from argosy.containers import entrance

    return {"new_netns": lambda path: entrance.new_network(site, record, path)}


def _linked(site: Site, record: ContainerRecord) -> tuple[str, ...]:
    if not record.options.links:
        return ()
    from argosy.containers import links

    return links.hosts(site, record)


def _published(record: ContainerRecord) -> tuple[Published, ...]:
    if not record.options.ports:
        return ()
    from argosy.containers import publish

    return publish.expanded(record.options.ports)

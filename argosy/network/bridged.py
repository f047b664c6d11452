"""Containers on bridges: each of their networks gets addresses, a device in the container and the names that find it.

Root's bridges are in the host's network namespace.  A user's are in one of the store's own, `<run>/netns/uplink`, which
pasta or slirp4netns connects: the first container that needs it makes it, the last that goes takes it down.
"""

from __future__ import annotations

import os

from argosy.errors import ArgosyError, Invalid, NotFound
from argosy.linux import files, namespaces, process
from argosy.linux.netlink import Netlink
from argosy.network import attach, bridge, firewall, ipam, keeping, uplink
from argosy.network.model import BRIDGE, IPVLAN, Network
from argosy.network.request import Attachment, NetworkRecord, NetworkState, Unavailable
from argosy.undo import Undo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeVar

    from argosy.config.containers import ContainersConf
    from argosy.network.ipam import Lease
    from argosy.network.request import NetworkRequest, Wish

    T = TypeVar("T")


def connect(request: NetworkRequest) -> NetworkState:
    """Connect a container to the networks of `request.wishes`.  All of it or nothing.

    Raises Unavailable where this host cannot have bridges, ArgosyError for an address or device that cannot be had.
    """
    _check_nft(request)
    shared = ipam.shared_directory(request.run, rootless=request.rootless)
    with Undo() as undo:
        undo.push(lambda: teardown(request.run, request.id, attach.read(request.directory)))
        held = () if request.rootless else keeping.pair()
        undo.push(lambda: keeping.close(held))
        attached = _lease(request, shared, keeper=keeping.numbers(held))
        _make_namespace(request)
        for wish, attachment, leases in attached:
            inside(request, lambda: _plug(request, shared, wish.network, attachment, leases))  # noqa: B023 -- called here
        answering = _name(request, shared, attached) if _has_names(request) else ()
        addresses = tuple(str(lease) for _, _, leases in attached for lease in leases)
        if request.ports:
            _publish(request, shared, addresses, held)
        undo.commit()
    attachments = tuple(attachment for _, attachment, _ in attached)
    gateways = [gateway for attachment in attachments for gateway in attachment.gateways if gateway]
    gateway = gateways[0] if gateways else ""
    return NetworkState(
        mode="bridge",
        netns=request.netns,
        addresses=addresses,
        gateway=gateway,
        attachments=attachments,
        held=held,
        resolv=_resolv(request, answering),
        hosts=attach.hosts_content(request, addresses or ("127.0.0.1",), gateway),
    )


def _check_nft(request: NetworkRequest) -> None:
    """Raise Unavailable where there is no nftables: with iptables alone no rule of ours can be made."""
    if process.find_program("nft", process.PROGRAM_DIRECTORIES) is None:
        raise Unavailable("nft is not installed", hint="install the package nftables, see `argosy doctor nft`")
    if request.rootless:
        return  # the namespace of the bridges is another
    try:
        firewall.is_there()
    except OSError as error:
        raise Unavailable(f"the kernel refuses nf_tables: {error.strerror}", hint="modprobe nf_tables") from error


def _has_names(request: NetworkRequest) -> bool:
    return any(_answers(wish.network) for wish in request.wishes)


def _answers(network: Network) -> bool:
    """Whether names are answered for on the network: on a wire that is not ours the gateway is somebody else's."""
    return network.dns and network.driver == BRIDGE


def _name(
    request: NetworkRequest, shared: str, attached: Sequence[tuple[Wish, Attachment, tuple[Lease, ...]]]
) -> tuple[str, ...]:
    """Let the container be found by its names: the addresses of the servers that answer."""
    from argosy.network import dns

    port = request.conf.dns_bind_port or 53
    netns = uplink.path_in(request.run) if request.rootless else ""
    servers: list[str] = []
    for wish, attachment, _ in attached:
        if _answers(wish.network):
            begun = dns.join(shared, wish.network, attachment, request.id, wish.names, port=port, netns=netns)
            if begun:
                request.outlives(begun)
            servers += [gateway for gateway in attachment.gateways if gateway]
    return tuple(servers)


def _resolv(request: NetworkRequest, servers: tuple[str, ...]) -> str | None:
    """resolv.conf: the servers that know the names of the networks, unless the user wants others."""
    if not servers or request.dns or request.conf.dns_servers:
        return attach.resolv_content(request)
    from argosy.network.resolver import DOMAIN

    search = request.dns_search or request.conf.dns_searches
    return attach.resolv_content(request.replace(dns=servers, dns_search=(*search, DOMAIN)))


def _publish(request: NetworkRequest, shared: str, addresses: tuple[str, ...], held: Sequence[int]) -> None:
    """Lead the ports of the host to the container; what keeps others off them goes on its way between `held`."""
    if request.rootless:
        if any(not wish.network.internal for wish in request.wishes):
            from argosy.network import rootless_ports

            rootless_ports.publish(request)
        return
    from argosy.network import ports

    wanted = ports.mappings(request.ports, addresses)
    firewall.add(shared, request.id, firewall.of_ports(wanted))
    for at in range(0, len(wanted), keeping.AT_ONCE):  # what is under way counts as no open file of ours
        keeping.put(held[1], ports.hold(wanted[at : at + keeping.AT_ONCE]))


def change_ports(request: NetworkRequest, record: NetworkRecord, conmon_pid: int) -> None:
    """Let the ports of `request` lead to a container that runs, in place of those that did.

    All of it or nothing; raises InUse for a port that somebody has, ArgosyError.
    """
    from argosy.network import ports

    held = ports.hold(ports.mappings(request.ports, record.addresses))
    with Undo() as undo:
        before = firewall.elements(record.shared, request.id)
        undo.push(lambda: firewall.put(record.shared, request.id, before))
        try:
            _lead_ports(request, record.shared, record.addresses)
        except BaseException:
            keeping.close(held)
            raise
        keeping.exchange(conmon_pid, record.keeper, held)
        undo.commit()


def join(request: NetworkRequest, wish: Wish) -> None:
    """Connect a container that runs to one more network.  All of it or nothing; raises as `connect` does."""
    from argosy.network import resolver_file

    shared = ipam.shared_directory(request.run, rootless=request.rootless)
    before = attach.read(request.directory) or NetworkRecord("bridge", request.netns, shared=shared)
    with Undo() as undo:
        undo.push(lambda: part(request, wish.network.id))
        [(_, attachment, leases)] = _lease(request.replace(wishes=(wish,)), shared, before)
        inside(request, lambda: _plug(request, shared, wish.network, attachment, leases))
        if _answers(wish.network):
            servers = _name(request, shared, [(wish, attachment, leases)])
            if not request.dns and not request.conf.dns_servers:
                resolver_file.add(request.directory, servers)
        if request.ports and not request.rootless:
            _lead_ports(request, shared, (*before.addresses, *attachment.addresses))
        undo.commit()


def part(request: NetworkRequest, network_id: str) -> None:
    """Take a container that runs off a network.  Idempotent."""
    from argosy.network import resolver_file

    record = attach.read(request.directory)
    gone = [found for found in record.attachments if found.network_id == network_id] if record is not None else []
    if record is None or not gone:
        return
    with Netlink(request.netns) as there:
        for attachment in gone:
            try:
                there.delete_link(there.link(attachment.interface).index)
            except NotFound:
                continue
    for attachment in gone:
        _give_back(record.shared, request.id, attachment)
        resolver_file.drop(request.directory, attachment.gateways)
    left = tuple(found for found in record.attachments if found.network_id != network_id)
    addresses = tuple(address for attachment in left for address in attachment.addresses)
    if request.ports and not request.rootless:
        _lead_ports(request, record.shared, addresses)
    attach.write(request.directory, record.replace(attachments=left, addresses=addresses))


def _lead_ports(request: NetworkRequest, shared: str, addresses: tuple[str, ...]) -> None:
    """Let the published ports lead to the addresses that the container has now; conmon holds the host's side."""
    from argosy.network import ports

    firewall.put(shared, request.id, firewall.of_ports(ports.mappings(request.ports, addresses)))


def _give_back(shared: str, container_id: str, attachment: Attachment) -> None:
    """The addresses on one network, and the names that stand for them."""
    ipam.release(shared, attachment.network_id, (text.partition("/")[0] for text in attachment.addresses))
    _forget_name(shared, attachment.network_id, container_id)


def _forget_name(shared: str, network_id: str, container_id: str) -> None:
    if os.path.isdir(f"{shared}/networks/dns"):
        from argosy.network import dns

        dns.leave(shared, network_id, container_id)


def teardown(run: str, container_id: str, record: NetworkRecord | None) -> None:
    """Give back what `connect` took; the devices go with the container's namespace.  Idempotent."""
    namespaces.remove_network(f"{run}/netns/{container_id}")
    if record is None or not record.shared:
        return
    for attachment in record.attachments:
        _give_back(record.shared, container_id, attachment)
    if os.path.exists(f"{firewall.directory(record.shared)}/{container_id}"):
        _within(run, record, lambda: firewall.drop(record.shared, container_id))
    if record.uplink:
        uplink.leave(run)


def forget(run: str, container_id: str, directory: str) -> None:
    """Give back what a container had of root's bridges whose own record of it is lost, with its run directory.

    What a user's bridges had was lost with it.
    """
    shared = ipam.shared_directory(run, rootless=False)
    try:
        names = os.listdir(f"{shared}/networks")
    except (FileNotFoundError, PermissionError):
        return  # without privilege nobody has anything there
    for network_id in names:
        if network_id in uplink.NO_NETWORKS:
            continue
        found = [address for address, holder in ipam.holders(shared, network_id).items() if holder == directory]
        if found:
            ipam.release(shared, network_id, found)
            _forget_name(shared, network_id, container_id)
    firewall.drop(shared, container_id)


def restore(run: str, record: NetworkRecord, conf: ContainersConf, tell: Callable[[str], None]) -> None:
    """Make the firewall's table again, in the namespace that the bridges of this container are in.

    And start what answers for names, where it has ended.
    """
    from argosy.network import dns, host_firewall

    _within(run, record, lambda: firewall.restore(record.shared))
    dns.revive(record.shared, port=conf.dns_bind_port or 53, netns=uplink.path_in(run) if record.uplink else "")
    for attachment in record.attachments if not record.uplink else ():
        if attachment.driver == BRIDGE:
            host_firewall.let_through(attachment.bridge, tell)


def inside(request: NetworkRequest, action: Callable[[], T]) -> T:
    """What `action` gives in the network namespace that the bridges are in; a user's is made where it is missing."""
    if not request.rootless:
        return action()
    return namespaces.in_network(uplink.connected(request), action)


def _lease(
    request: NetworkRequest, shared: str, before: NetworkRecord | None = None, *, keeper: tuple[int, ...] = ()
) -> list[tuple[Wish, Attachment, tuple[Lease, ...]]]:
    """Get all addresses, and write down what there is to take down before any device is made.

    `before` is the record of a container that is connected to other networks already, `keeper` goes into a new one.
    """
    found: list[tuple[Wish, Attachment, tuple[Lease, ...]]] = []
    record = before or NetworkRecord("bridge", request.netns, shared=shared, uplink=request.rootless, keeper=keeper)
    there = {attachment.interface for attachment in record.attachments}
    for number, wish in enumerate(request.wishes):
        network = wish.network
        if network.driver == IPVLAN and wish.mac:
            raise Invalid("MAC address", wish.mac, f"devices of network {network.name} (ipvlan) have their parent's")
        leases = ipam.lease(shared, network, request.directory, wish.addresses)
        attachment = Attachment(
            network=network.name,
            network_id=network.id,
            interface=wish.interface or _free_name(number, request.wishes, there),
            driver=network.driver,
            bridge=network.interface,
            mac="" if network.driver == IPVLAN else wish.mac or bridge.mac(network, leases),
            addresses=tuple(str(lease) for lease in leases),
            gateways=tuple(lease.gateway for lease in leases),
            aliases=wish.aliases,
        )
        found.append((wish, attachment, leases))
        record = record.replace(
            attachments=(*record.attachments, attachment),
            addresses=(*record.addresses, *attachment.addresses),
            gateway=record.gateway or next(iter(attachment.gateways), ""),
        )
        attach.write(request.directory, record)
    return found


def _free_name(number: int, wishes: Sequence[Wish], there: set[str]) -> str:
    """eth0, eth1, ...: the name of the device of the network in this place, unless it is `there` or asked for."""
    taken = there | {wish.interface for wish in wishes}
    names = [name for index in range(len(taken) + len(wishes)) if (name := f"eth{index}") not in taken]
    return names[sum(1 for wish in wishes[:number] if not wish.interface)]


def _make_namespace(request: NetworkRequest) -> None:
    files.make_directories(os.path.dirname(request.netns))
    namespaces.remove_network(request.netns)
    request.new_netns(request.netns)


def _plug(
    request: NetworkRequest, shared: str, network: Network, attachment: Attachment, leases: tuple[Lease, ...]
) -> None:
    try:
        if network.driver == BRIDGE:
            made = bridge.connect(shared, network, attachment, leases, request.netns)
            if made and not request.rootless:
                from argosy.network import host_firewall

                host_firewall.let_through(made, lambda text: attach.tell_once(request, "firewall", text))
        else:
            from argosy.network import sharing

            sharing.connect(network, attachment, leases, request.netns)
    except FileExistsError as error:
        raise ArgosyError(
            f"cannot connect the container to network {network.name}: it has a device {attachment.interface} already",
            hint="choose another name with --network NAME:interface_name=DEVICE",
        ) from error
    except OSError as error:
        raise ArgosyError(
            f"cannot connect the container to network {network.name}: {error.filename or 'the kernel refuses'}",
            details=str(error.strerror),
            hint="see `argosy doctor network`",
        ) from error


def _within(run: str, record: NetworkRecord, action: Callable[[], None]) -> None:
    if not record.uplink:
        action()
    elif os.path.exists(uplink.path_in(run)):
        namespaces.in_network(uplink.path_in(run), action)


def remove(run: str, network: Network, *, rootless: bool) -> None:
    """Take the bridge of a network that is gone down, wherever it is.  Idempotent."""
    shared = ipam.shared_directory(run, rootless=rootless)
    if network.driver == BRIDGE:
        if not rootless:
            bridge.remove(shared, network)
        elif os.path.exists(uplink.path_in(run)):
            namespaces.in_network(uplink.path_in(run), lambda: bridge.remove(shared, network))
    ipam.forget(shared, network.id)


def remove_unnamed(run: str, network_id: str, named: Iterable[str], *, rootless: bool) -> None:
    """Take down what the network of this id may have left: bridges that are not among `named`, with nobody on them."""
    place, known = firewall.directory(ipam.shared_directory(run, rootless=rootless)), frozenset(named)
    for name in os.listdir(place) if os.path.isdir(place) else ():
        if len(name) < len(network_id) and name not in known:  # no container's
            remove(run, Network(name, network_id, 0, interface=name), rootless=rootless)


def tell_servers(run: str, network: Network, *, rootless: bool) -> None:
    """Let what answers for the names of a network know of its other servers, where it runs."""
    from argosy.network import dns

    dns.update(ipam.shared_directory(run, rootless=rootless), network)

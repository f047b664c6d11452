"""A container on a bridge: the bridge is made where it is missing, and a pair of devices leads into the container.

All of it happens in the network namespace that the thread is in (the host's, or the one that a user's bridges are in),
by a dozen requests to the kernel of 0.1 ms each.  A bridge stays when its last container goes: to take it down costs
more than to keep it, and `network rm` does.
"""

from __future__ import annotations

import os

from argosy.errors import ArgosyError, Invalid, NotFound
from argosy.linux import files, locks, netdevices
from argosy.linux.netlink import Netlink
from argosy.network import firewall, ipam

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from argosy.network.ipam import Lease
    from argosy.network.model import Network
    from argosy.network.request import Attachment

_METRIC = 100  # as netavark gives its default routes


def connect(shared: str, network: Network, attachment: Attachment, leases: Sequence[Lease], netns: str) -> str:
    """Lead a pair of devices from the network's bridge into the namespace `netns`, and configure what is in there.

    The name of the bridge where this made it, "" where it was there.  Raises OSError for what the kernel refuses.
    """
    with Netlink() as here, Netlink(netns) as there:
        place = ipam.directory(shared, network.id)
        files.make_directories(place)
        with locks.acquire(place, shared=True) or locks.Lock(-1, ""):
            bridge, made = _ensure(here, shared, network)
            port = _pair(here, network, attachment, bridge, netns)
            netdevices.let_back(here, here.link(port).index)
        configure(there, network, attachment.interface, leases)
    return network.interface if made else ""


def _pair(here: Netlink, network: Network, attachment: Attachment, bridge: int, netns: str) -> str:
    """Make the pair of devices; the name of the one on the bridge."""
    port = f"veth{os.urandom(4).hex()}"
    fd = os.open(netns, os.O_RDONLY | os.O_CLOEXEC)
    try:
        mtu, mac = network.number("mtu"), attachment.mac
        netdevices.add_veth(here, port, attachment.interface, fd, master=bridge, mtu=mtu, mac=mac)
    finally:
        os.close(fd)
    return port


def configure(there: Netlink, network: Network, interface: str, leases: Sequence[Lease]) -> None:
    """Give the device in the container its addresses and routes, and set it up."""
    there.set_up(1)
    index = there.link(interface).index
    for lease in leases:
        there.add_address(index, str(lease))
    there.set_up(index)
    leads_out = not network.internal and not network.is_set("no_default_route")
    for lease in leases:
        if lease.gateway and leads_out:
            try:
                there.add_route("default", lease.gateway, index, network.number("metric") or _METRIC)
            except FileExistsError:
                continue  # the network that came first leads out
    for route in network.routes:
        there.add_route(route.destination, route.gateway, index, route.metric)


def mac(network: Network, leases: Sequence[Lease]) -> str:
    """A hardware address that is the same for the same network and address: what neighbours remember stays true."""
    import zlib

    if not leases:
        return (b"\x8a" + os.urandom(5)).hex(":")
    address = ipam.packed(leases[0].address)[1]
    end = address if len(address) == 4 else zlib.crc32(address).to_bytes(4, "big")
    return (bytes((0x8A, zlib.crc32(network.id.encode()) & 0xFF)) + end).hex(":")


def remove(shared: str, network: Network) -> None:
    """Take the bridge down, unless a device is on it.  Idempotent."""
    from argosy.network import host_firewall

    place = ipam.directory(shared, network.id)
    files.make_directories(place)
    with locks.acquire(place) or locks.Lock(-1, ""), Netlink() as here:
        try:
            bridge = here.link(network.interface)
        except NotFound:
            pass
        else:
            if bridge.kind != "bridge" or any(link.master == bridge.index for link in here.links()):
                return
            here.delete_link(bridge.index)
            host_firewall.forget(network.interface)
        firewall.drop(shared, network.interface)


def _ensure(here: Netlink, shared: str, network: Network) -> tuple[int, bool]:
    """The index of the network's bridge, which is up, has the gateways' addresses and is known to the firewall.

    And whether it was made for this.

    Another engine's bridge that has a gateway's address is taken in its place: two routes to one subnet lead nowhere.
    """
    if not _has_gateways(here, network):  # to list all devices takes long where there are many
        network = network.replace(interface=_existing(here, network) or network.interface)
    made = False
    try:
        bridge = here.link(network.interface)
    except NotFound:
        made = True
        try:
            netdevices.add_bridge(here, network.interface, mtu=network.number("mtu"), vlan=network.number("vlan"))
        except FileExistsError:
            pass  # somebody else was quicker
        bridge = here.link(network.interface)
    if bridge.kind != "bridge":
        raise Invalid(
            "bridge name", network.interface, f"a device of this name is there and is no bridge: {bridge.kind}"
        )
    if network.number("vlan"):
        _filter_vlans(here, network, bridge.index)
    _allow_routing(network)
    given = {address.address for address in here.addresses(bridge.index)}
    for subnet in network.subnets:
        if subnet.gateway and subnet.gateway not in given:
            try:
                here.add_address(bridge.index, f"{subnet.gateway}/{subnet.prefix}")
            except FileExistsError:
                pass
    firewall.add(shared, network.interface, firewall.of_network(network))
    return bridge.index, made


def _filter_vlans(here: Netlink, network: Network, index: int) -> None:
    """Each time: who made the bridge may have been killed between."""
    try:
        netdevices.filter_vlans(here, index)
    except OSError as error:
        here.delete_link(index)
        raise ArgosyError(
            f"network {network.name} cannot have a VLAN on this host",
            details=f"the kernel's bridges do not filter VLANs (CONFIG_BRIDGE_VLAN_FILTERING): {error.strerror}",
            hint="make it without -o vlan",
        ) from error


def _has_gateways(here: Netlink, network: Network) -> bool:
    try:
        found = {address.address for address in here.addresses(here.link(network.interface).index)}
    except NotFound:
        return False
    return all(subnet.gateway in found for subnet in network.subnets if subnet.gateway)


def _existing(here: Netlink, network: Network) -> str:
    """The name of the bridge that has the address of one of the network's gateways; "" when none has."""
    gateways = {subnet.gateway for subnet in network.subnets if subnet.gateway}
    owners = {address.index for address in here.addresses() if address.address in gateways}
    links = [link for link in here.links() if link.index in owners and link.kind == "bridge"] if owners else []
    return next((link.name for link in sorted(links, key=lambda link: link.name != network.interface)), "")


def _allow_routing(network: Network) -> None:
    """Let the kernel route for the bridge: without, nothing leaves it.  The files speak of the thread's namespace."""
    base, bridge = "/proc/sys/net", network.interface
    wanted = {f"{base}/ipv4/conf/{bridge}/rp_filter": "2", f"{base}/ipv6/conf/{bridge}/accept_ra": "0"}
    if not network.internal:
        wanted[f"{base}/ipv4/ip_forward"] = "1"
        wanted[f"{base}/ipv4/conf/{bridge}/route_localnet"] = "1"
        if network.ipv6:
            wanted[f"{base}/ipv6/conf/all/forwarding"] = "1"
    for path, value in wanted.items():
        try:
            _set(path, value)
        except FileNotFoundError:
            continue  # a host without IPv6
        except OSError as error:
            name = path.removeprefix("/proc/sys/").replace("/", ".")
            raise ArgosyError(
                f"cannot set {name} to {value}, which network {network.name} needs",
                details=str(error.strerror),
                hint=f"sysctl -w {name}={value}, or use --network none",
            ) from error


def _set(path: str, value: str) -> None:
    if files.read(path, 64).decode().strip() != value:
        fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(fd, value.encode())
        finally:
            os.close(fd)

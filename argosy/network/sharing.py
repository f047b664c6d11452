"""Networks of the drivers macvlan and ipvlan: a device of the container's own on the wire of one of the host."""

from __future__ import annotations

import os

from argosy.errors import ArgosyError, NotFound
from argosy.linux import netdevices
from argosy.linux.netlink import Netlink
from argosy.network import bridge
from argosy.network.model import MACVLAN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from argosy.network.ipam import Lease
    from argosy.network.model import Network
    from argosy.network.request import Attachment


def connect(network: Network, attachment: Attachment, leases: Sequence[Lease], netns: str) -> None:
    """Make the device in the namespace `netns` and configure it.  Raises OSError for what the kernel refuses."""
    with Netlink() as here, Netlink(netns) as there:
        parent = _parent(here, network)
        mtu = network.number("mtu")
        # Made under a name that no device here has: it is in this namespace for a moment.
        name, fd = f"v{os.urandom(6).hex()}", os.open(netns, os.O_RDONLY | os.O_CLOEXEC)
        try:
            if network.driver == MACVLAN:
                mode = network.options.get("mode", "bridge")
                netdevices.add_macvlan(here, name, parent, fd, mode=mode, mtu=mtu, mac=attachment.mac)
            else:
                netdevices.add_ipvlan(here, name, parent, fd, mode=network.options.get("mode", "l2"), mtu=mtu)
        finally:
            os.close(fd)
        netdevices.rename(there, there.link(name).index, attachment.interface)
        bridge.configure(there, network, attachment.interface, leases)


def _parent(here: Netlink, network: Network) -> int:
    """The index of the device that the network shares: the one it names, else that of the default route."""
    if network.interface:
        try:
            return here.link(network.interface).index
        except NotFound:
            raise ArgosyError(
                f"parent interface {network.interface} of network {network.name} does not exist",
                hint="`ip link` lists the devices",
            ) from None
    routes = [route for route in here.routes() if not route.destination]
    if not routes:
        raise ArgosyError(
            f"network {network.name} names no parent interface, and this host has no default route",
            hint="make the network with -o parent=DEVICE",
        )
    return routes[0].index

"""Making network devices and changing them, over rtnetlink(7): veth, bridge, macvlan, ipvlan, VLAN.

Each function is one request to the kernel.  What it refuses is an OSError with its number and the device as file name;
FileExistsError when the name is taken.
"""

from __future__ import annotations

import struct

from argosy.errors import Invalid
from argosy.linux.netlink import (
    CREATE,
    EXCL,
    IFLA_ADDRESS,
    IFLA_IFNAME,
    IFLA_INFO_KIND,
    IFLA_LINKINFO,
    IFLA_MASTER,
    IFLA_MTU,
    LINK,
    RTM_NEWLINK,
    attribute,
    device_name,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from argosy.linux.netlink import Netlink

_IFLA_LINK, _IFLA_NET_NS_FD, _IFLA_INFO_DATA = 5, 28, 2
_IFLA_INFO_SLAVE_KIND, _IFLA_INFO_SLAVE_DATA, _IFLA_BRPORT_MODE = 4, 5, 4
_VETH_INFO_PEER = 1
_IFLA_VLAN_ID = 1
_IFLA_BR_VLAN_FILTERING, _IFLA_BR_VLAN_DEFAULT_PVID = 7, 39
_IFLA_MACVLAN_MODE, _IFLA_IPVLAN_MODE, _IFLA_IPVLAN_FLAGS = 1, 1, 2
_IFF_UP = 1

# linux/if_link.h
MACVLAN_MODES: Mapping[str, int] = {"private": 1, "vepa": 2, "bridge": 4, "passthru": 8}
IPVLAN_MODES: Mapping[str, int] = {"l2": 0, "l3": 1, "l3s": 2}


def add_bridge(net: Netlink, name: str, *, mtu: int = 0, vlan: int = 0) -> None:
    """A bridge that is up.  Its MAC address stays when ports come and go, as it is set here.

    With `vlan` it and its ports are in that VLAN, whose tag they do not see, once `filter_vlans` was called.
    """
    data = attribute(_IFLA_BR_VLAN_DEFAULT_PVID, struct.pack("=H", vlan)) if vlan else b""
    _add(net, name, "bridge", data, mtu=mtu, mac=_own_mac(name), up=True)


def filter_vlans(net: Netlink, index: int) -> None:
    """Let the bridge pass what is of a VLAN only between ports of that VLAN."""
    data = attribute(_IFLA_BR_VLAN_FILTERING, b"\1")
    _set(net, index, attribute(IFLA_LINKINFO, attribute(IFLA_INFO_KIND, b"bridge") + attribute(_IFLA_INFO_DATA, data)))


def add_veth(
    net: Netlink, name: str, peer: str, peer_netns: int, *, master: int = 0, mtu: int = 0, mac: str = ""
) -> None:
    """A pair of devices: `name` here, up and a port of the bridge `master`, and `peer` in the network namespace that
    the descriptor `peer_netns` stands for, with the MAC address `mac` (or a random one)."""
    theirs = _identity(peer, mtu, mac) + _number(_IFLA_NET_NS_FD, peer_netns)
    data = attribute(_VETH_INFO_PEER, LINK.pack(0, 0, 0, 0, 0) + theirs)
    _add(net, name, "veth", data, mtu=mtu, master=master, up=True)


def add_macvlan(
    net: Netlink, name: str, parent: int, netns: int, *, mode: str = "bridge", mtu: int = 0, mac: str = ""
) -> None:
    """A device in the network namespace `netns` with a MAC address of its own on the wire of `parent`."""
    data = _number(_IFLA_MACVLAN_MODE, _mode(MACVLAN_MODES, "macvlan", mode))
    _add(net, name, "macvlan", data, mtu=mtu, mac=mac, parent=parent, netns=netns)


def add_ipvlan(net: Netlink, name: str, parent: int, netns: int, *, mode: str = "l2", mtu: int = 0) -> None:
    """A device in the network namespace `netns` that shares the MAC address of `parent`."""
    data = attribute(_IFLA_IPVLAN_MODE, struct.pack("=H", _mode(IPVLAN_MODES, "ipvlan", mode)))
    _add(net, name, "ipvlan", data, mtu=mtu, parent=parent, netns=netns)


def add_vlan(net: Netlink, name: str, parent: int, vlan: int) -> None:
    """The tagged VLAN `vlan` (1 to 4094) of `parent` as a device that is up."""
    _add(net, name, "vlan", attribute(_IFLA_VLAN_ID, struct.pack("=H", vlan)), parent=parent, up=True)


def move(net: Netlink, index: int, netns: int, name: str = "") -> None:
    """Move a device, down as it will be, into the network namespace `netns`, under another name if one is given."""
    _set(net, index, _number(_IFLA_NET_NS_FD, netns) + (attribute(IFLA_IFNAME, device_name(name)) if name else b""))


def set_master(net: Netlink, index: int, master: int) -> None:
    """Make the device a port of the bridge `master`; 0 takes it out of its bridge."""
    _set(net, index, _number(IFLA_MASTER, master))


def let_back(net: Netlink, index: int) -> None:
    """Let the bridge send through the port `index` what came in by it ("hairpin mode").

    A container that speaks to itself by way of a published port needs it, where bridges call the firewall
    (bridge-nf-call-iptables).
    """
    mode = attribute(_IFLA_BRPORT_MODE, b"\1")
    info = attribute(_IFLA_INFO_SLAVE_KIND, b"bridge") + attribute(_IFLA_INFO_SLAVE_DATA, mode)
    _set(net, index, attribute(IFLA_LINKINFO, info))


def set_mtu(net: Netlink, index: int, mtu: int) -> None:
    """The size in bytes of the largest packet that the device sends."""
    _set(net, index, _number(IFLA_MTU, mtu))


def set_mac(net: Netlink, index: int, mac: str) -> None:
    """The hardware address of the device."""
    _set(net, index, attribute(IFLA_ADDRESS, parse_mac(mac)))


def rename(net: Netlink, index: int, name: str) -> None:
    """Give the device, which is down, another name."""
    _set(net, index, attribute(IFLA_IFNAME, device_name(name)))


def parse_mac(text: str) -> bytes:
    """The six bytes of a hardware address such as 92:d0:c6:0a:29:33.  Raises Invalid for what no device can have."""
    words = text.replace("-", ":").split(":")
    try:
        mac = bytes(int(word, 16) for word in words if len(word) == 2)
    except ValueError:
        mac = b""
    if len(mac) != 6 or len(words) != 6:
        raise Invalid("MAC address", text, "six bytes in hexadecimal with colons between them are needed")
    if mac[0] & 1:
        raise Invalid("MAC address", text, "this is a multicast address: the first byte must be even")
    if not any(mac):
        raise Invalid("MAC address", text, "it is all zeros")
    return mac


def _own_mac(name: str) -> str:
    """A locally administered address that is the same for the same name."""
    import zlib

    return (b"\x8a\xa0" + zlib.crc32(name.encode()).to_bytes(4, "big")).hex(":")


def _add(
    net: Netlink,
    name: str,
    kind: str,
    data: bytes,
    *,
    mtu: int = 0,
    mac: str = "",
    master: int = 0,
    parent: int = 0,
    netns: int | None = None,
    up: bool = False,
) -> None:
    info = attribute(IFLA_INFO_KIND, kind.encode()) + (attribute(_IFLA_INFO_DATA, data) if data else b"")
    flags = _IFF_UP if up else 0
    body = LINK.pack(0, 0, 0, flags, flags) + _identity(name, mtu, mac) + attribute(IFLA_LINKINFO, info)
    body += _number(IFLA_MASTER, master) if master else b""
    body += _number(_IFLA_LINK, parent) if parent else b""
    body += _number(_IFLA_NET_NS_FD, netns) if netns is not None else b""
    net.change(RTM_NEWLINK, CREATE | EXCL, body, name)


def _identity(name: str, mtu: int, mac: str) -> bytes:
    body = attribute(IFLA_IFNAME, device_name(name))
    body += _number(IFLA_MTU, mtu) if mtu else b""
    return body + (attribute(IFLA_ADDRESS, parse_mac(mac)) if mac else b"")


def _set(net: Netlink, index: int, attributes: bytes) -> None:
    net.change(RTM_NEWLINK, 0, LINK.pack(0, 0, index, 0, 0) + attributes, f"device {index}")


def _number(kind: int, value: int) -> bytes:
    return attribute(kind, struct.pack("=I", value))


def _mode(modes: Mapping[str, int], kind: str, mode: str) -> int:
    if mode not in modes:
        raise Invalid(f"{kind} mode", mode, f"unknown mode, choose {', '.join(modes)}")
    return modes[mode]

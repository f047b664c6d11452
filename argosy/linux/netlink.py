"""rtnetlink(7), as much as containers need: devices, addresses, routes.  About 0.1 ms for each request.

A socket belongs for good to the network namespace that it was made in: `Netlink(path)` configures the one at `path`.
"""

from __future__ import annotations

import os
import struct
from _socket import AF_INET, AF_INET6, SOCK_CLOEXEC, SOCK_RAW, inet_ntop, inet_pton, socket

from argosy.errors import Invalid, NotFound
from argosy.linux import namespaces
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

_AF_NETLINK, _NETLINK_ROUTE = 16, 0
_SOL_NETLINK, _GET_STRICT_CHK = 270, 12  # what a listing is to be of counts

# Message types and flags (linux/netlink.h, linux/rtnetlink.h).
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
RTM_NEWLINK, _RTM_DELLINK, _RTM_GETLINK = 16, 17, 18
_RTM_NEWADDR, _RTM_GETADDR, _RTM_NEWROUTE, _RTM_GETROUTE, _RTM_NEWRULE = 20, 22, 24, 26, 32
_REQUEST, _ACK, EXCL, CREATE, _DUMP = 0x001, 0x004, 0x200, 0x400, 0x300
_DUMP_INTERRUPTED = 0x010
_PEEK_SIZE = 0x02 | 0x20  # MSG_PEEK | MSG_TRUNC

# Attributes.
IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_MASTER, IFLA_LINKINFO = 1, 3, 4, 10, 18
IFLA_INFO_KIND = 1
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_RTA_DST, _RTA_OIF, _RTA_GATEWAY, _RTA_PRIORITY, _RTA_TABLE = 1, 4, 5, 6, 15
_FRA_SRC, _FR_ACT_TO_TBL = 2, 1

_RT_TABLE_MAIN, _RTPROT_BOOT, _RT_SCOPE_UNIVERSE, _RT_SCOPE_LINK, _RTN_UNICAST = 254, 3, 0, 253, 1
_IFF_UP = 1
_IFA_F_NODAD = 0x02

_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
LINK = struct.Struct("=BxHiII")  # family, device type, index, flags, change mask
_ADDRESS = struct.Struct("=BBBBI")  # family, prefix length, flags, scope, index
_ROUTE = struct.Struct("=BBBBBBBBI")  # family, destination and source lengths, tos, table, protocol, scope, type, flags
_ATTRIBUTE = struct.Struct("=HH")  # length, type


class Link(Value):
    """A network device.  `kind` is "veth", "bridge", ... or "" for hardware and loopback; `master` is 0 for none."""

    index: int
    name: str
    flags: int
    mtu: int
    mac: str
    kind: str = ""
    master: int = 0

    def is_up(self) -> bool:
        """Whether it was set up; that there is a carrier is another thing."""
        return bool(self.flags & _IFF_UP)


class Address(Value):
    """An address of a device, such as 10.88.0.2 with prefix length 16."""

    index: int
    address: str
    prefix: int

    def __str__(self) -> str:
        return f"{self.address}/{self.prefix}"


class Route(Value):
    """A route in the main table; `destination` is "" for the default route, `gateway` for a direct one."""

    family: int
    destination: str
    prefix: int
    gateway: str
    index: int


class Netlink:
    """A connection to the kernel's network configuration; close it, or use it in a `with` block.

    What the kernel refuses is an OSError with its number, and the object as file name.
    """

    def __init__(self, netns: str = "") -> None:
        """Speak of the network namespace at the path `netns`, or of the calling thread's."""
        self._socket = namespaces.in_network(netns, _route_socket) if netns else _route_socket()
        self._socket.bind((0, 0))
        try:
            self._socket.setsockopt(_SOL_NETLINK, _GET_STRICT_CHK, 1)
        except OSError:
            pass  # Linux before 4.20 lists the addresses of all devices
        self._sequence = 0

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def links(self) -> list[Link]:
        """All devices."""
        return [_link(body) for body in self._dump(_RTM_GETLINK, LINK.pack(0, 0, 0, 0, 0))]

    def link(self, name: str) -> Link:
        """The device of this name.  Raises NotFound."""
        body = LINK.pack(0, 0, 0, 0, 0) + attribute(IFLA_IFNAME, device_name(name))
        try:
            return _link(next(self._ask(_RTM_GETLINK, 0, body, name)))
        except OSError as error:
            if error.errno == 19:
                raise NotFound("network device", name) from error
            raise

    def set_up(self, index: int, *, up: bool = True) -> None:
        """Set the device up or down."""
        self.change(RTM_NEWLINK, 0, LINK.pack(0, 0, index, _IFF_UP if up else 0, _IFF_UP), f"device {index}")

    def delete_link(self, index: int) -> None:
        """Remove the device."""
        self.change(_RTM_DELLINK, 0, LINK.pack(0, 0, index, 0, 0), f"device {index}")

    def addresses(self, index: int = 0) -> list[Address]:
        """The addresses of the device, or of all."""
        found = [_address(body) for body in self._dump(_RTM_GETADDR, _ADDRESS.pack(0, 0, 0, 0, index))]
        return [address for address in found if index in (0, address.index)]

    def add_address(self, index: int, address: str) -> None:
        """Give the device an address such as "10.88.0.2/16"; an IPv6 one is usable at once (no duplicate detection)."""
        family, packed, prefix = _parse(address)
        flags = _IFA_F_NODAD if family == AF_INET6 else 0
        body = _ADDRESS.pack(family, prefix, flags, _RT_SCOPE_UNIVERSE, index)
        body += attribute(_IFA_LOCAL, packed) + attribute(_IFA_ADDRESS, packed)
        self.change(_RTM_NEWADDR, CREATE | EXCL, body, address)

    def routes(self, family: int = AF_INET) -> list[Route]:
        """The unicast routes of this family in the main table."""
        bodies = self._dump(_RTM_GETROUTE, _ROUTE.pack(family, 0, 0, 0, 0, 0, 0, 0, 0))
        return [route for route in map(_route, bodies) if route is not None]

    def add_route(
        self, destination: str, gateway: str = "", index: int = 0, metric: int = 0, *, table: int = _RT_TABLE_MAIN
    ) -> None:
        """Route "10.0.0.0/8", or "default", through a gateway, or straight out of a device.

        Of several routes to one destination that with the lowest metric counts; `table` is below 256.
        """
        family, packed, prefix = AF_INET6 if ":" in gateway else AF_INET, b"", 0
        if destination != "default":
            family, packed, prefix = _parse(destination)
        scope = _RT_SCOPE_UNIVERSE if gateway or family == AF_INET6 else _RT_SCOPE_LINK
        body = _ROUTE.pack(family, prefix, 0, 0, table, _RTPROT_BOOT, scope, _RTN_UNICAST, 0)
        if prefix:
            body += attribute(_RTA_DST, packed)
        if gateway:
            body += attribute(_RTA_GATEWAY, _parse(gateway)[1])
        if index:
            body += attribute(_RTA_OIF, struct.pack("=I", index))
        if metric:
            body += attribute(_RTA_PRIORITY, struct.pack("=I", metric))
        self.change(_RTM_NEWROUTE, CREATE | EXCL, body, f"{destination} via {gateway or index}")

    def add_default_route(self, gateway: str, index: int = 0) -> None:
        """Route everything else through `gateway`."""
        self.add_route("default", gateway, index)

    def add_rule(self, source: str, table: int) -> None:
        """Route what is sent from the address or subnet `source` by a table of its own."""
        family, packed, prefix = _parse(source)
        body = _ROUTE.pack(family, 0, prefix, 0, table, 0, 0, _FR_ACT_TO_TBL, 0) + attribute(_FRA_SRC, packed)
        self.change(_RTM_NEWRULE, CREATE | EXCL, body, f"rule from {source}")

    def change(self, kind: int, flags: int, body: bytes, what: str) -> None:
        """Send a request that changes something, and wait until it is done; `what` is named when it is refused."""
        for _ in self._ask(kind, flags | _ACK, body, what):
            pass

    def _dump(self, kind: int, body: bytes) -> list[bytes]:
        """A listing, made again when what it lists changed meanwhile.

        The first is read to its end all the same: a dump on a connection where another runs is refused with EBUSY.
        """
        while True:
            try:
                return list(self._ask(kind, _DUMP, body, ""))
            except InterruptedError:
                continue

    def _ask(self, kind: int, flags: int, body: bytes, what: str) -> Iterator[bytes]:
        """Send a request; the bodies of the answers, up to the last.  Answers to an earlier request are passed over."""
        self._sequence += 1
        length = _HEADER.size + len(body)
        self._socket.send(_HEADER.pack(length, kind, flags | _REQUEST, self._sequence, 0) + body)
        interrupted = 0
        while True:
            for answer, answer_flags, content in self._messages():
                interrupted |= answer_flags & _DUMP_INTERRUPTED
                if answer in (_NLMSG_ERROR, _NLMSG_DONE):
                    _raise_error(content, what)
                    if interrupted:
                        raise InterruptedError(4, "the list changed while it was read")
                    return
                yield content
                if not flags & _DUMP:
                    return

    def _messages(self) -> Iterator[tuple[int, int, bytes]]:
        """The messages of one datagram, which is taken whole: its size is asked first."""
        size = self._socket.recv_into(bytearray(1), 1, _PEEK_SIZE)
        data = self._socket.recv(size)
        while len(data) >= _HEADER.size:
            length, kind, flags, sequence, _ = _HEADER.unpack_from(data)
            if sequence == self._sequence:
                yield kind, flags, data[_HEADER.size : length]
            data = data[max((length + 3) & ~3, _HEADER.size) :]


def _route_socket() -> socket:
    return socket(_AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, _NETLINK_ROUTE)


def _raise_error(content: bytes, what: str) -> None:
    number = -struct.unpack_from("=i", content)[0] if len(content) >= 4 else 0
    if number > 0:
        raise OSError(number, os.strerror(number), what or None)


def attribute(kind: int, value: bytes) -> bytes:
    """An attribute as the kernel reads it, with its padding."""
    length = _ATTRIBUTE.size + len(value)
    return _ATTRIBUTE.pack(length, kind) + value + bytes(-length % 4)


def _attributes(data: bytes) -> dict[int, bytes]:
    found = {}
    while len(data) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(data)
        if length < _ATTRIBUTE.size:
            break
        found[kind & 0x3FFF] = data[_ATTRIBUTE.size : length]
        data = data[(length + 3) & ~3 :]
    return found


def device_name(name: str) -> bytes:
    """The name as an attribute's value.  Raises Invalid for one that no device can have."""
    encoded = os.fsencode(name)
    if not 0 < len(encoded) < 16:
        raise Invalid("network device", name, "a name has 1 to 15 bytes")
    return encoded + b"\0"


def _parse(address: str) -> tuple[int, bytes, int]:
    """Family, bytes and prefix length of "ADDRESS" or "ADDRESS/PREFIX"."""
    text, slash, prefix = address.partition("/")
    family, bits = (AF_INET6, 128) if ":" in text else (AF_INET, 32)
    try:
        packed = inet_pton(family, text)
    except OSError:
        raise Invalid("address", address, "not an IP address") from None
    if not slash:
        return family, packed, bits
    if not (prefix.isascii() and prefix.isdecimal()) or int(prefix) > bits:
        raise Invalid("address", address, f"the prefix length is not between 0 and {bits}")
    return family, packed, int(prefix)


def _number(attributes: dict[int, bytes], kind: int) -> int:
    value = attributes.get(kind, b"")
    return int(struct.unpack_from("=I", value)[0]) if len(value) >= 4 else 0


def _text(value: bytes) -> str:
    return os.fsdecode(value.rstrip(b"\0"))


def _link(body: bytes) -> Link:
    _, _, index, flags, _ = LINK.unpack_from(body)
    found = _attributes(body[LINK.size :])
    info = _attributes(found.get(IFLA_LINKINFO, b""))
    return Link(
        index=index,
        name=_text(found.get(IFLA_IFNAME, b"")),
        flags=flags,
        mtu=_number(found, IFLA_MTU),
        mac=found.get(IFLA_ADDRESS, b"").hex(":"),
        kind=_text(info.get(IFLA_INFO_KIND, b"")),
        master=_number(found, IFLA_MASTER),
    )


def _address(body: bytes) -> Address:
    family, prefix, _, _, index = _ADDRESS.unpack_from(body)
    found = _attributes(body[_ADDRESS.size :])
    return Address(index, inet_ntop(family, found.get(_IFA_LOCAL) or found[_IFA_ADDRESS]), prefix)


def _route(body: bytes) -> Route | None:
    family, prefix, _, _, table, _, _, kind, _ = _ROUTE.unpack_from(body)
    found = _attributes(body[_ROUTE.size :])
    if (_number(found, _RTA_TABLE) or table) != _RT_TABLE_MAIN or kind != _RTN_UNICAST:
        return None
    return Route(
        family=family,
        destination=inet_ntop(family, found[_RTA_DST]) if _RTA_DST in found else "",
        prefix=prefix,
        gateway=inet_ntop(family, found[_RTA_GATEWAY]) if _RTA_GATEWAY in found else "",
        index=_number(found, _RTA_OIF),
    )

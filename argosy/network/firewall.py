"""One nftables table for all networks: what is masqueraded, kept apart, and led to published ports.

The rules never change; what they decide by stands in sets and maps, to which every bridge and every container adds
elements of its own.  Each change is one transaction, and costs the same however many containers there are.

<shared>/networks/firewall/<name>   the elements of a bridge or container, as nft(8) lines

is what the table is made again from when somebody flushed it.  A packet is dropped here only where networks are to be
kept apart; what may reach a container otherwise is the host's own firewall's to say.
"""

from __future__ import annotations

import os

from argosy.errors import InUse
from argosy.linux import files, locks, nft, process
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from argosy.network.model import Network

TABLE = "argosy"
_LIMIT = 64 << 20  # bytes of a file of elements: two for each port there is are 8 MB

# `published` comes before routing, for packets from outside and for the host's own.  `guard` shuts the door that
# route_localnet opens: nobody on a bridge may speak to the host's loopback addresses (compare CVE-2020-8558).
# `refusing` answers at once where there is no way, from ::1: who asks for `localhost` goes on to 127.0.0.1.
_SETS = """
set bridges { type ifname; }
set internal { type ifname; }
set isolated { type ifname; }
set strict { type ifname; }
set same { type ifname . ifname; }
set inside4 { type ipv4_addr; flags interval; }
set inside6 { type ipv6_addr; flags interval; }
map ports4 { type inet_proto . inet_service : ipv4_addr . inet_service; }
map ports6 { type inet_proto . inet_service : ipv6_addr . inet_service; }
map ports4_at { type inet_proto . ipv4_addr . inet_service : ipv4_addr . inet_service; }
map ports6_at { type inet_proto . ipv6_addr . inet_service : ipv6_addr . inet_service; }
chain guard { type filter hook prerouting priority raw; policy accept; }
chain published { }
chain arriving { type nat hook prerouting priority dstnat; policy accept; }
chain local { type nat hook output priority -100; policy accept; }
chain leaving { type nat hook postrouting priority srcnat; policy accept; }
chain refusing { type filter hook output priority filter; policy accept; }
chain passing { type filter hook forward priority filter; policy accept; }
"""
_TRANSPORT = "meta l4proto { tcp, udp, sctp }"
_FROM_LOOPBACK = "ip6 saddr ::1 ip6 daddr @inside6 ct status dnat"
_RULES: dict[str, tuple[str, ...]] = {
    "guard": ("iifname @bridges ip daddr 127.0.0.0/8 drop",),
    "published": (
        f"{_TRANSPORT} dnat ip to meta l4proto . ip daddr . th dport map @ports4_at",
        f"{_TRANSPORT} dnat ip6 to meta l4proto . ip6 daddr . th dport map @ports6_at",
        f"{_TRANSPORT} dnat ip to meta l4proto . th dport map @ports4",
        f"{_TRANSPORT} dnat ip6 to meta l4proto . th dport map @ports6",
    ),
    "arriving": ("fib daddr type local jump published",),
    "local": ("fib daddr type local jump published",),
    "leaving": (
        "oifname @bridges ct status dnat ip saddr 127.0.0.0/8 masquerade",
        "oifname @bridges ct status dnat ip saddr @inside4 masquerade",
        "oifname @bridges ct status dnat ip6 saddr @inside6 masquerade",
        "oifname != @bridges ip saddr @inside4 ip daddr != 224.0.0.0/4 masquerade",
        "oifname != @bridges ip6 saddr @inside6 ip6 daddr != ff00::/8 masquerade",
    ),
    "refusing": (
        f"{_FROM_LOOPBACK} meta l4proto tcp reject with tcp reset",
        f"{_FROM_LOOPBACK} reject",
    ),
    "passing": (
        "ct state established,related accept",
        "iifname . oifname @same accept",
        "iifname @internal drop",
        "oifname @internal drop",
        "iifname @isolated oifname @isolated drop",
        "iifname @strict oifname @bridges drop",
        "iifname @bridges oifname @strict drop",
    ),
}


class Mapping(Value):
    """A port of the host ("" for any of its addresses) that leads to a port of a container's address."""

    protocol: str
    host_ip: str
    host_port: int
    address: str
    port: int


def base() -> str:
    """The table with its rules and nothing in its sets."""
    lines = [f"add table inet {TABLE}"]
    for line in _SETS.strip().splitlines():
        kind, rest = line.split(" ", 1)
        lines.append(f"add {kind} inet {TABLE} {rest}")
    for chain, rules in _RULES.items():
        lines += [f"add rule inet {TABLE} {chain} {rule}" for rule in rules]
    return "\n".join(lines) + "\n"


def of_network(network: Network) -> tuple[str, ...]:
    """The elements of a bridge, each as "SET { ELEMENT }"."""
    bridge = f'"{network.interface}"'
    found = [f"bridges {{ {bridge} }}", f"same {{ {bridge} . {bridge} }}"]
    if network.internal:
        found.append(f"internal {{ {bridge} }}")
    else:
        found += [f"inside{_family(subnet.subnet)} {{ {subnet.subnet} }}" for subnet in network.subnets]
    isolate = network.options.get("isolate", "")
    if isolate == "strict":
        found.append(f"strict {{ {bridge} }}")
    if isolate == "strict" or network.is_set("isolate"):
        found.append(f"isolated {{ {bridge} }}")
    return tuple(found)


def of_ports(mappings: Iterable[Mapping]) -> tuple[str, ...]:
    """The elements of a container's published ports."""
    found = []
    for mapping in mappings:
        family = _family(mapping.address)
        target = f"{mapping.address} . {mapping.port}"
        if mapping.host_ip:
            key = f"{mapping.protocol} . {mapping.host_ip} . {mapping.host_port}"
            found.append(f"ports{family}_at {{ {key} : {target} }}")
        else:
            found.append(f"ports{family} {{ {mapping.protocol} . {mapping.host_port} : {target} }}")
    return tuple(found)


def add(shared: str, name: str, elements: Sequence[str]) -> None:
    """Put the elements of the bridge or container `name` in force, in place of those that it had.

    Applied in the network namespace that the thread is in.  Raises InUse when another container has one of the ports,
    NotFound without nft, ProgramFailed when it refuses.
    """
    place = directory(shared)
    with _locked(place):
        if _read(place, name) == tuple(elements) and is_whole():
            return
        _check_free(place, name, elements)
        old = _read(place, name)
        files.write_atomic(f"{place}/{name}", "".join(f"{element}\n" for element in elements).encode())
        _change(place, old, elements)


def elements(shared: str, name: str) -> tuple[str, ...]:
    """The elements of a bridge or container, as they were added."""
    return _read(directory(shared), name)


def put(shared: str, name: str, elements: Sequence[str]) -> None:
    """The same as `add`, or `drop` where there are none."""
    if elements:
        add(shared, name, elements)
    else:
        drop(shared, name)


def drop(shared: str, name: str) -> None:
    """Take the elements of a bridge or container away.  Idempotent."""
    place = directory(shared)
    if not os.path.exists(f"{place}/{name}"):
        return
    with _locked(place):
        old = _read(place, name)
        files.unlink_missing(f"{place}/{name}")
        if not nft.exists("inet", TABLE):
            return
        if os.listdir(place):
            _change(place, old, ())
        else:
            nft.apply(f"delete table inet {TABLE}\n")


def is_there() -> bool:
    """Whether the table is, in the network namespace that the thread is in.  Raises OSError without nf_tables."""
    return nft.exists("inet", TABLE)


def restore(shared: str) -> None:
    """Make the table again from what is written down, whatever it holds now."""
    place = directory(shared)
    with _locked(place):
        _remake(place)


def directory(shared: str) -> str:
    """Where the elements of each bridge and container are."""
    return f"{shared}/networks/firewall"


def _change(place: str, old: Iterable[str], new: Iterable[str]) -> None:
    """Exchange elements; where the table is not what we left, all of it is made again.

    The rules are left alone: to write them again costs the kernel three times as much as all the rest.
    """
    if is_whole():
        removed = [f"delete element inet {TABLE} {element}\n" for element in old if element not in new]
        added = [f"add element inet {TABLE} {element}\n" for element in new]
        try:
            nft.apply("".join([*removed, *added]))
        except process.ProgramFailed:
            pass  # an element that is to go is gone, or one of another shape is in its place
        else:
            return
    _remake(place)


def is_whole() -> bool:
    """Whether the table is there with as many rules as we made: `nft flush` leaves it without.

    In the network namespace that the thread is in.
    """
    texts = [rule for rules in _RULES.values() for rule in rules]
    jumps = {chain: sum(rule.endswith(f"jump {chain}") for rule in texts) for chain in _RULES}
    return nft.uses("inet", TABLE) == {chain: len(rules) + jumps[chain] for chain, rules in _RULES.items()}


def _remake(place: str) -> None:
    """Make the table again.  One that this nft(8) cannot read, as a newer one wrote it, goes before."""
    try:
        nft.apply(_whole(place))
    except process.ProgramFailed:
        nft.delete_table("inet", TABLE)
        nft.apply(_whole(place))


def _check_free(place: str, name: str, elements: Sequence[str]) -> None:
    """Raise InUse when one of the ports is led to another container already, on the same address or on all."""
    wanted = {_port(element) for element in elements if element.startswith("ports")}
    if not wanted:
        return
    by_number: dict[tuple[str, ...], set[str]] = {}
    for *number, address in wanted:
        by_number.setdefault(tuple(number), set()).add(address)
    for other in os.listdir(place):
        for found in _read(place, other) if other != name else ():
            if not found.startswith("ports"):
                continue
            *number, theirs = _port(found)
            ours = by_number.get(tuple(number), set())
            if not ours or (theirs and "" not in ours and theirs not in ours):
                continue
            _, protocol, port = number
            address = theirs if theirs in ours else min(ours)
            where = f"{address or '0.0.0.0'}:{port}"  # noqa: S104 -- what is shown for all addresses
            error = InUse("port", where, (other,))
            error.brief = f"cannot listen on the {protocol.upper()} port: {where}: address already in use"
            error.exit_code = 126  # podman's
            error.details = f"container {other[:12]} has it"
            error.hint = "choose another port of the host with --publish"
            raise error


def _port(element: str) -> tuple[str, str, str, str]:
    """Family, protocol, number and address ("" for all) of a port of the host."""
    protocol, *address, port = element.partition(" : ")[0].partition("{ ")[2].split(" . ")
    return element[5], protocol, port, "".join(address)


def _whole(place: str) -> str:
    lines = [f"add table inet {TABLE}\ndelete table inet {TABLE}\n", base()]
    for name in sorted(os.listdir(place)):
        lines += [f"add element inet {TABLE} {element}\n" for element in _read(place, name)]
    return "".join(lines)


def _read(place: str, name: str) -> tuple[str, ...]:
    try:
        return tuple(files.read(f"{place}/{name}", _LIMIT).decode("utf-8", "replace").splitlines())
    except FileNotFoundError:
        return ()


def _locked(place: str) -> locks.Lock:
    files.make_directories(place)
    lock = locks.acquire(place)
    assert lock is not None
    return lock


def _family(address: str) -> int:
    return 6 if ":" in address else 4

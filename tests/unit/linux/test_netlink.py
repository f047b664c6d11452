"""rtnetlink in network namespaces of the test's own, against pyroute2 and the kernel."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from argosy.errors import Invalid, NotFound
from argosy.linux import namespaces, netdevices, nft, process
from argosy.linux.netlink import Address, Link, Netlink, Route
from tests.rig import host

pytestmark = [host.needs_root, host.needs_program("ip")]


class Oracle:
    """ip(8) makes things in the namespace, and pyroute2 tells what is there; both in processes of their own."""

    LIST = """
import json, sys
from pyroute2 import IPRoute
ip = IPRoute()
links = [
    {
        "index": m["index"], "flags": m["flags"], "name": m.get_attr("IFLA_IFNAME"), "mtu": m.get_attr("IFLA_MTU"),
        "mac": m.get_attr("IFLA_ADDRESS"), "master": m.get_attr("IFLA_MASTER") or 0,
        "kind": (m.get_attr("IFLA_LINKINFO").get_attr("IFLA_INFO_KIND") if m.get_attr("IFLA_LINKINFO") else ""),
    }
    for m in ip.get_links()
]
addresses = [[m["index"], m.get_attr("IFA_ADDRESS"), m["prefixlen"], m["flags"]] for m in ip.get_addr()]
routes = [
    [m["family"], m.get_attr("RTA_DST") or "", m["dst_len"], m.get_attr("RTA_GATEWAY") or "", m.get_attr("RTA_OIF")]
    for m in ip.get_routes(table=254) if m["type"] == 1
]
print(json.dumps([links, addresses, routes]))
"""

    def __init__(self, netns: str) -> None:
        self._nsenter = ["nsenter", f"--net={netns}"]

    def ip(self, *words: str) -> None:
        subprocess.run([*self._nsenter, "ip", *words], check=True)

    def read(self) -> Any:
        """Links, addresses (with flags) and the unicast routes of the main table."""
        argv = [*self._nsenter, sys.executable, "-W", "ignore", "-c", self.LIST]
        return json.loads(subprocess.run(argv, check=True, capture_output=True).stdout)


@pytest.fixture
def netns(tmp_path: Path) -> Iterator[str]:
    path = f"{tmp_path}/net"
    namespaces.new_network(path)
    yield path
    namespaces.remove_network(path)


@pytest.fixture
def connection(netns: str) -> Iterator[Netlink]:
    with Netlink(netns) as made:
        yield made


@pytest.fixture
def oracle(netns: str) -> Oracle:
    if importlib.util.find_spec("pyroute2") is None:
        pytest.skip("pyroute2 is not installed")
    return Oracle(netns)


@pytest.fixture
def device(oracle: Oracle, connection: Netlink) -> int:
    """The index of a device that is up and leads nowhere."""
    oracle.ip("link", "add", "test0", "type", "veth", "peer", "name", "test1")
    oracle.ip("link", "set", "test1", "up")
    oracle.ip("link", "set", "test0", "up")
    return connection.link("test0").index


def test_a_new_namespace_has_its_loopback_device_only(connection: Netlink) -> None:
    [loopback] = connection.links()
    assert (loopback.name, loopback.index, loopback.is_up()) == ("lo", 1, False)
    assert connection.link("lo") == loopback
    assert connection.addresses() == []
    assert connection.routes() == []


def test_a_listing_while_devices_come_and_go(netns: str, connection: Netlink) -> None:
    """The kernel marks such a listing as interrupted, and refuses the next one while the first is not read."""
    with Netlink(netns) as other:
        for number in range(60):
            netdevices.add_bridge(other, f"stays{number}")

        def change() -> None:
            for _ in range(60):
                netdevices.add_bridge(other, "goes")
                other.delete_link(other.link("goes").index)

        changing = threading.Thread(target=change)
        changing.start()
        while changing.is_alive():
            assert len([link for link in connection.links() if link.name.startswith("stays")]) == 60
        changing.join()


def test_a_device_goes_up_and_down(connection: Netlink, oracle: Oracle) -> None:
    for up in (True, False, True):
        connection.set_up(1, up=up)
        assert connection.link("lo").is_up() == up
        assert bool(oracle.read()[0][0]["flags"] & 1) == up
    assert Address(1, "127.0.0.1", 8) in connection.addresses()


def test_devices_look_as_pyroute2_sees_them(connection: Netlink, oracle: Oracle) -> None:
    oracle.ip("link", "add", "br0", "type", "bridge")
    oracle.ip("link", "add", "one", "type", "veth", "peer", "name", "two")
    oracle.ip("link", "set", "one", "master", "br0", "mtu", "1400")
    links = connection.links()
    assert {link.name: link for link in links} == {theirs["name"]: Link(**theirs) for theirs in oracle.read()[0]}
    assert [connection.link(link.name) for link in links] == links
    connection.delete_link(connection.link("one").index)
    assert {link.name for link in connection.links()} == {"lo", "br0"}


@pytest.mark.parametrize("address", ["10.88.0.2/16", "192.168.1.1", "fd00::2/64", "fe80::1/64"])
def test_an_address_is_given(connection: Netlink, oracle: Oracle, device: int, address: str) -> None:
    connection.add_address(device, address)
    bare, _, prefix = address.partition("/")
    wanted = Address(device, bare, int(prefix or 32))
    assert str(wanted) == f"{bare}/{prefix or 32}"
    assert wanted in connection.addresses(device)
    [flags] = [flags for *theirs, flags in oracle.read()[1] if Address(*theirs) == wanted]
    assert not flags & 0x40  # IFA_F_TENTATIVE: it can be used at once
    with pytest.raises(FileExistsError) as raised:
        connection.add_address(device, address)
    assert raised.value.filename == address
    assert connection.addresses(1) == []


@pytest.mark.parametrize(
    ("own", "destination", "gateway"),
    [
        ("10.88.0.2/16", "default", "10.88.0.1"),
        ("10.88.0.2/16", "172.16.0.0/12", "10.88.0.1"),
        ("10.88.0.2/16", "192.168.0.0/24", ""),
        ("fd00::2/64", "default", "fd00::1"),
        ("fd00::2/64", "2001:db8::/32", "fd00::1"),
    ],
)
def test_a_route_is_added(
    connection: Netlink, oracle: Oracle, device: int, own: str, destination: str, gateway: str
) -> None:
    family = 10 if ":" in own else 2
    connection.add_address(device, own)
    if destination == "default":
        connection.add_default_route(gateway)
    else:
        connection.add_route(destination, gateway, device)
    bare, _, prefix = ("", "", "0") if destination == "default" else destination.partition("/")
    assert Route(family, bare, int(prefix), gateway, device) in connection.routes(family)
    theirs = {Route(*route) for route in oracle.read()[2]}
    assert theirs == {*connection.routes(2), *connection.routes(10)}
    with pytest.raises(FileExistsError):
        connection.add_route(destination, gateway, device)


@pytest.mark.parametrize(
    ("own", "gateway", "elsewhere"),
    [("169.254.77.2/30", "169.254.77.1", "192.0.2.1"), ("fd00:77::2/64", "fd00:77::1", "2001:db8::1")],
)
def test_what_comes_from_an_address_has_routes_of_its_own(
    connection: Netlink, oracle: Oracle, device: int, own: str, gateway: str, elsewhere: str
) -> None:
    connection.add_address(device, own)
    connection.add_route("default", gateway, device, table=77)
    with pytest.raises(subprocess.CalledProcessError):
        oracle.ip("route", "get", elsewhere)
    connection.add_rule(own.partition("/")[0], 77)
    oracle.ip("route", "get", elsewhere, "from", own.partition("/")[0])


def test_a_listing_may_take_many_datagrams(connection: Netlink, oracle: Oracle, device: int) -> None:
    for number in range(300):
        connection.add_address(device, f"10.{number // 250}.{number % 250}.1/32")
    found = connection.addresses()
    assert len(found) >= 300
    assert found == [Address(*theirs) for *theirs, _ in oracle.read()[1]]


def test_what_the_kernel_refuses_names_the_object(connection: Netlink) -> None:
    with pytest.raises(NotFound, match="no such network device: missing0"):
        connection.link("missing0")
    with pytest.raises(OSError, match="No such device") as raised:
        connection.add_address(99, "10.0.0.1/8")
    assert raised.value.filename == "10.0.0.1/8"
    with pytest.raises(OSError, match="unreachable") as raised:
        connection.add_default_route("10.0.0.1")
    assert raised.value.filename == "default via 10.0.0.1"


@pytest.mark.parametrize(
    "address",
    ["", "10.0.0", "10.0.0.1/33", "10.0.0.1/", "10.0.0.1/x", "::1/129", "name", "10.0.0.1/-1", "1.2.3.4/\u0663"],
)
def test_addresses_that_are_none_are_refused(connection: Netlink, address: str) -> None:
    with pytest.raises(Invalid, match="invalid address"):
        connection.add_address(1, address)


@pytest.mark.parametrize("name", ["", "x" * 16])
def test_device_names_have_a_length(connection: Netlink, name: str) -> None:
    with pytest.raises(Invalid, match="1 to 15 bytes"):
        connection.link(name)


def test_answers_to_an_abandoned_question_do_not_confuse_the_next(connection: Netlink) -> None:
    for _ in range(3):
        next(connection._ask(18, 0x300, bytes(16), ""))  # a listing of which only the first answer is read
        assert connection.link("lo").name == "lo"
        assert len(connection.links()) == 1


def test_no_descriptor_stays_open(netns: str) -> None:
    before = len(os.listdir("/proc/self/fd"))
    with Netlink(netns) as connection:
        connection.links()
    assert len(os.listdir("/proc/self/fd")) == before
    with pytest.raises(FileNotFoundError):
        Netlink(f"{netns}.missing")
    assert len(os.listdir("/proc/self/fd")) == before


@host.needs_program("nft")
def test_rules_are_applied_all_or_none(netns: str) -> None:
    good = "table inet tried {\n chain input {\n type filter hook input priority 0;\n }\n}\n"
    bad = "table inet other {\n}\nadd rule inet nosuch nosuch accept\n"

    def within() -> None:
        nft.apply(good)
        assert "type filter hook input" in nft.list_table("inet", "tried")
        with pytest.raises(process.ProgramFailed, match=r"nft failed with exit status 1: .*No such file"):
            nft.apply(bad)
        assert nft.list_table("inet", "other") == ""
        with pytest.raises(process.ProgramFailed, match="syntax error"):
            nft.apply("table inet {")

    namespaces.in_network(netns, within)
    assert nft.list_table("inet", "tried") == ""

"""Network devices made in namespaces of the test's own, as the kernel and ip(8) see them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from argosy.errors import Invalid
from argosy.linux import namespaces, netdevices
from argosy.linux.netlink import Netlink
from tests.rig import host

pytestmark = [host.needs_root, host.needs_program("ip")]


class Namespace:
    """A network namespace at a path, a connection to it, and what `ip -d link` says of a device in it."""

    def __init__(self, path: str) -> None:
        namespaces.new_network(path)
        self.path = path
        self.net = Netlink(path)
        self.fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def shows(self, name: str) -> dict[str, Any]:
        argv = ["nsenter", f"--net={self.path}", "ip", "-d", "-j", "link", "show", name]
        [link] = json.loads(subprocess.run(argv, check=True, capture_output=True).stdout)
        assert isinstance(link, dict)
        return link

    def close(self) -> None:
        os.close(self.fd)
        self.net.close()
        namespaces.remove_network(self.path)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Namespace]:
    made = Namespace(f"{tmp_path}/here")
    yield made
    made.close()


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Namespace]:
    made = Namespace(f"{tmp_path}/there")
    yield made
    made.close()


def test_a_bridge_has_a_mac_address_that_its_ports_do_not_change(here: Namespace, there: Namespace) -> None:
    netdevices.add_bridge(here.net, "br0", mtu=1400)
    bridge = here.net.link("br0")
    assert (bridge.kind, bridge.mtu, bridge.is_up()) == ("bridge", 1400, True)
    for number in range(4):
        netdevices.add_veth(here.net, f"veth{number}", "eth0", there.fd, master=bridge.index)
        there.net.delete_link(there.net.link("eth0").index)
        assert here.net.link("br0").mac == bridge.mac
    with pytest.raises(FileExistsError, match="br0"):
        netdevices.add_bridge(here.net, "br0")


def test_a_pair_of_devices_joins_a_bridge_with_another_namespace(here: Namespace, there: Namespace) -> None:
    netdevices.add_bridge(here.net, "br0")
    bridge = here.net.link("br0").index
    netdevices.add_veth(here.net, "veth7", "eth0", there.fd, master=bridge, mtu=1300, mac="92:d0:c6:0a:29:33")
    inside, outside = there.net.link("eth0"), here.net.link("veth7")
    assert (inside.mac, inside.mtu, inside.is_up()) == ("92:d0:c6:0a:29:33", 1300, False)
    assert (outside.master, outside.mtu, outside.is_up()) == (bridge, 1300, True)
    there.net.set_up(inside.index)
    assert here.shows("veth7")["operstate"] == "UP"
    assert here.shows("veth7")["linkinfo"]["info_slave_data"]["hairpin"] is False
    netdevices.let_back(here.net, outside.index)
    assert here.shows("veth7")["linkinfo"]["info_slave_data"]["hairpin"] is True


@pytest.mark.parametrize("mode", list(netdevices.MACVLAN_MODES))
def test_a_macvlan_device_has_its_mode(here: Namespace, there: Namespace, mode: str) -> None:
    netdevices.add_bridge(here.net, "parent")
    parent = here.net.link("parent").index
    netdevices.add_macvlan(here.net, "eth0", parent, there.fd, mode=mode, mac="92:d0:c6:0a:29:34")
    shown = there.shows("eth0")
    assert (shown["linkinfo"]["info_kind"], shown["linkinfo"]["info_data"]["mode"]) == ("macvlan", mode)
    assert mode == "passthru" or shown["address"] == "92:d0:c6:0a:29:34"


@host.needs_link_kind("ipvlan")
@pytest.mark.parametrize("mode", list(netdevices.IPVLAN_MODES))
def test_an_ipvlan_device_has_its_mode(here: Namespace, there: Namespace, mode: str) -> None:
    netdevices.add_bridge(here.net, "parent")
    netdevices.add_ipvlan(here.net, "eth0", here.net.link("parent").index, there.fd, mode=mode, mtu=1200)
    shown = there.shows("eth0")
    assert (shown["linkinfo"]["info_kind"], shown["linkinfo"]["info_data"]["mode"]) == ("ipvlan", mode)
    assert shown["mtu"] == 1200


@host.needs_link_kind("vlan")
def test_a_vlan_has_its_number(here: Namespace) -> None:
    netdevices.add_bridge(here.net, "parent")
    netdevices.add_vlan(here.net, "parent.42", here.net.link("parent").index, 42)
    assert here.shows("parent.42")["linkinfo"]["info_data"]["id"] == 42


def test_a_device_is_changed_and_moved(here: Namespace, there: Namespace) -> None:
    netdevices.add_bridge(here.net, "br0")
    netdevices.add_veth(here.net, "one", "two", here.fd)
    two = here.net.link("two").index
    netdevices.set_mac(here.net, two, "0a:00:00:00:00:01")
    netdevices.set_mtu(here.net, two, 1234)
    netdevices.rename(here.net, two, "three")
    netdevices.set_master(here.net, two, here.net.link("br0").index)
    changed = here.net.link("three")
    assert (changed.mac, changed.mtu, changed.master) == ("0a:00:00:00:00:01", 1234, here.net.link("br0").index)
    netdevices.set_master(here.net, two, 0)
    assert here.net.link("three").master == 0
    netdevices.move(here.net, two, there.fd, "eth9")
    assert there.net.link("eth9").mac == "0a:00:00:00:00:01"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "six bytes"),
        ("92:d0:c6:0a:29", "six bytes"),
        ("92:d0:c6:0a:29:33:44", "six bytes"),
        ("92:d0:c6:0a:29:3x", "six bytes"),
        ("92:d0:c6:0a:29:333", "six bytes"),
        ("01:00:5e:00:00:01", "multicast"),
        ("ff:ff:ff:ff:ff:ff", "multicast"),
        ("00:00:00:00:00:00", "zeros"),
    ],
)
def test_what_is_no_hardware_address_is_refused(text: str, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        netdevices.parse_mac(text)


def test_a_mode_that_the_kernel_does_not_have_is_refused(here: Namespace) -> None:
    with pytest.raises(Invalid, match="unknown mode, choose private, vepa, bridge, passthru"):
        netdevices.add_macvlan(here.net, "eth0", 1, here.fd, mode="source")

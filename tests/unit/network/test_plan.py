"""What `network create` may say: names that mean something else elsewhere, refusals in podman's words, choices."""

from __future__ import annotations

import re
from typing import Any

import pytest

from argosy.errors import ArgosyError, Invalid
from argosy.network.model import Network, Subnet, network_id
from argosy.network.plan import CreateRequest, Surroundings, planned

TAKEN = Network(name="taken", id=network_id("taken"), created_ns=0, subnets=(Subnet("10.99.0.0/24", "10.99.0.1"),))
AROUND = Surroundings(networks=(TAKEN,), routed=("192.0.2.0/24",), devices=("lo", "eth0", "br0"), bridges=("br0",))


def made_of(**fields: Any) -> Network:
    return planned(CreateRequest(**fields), AROUND, 7)


@pytest.mark.parametrize("name", ['x";drop', "e*", "a\\", "a b", "a\nb", "../x", "a:b", ".", "..", "sixteen-letters-"])
def test_names_that_mean_something_else(name: str) -> None:
    with pytest.raises(Invalid, match="bridge name"):
        planned(CreateRequest(name="n", interface=name), Surroundings(), 0)


@pytest.mark.parametrize("name", ["br0", "br-1.2_x", "fifteen-letters"])
def test_names_of_devices(name: str) -> None:
    assert planned(CreateRequest(name="n", interface=name), Surroundings(), 0).interface == name


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"driver": "foo"}, "unsupported driver"),
        ({"subnets": ("10.99.0.0/25",)}, "subnet 10.99.0.0/25 is already used on the host or by another config"),
        ({"subnets": ("192.0.2.0/25",)}, "is already used on the host"),
        ({"subnets": ("127.0.0.0/8",)}, "is already used on the host"),
        ({"subnets": ("0.0.0.0/0",)}, "is already used on the host"),
        ({"subnets": ("224.1.0.0/16",)}, "multicast"),
        ({"interface": "lo"}, "bridge name lo already in use"),
        ({"interface": "eth0"}, "bridge name eth0 already in use"),
        ({"subnets": ("nonsense",)}, "invalid CIDR address: nonsense"),
        ({"subnets": ("10.7.0.0",)}, "invalid CIDR address: 10.7.0.0"),
        ({"subnets": ("10.7.0.0/32",)}, "no room for a gateway"),
        ({"options": {"foo": "bar"}}, "unsupported bridge network option foo"),
        ({"options": {"vlan": "4095"}}, "vlan ID 4095 must be between 0 and 4094"),
        ({"options": {"com.docker.network.bridge.enable_icc": "false"}}, "enable_icc=false is not supported"),
        (
            {"options": {"com.docker.network.nosuch": "x"}},
            "unsupported bridge network option com.docker.network.nosuch",
        ),
        ({"subnets": ("10.7.0.0/24",), "reserved": {"a": "10.8.0.2"}}, "no matching subnet for aux-address 10.8.0.2"),
        ({"ipv4": False}, "needs IPv6 subnets alone"),
        ({"ipv4": False, "ipv6": True, "subnets": ("10.7.0.0/24",)}, "needs IPv6 subnets alone"),
        ({"options": {"mtu": "abc"}}, 'strconv.Atoi: parsing "abc": invalid syntax'),
        ({"options": {"mtu": "-4"}}, "mtu -4 must be between 0 and 65535"),
        ({"options": {"isolate": "maybe"}}, 'strconv.ParseBool: parsing "maybe": invalid syntax'),
        ({"name": "a/b"}, "names must match"),
        ({"name": "taken"}, "network name taken already used: network already exists"),
        ({"name": "none"}, "conflicts with a valid network mode"),
        ({"gateways": ("10.7.0.1",)}, "cannot set gateway or range without subnet"),
        ({"subnets": ("10.7.0.0/24",), "gateways": ("1.2.3.4",)}, "gateway 1.2.3.4 not in subnet 10.7.0.0/24"),
        ({"subnets": ("10.7.0.0/24",), "ranges": ("10.8.0.0/24",)}, "lease range start ip 10.8.0.1 not in subnet"),
        ({"subnets": ("10.7.0.0/24",), "ranges": ("10.7.0.9-10.7.0.3",)}, "is behind its end"),
        ({"ipam": "foo"}, 'unsupported ipam driver "foo"'),
        ({"ipam": "dhcp"}, "argosy has no daemon"),
        ({"driver": "macvlan"}, "needs at least one subnet"),
        ({"driver": "macvlan", "subnets": ("10.7.0.0/24",), "options": {"mode": "foo"}}, 'unknown macvlan mode "foo"'),
        ({"driver": "macvlan", "subnets": ("10.7.0.0/24",), "options": {"parent": "nosuch"}}, "nosuch does not exist"),
        ({"subnets": ("10.7.0.0/24",), "routes": ("10.9.0.0/16",)}, "DESTINATION,GATEWAY"),
        ({"subnets": ("10.7.0.0/24",), "routes": ("10.9.0.0/16,10.8.0.1",)}, "is in no subnet of the network"),
    ],
)
def test_what_cannot_be_is_refused_in_podmans_words(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgosyError, match=re.escape(words)):
        made_of(**fields)


def test_what_is_left_open_is_chosen() -> None:
    made = made_of()
    assert (made.name, made.interface, made.created_ns) == ("podman1", "podman1", 7)
    assert made.subnets == (Subnet("10.89.0.0/24", "10.89.0.1"),)
    assert made.dns
    assert not made_of(dns=False).dns
    four, six = made_of(ipv6=True).subnets
    assert (four.subnet, six.subnet[:2], six.prefix) == ("10.89.0.0/24", "fd", 64)
    ranged = made_of(subnets=("10.7.0.5/24",), ranges=("10.7.0.64/26",)).subnets
    assert ranged == (Subnet("10.7.0.0/24", "10.7.0.1", "10.7.0.65", "10.7.0.127"),)
    both = made_of(subnets=("10.7.0.0/24", "10.8.0.0/24"), gateways=("10.7.0.7",)).subnets
    assert [subnet.gateway for subnet in both] == ["10.7.0.7", "10.8.0.1"]
    assert made_of(ipam="none").subnets == ()
    assert made_of(options={"com.docker.network.bridge.name": "br7"}).interface == "br7"
    assert made_of(options={"com.docker.network.driver.mtu": "1300"}).options == {"mtu": "1300"}


def test_dockers_words_mean_the_same() -> None:
    options = {
        "com.docker.network.driver.mtu": "1400",
        "com.docker.network.bridge.name": "br7",
        "com.docker.network.bridge.enable_icc": "true",
    }
    request = CreateRequest(
        name="n",
        subnets=("10.7.0.0/24", "fd00:7::/64"),
        options=options,
        reserved={"a": "10.7.0.9", "b": "fd00:7:0::9"},
    )
    network = planned(request, Surroundings(), 0)
    assert network.interface == "br7"
    assert network.options == {"mtu": "1400"}
    assert [dict(subnet.reserved) for subnet in network.subnets] == [{"a": "10.7.0.9"}, {"b": "fd00:7::9"}]
    six = planned(CreateRequest(name="n", ipv4=False, ipv6=True), Surroundings(), 0)
    assert [subnet.is_ipv6 for subnet in six.subnets] == [True]

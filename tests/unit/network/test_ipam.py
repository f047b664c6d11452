"""Leases of addresses: one holder each, in turn, within bounds, given back."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from argosy.errors import ArgosyError, InUse
from argosy.network import ipam
from argosy.network.model import Network, Subnet, network_id


def a_network(*subnets: Subnet, ipam_driver: str = "host-local") -> Network:
    return Network(name="n", id=network_id("n"), created_ns=0, subnets=subnets, ipam=ipam_driver)


SMALL = a_network(Subnet("10.1.0.0/29", "10.1.0.1"))
DUAL = a_network(Subnet("10.1.0.0/24", "10.1.0.1"), Subnet("fd00::/64", "fd00::1"))


def leased(place: Path, network: Network, *wanted: str, holder: str = "") -> list[str]:
    return [str(lease) for lease in ipam.lease(str(place), network, holder or str(place), wanted)]


def test_addresses_are_given_in_turn_and_not_soon_again(tmp_path: Path) -> None:
    assert [leased(tmp_path, SMALL) for _ in range(3)] == [["10.1.0.2/29"], ["10.1.0.3/29"], ["10.1.0.4/29"]]
    ipam.release(str(tmp_path), SMALL.id, ["10.1.0.3"])
    assert [leased(tmp_path, SMALL) for _ in range(3)] == [["10.1.0.5/29"], ["10.1.0.6/29"], ["10.1.0.3/29"]]
    with pytest.raises(ArgosyError, match=r"failed to find free IP in range: 10\.1\.0\.1 - 10\.1\.0\.6"):
        leased(tmp_path, SMALL)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("10.1.0.0", "address of the subnet itself"),
        ("10.1.0.255", "broadcast"),
        ("10.1.0.1", "the gateway"),
        ("10.2.0.1", "not in any subnet"),
        ("fd00::", "address of the subnet itself"),
    ],
)
def test_addresses_that_no_container_can_have(tmp_path: Path, address: str, words: str) -> None:
    with pytest.raises(ArgosyError, match=words):
        leased(tmp_path, DUAL, address)
    assert leased(tmp_path, DUAL, "10.1.0.7", "fd00::ffff:ffff:ffff:ffff")


def test_each_subnet_gives_an_address(tmp_path: Path) -> None:
    assert leased(tmp_path, DUAL) == ["10.1.0.2/24", "fd00::2/64"]
    assert leased(tmp_path, DUAL, "fd00:0::00ff") == ["10.1.0.3/24", "fd00::ff/64"]
    assert leased(tmp_path, DUAL) == ["10.1.0.4/24", "fd00::3/64"]


def test_a_range_bounds_what_is_given_but_not_what_is_wanted(tmp_path: Path) -> None:
    network = a_network(Subnet("10.1.0.0/24", "10.1.0.1", first="10.1.0.100", last="10.1.0.101"))
    assert [leased(tmp_path, network) for _ in range(2)] == [["10.1.0.100/24"], ["10.1.0.101/24"]]
    assert leased(tmp_path, network, "10.1.0.7") == ["10.1.0.7/24"]
    with pytest.raises(ArgosyError, match="failed to find free IP"):
        leased(tmp_path, network)


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ("10.2.0.1", "requested static ip 10.2.0.1 not in any subnet on network n"),
        ("10.1.0.1", "is the gateway"),
        ("fd01::1", "not in any subnet"),
        ("10.1.0", "is not an ip address"),
        ("nonsense", "is not an ip address"),
        ("10.1.0.9\0", "is not an ip address"),
    ],
)
def test_an_address_that_cannot_be_had_is_refused_and_leaves_nothing(tmp_path: Path, wanted: str, why: str) -> None:
    with pytest.raises(ArgosyError, match=why):
        leased(tmp_path, DUAL, wanted)
    assert ipam.holders(str(tmp_path), DUAL.id) == {}


def test_who_has_a_wanted_address_is_named_and_the_other_address_given_back(tmp_path: Path) -> None:
    (tmp_path / "containers/abc").mkdir(parents=True)
    leased(tmp_path, DUAL, "fd00::7", holder=f"{tmp_path}/containers/abc")
    with pytest.raises(InUse, match="fd00::7 is already allocated to container ID abc"):
        leased(tmp_path, DUAL, "fd00::7")
    assert sorted(ipam.holders(str(tmp_path), DUAL.id)) == ["10.1.0.2", "fd00::7"]


def test_what_a_dead_container_had_is_found_again(tmp_path: Path) -> None:
    for _ in range(5):
        leased(tmp_path, SMALL, holder=f"{tmp_path}/containers/gone")
    assert leased(tmp_path, SMALL) == ["10.1.0.2/29"]
    assert ipam.reap(str(tmp_path), SMALL.id) == []
    assert list(ipam.holders(str(tmp_path), SMALL.id)) == ["10.1.0.2"]


def test_a_lease_that_stayed_empty_is_taken_back_but_not_while_it_is_written(tmp_path: Path) -> None:
    path = Path(ipam.directory(str(tmp_path), DUAL.id)) / "10.1.0.9"
    leased(tmp_path, DUAL)
    path.write_text("")
    assert ipam.reap(str(tmp_path), DUAL.id) == []
    os.utime(path, (0, 0))
    assert leased(tmp_path, DUAL, "10.1.0.9")[0].startswith("10.1.0.9")


def test_a_damaged_memory_of_the_last_address_does_no_harm(tmp_path: Path) -> None:
    leased(tmp_path, DUAL)
    last = Path(ipam.directory(str(tmp_path), DUAL.id)) / ".last"
    for text in ("0 nonsense\n", "\xff\xff", "0 192.168.0.1\n", "0 fd00::1\n", "x"):
        last.write_text(text)
        assert leased(tmp_path, DUAL)[0].startswith("10.1.0.")


def test_all_at_once_get_different_addresses(tmp_path: Path) -> None:
    network = a_network(Subnet("10.1.0.0/24", "10.1.0.1"))
    with ThreadPoolExecutor(8) as pool:
        given = list(pool.map(lambda _: leased(tmp_path, network)[0], range(100)))
    assert len(set(given)) == 100
    assert len(os.listdir(ipam.directory(str(tmp_path), network.id))) == 101


def test_a_network_without_ipam_gives_none(tmp_path: Path) -> None:
    assert leased(tmp_path, a_network(ipam_driver="none")) == []

"""The argument vectors of pasta and slirp4netns, and the options that users may give them."""

from __future__ import annotations

import pytest

from argosy.errors import Invalid
from argosy.network import pasta, slirp
from argosy.network.slirp import SlirpOptions


def pasta_argv(*options: str, rootless: bool = True, maps_host: bool = False) -> list[str]:
    return pasta.argv("/usr/bin/pasta", "/run/n", "/run/p", options, rootless=rootless, maps_host=maps_host)


def test_pasta_opens_no_ports_and_no_way_to_the_host() -> None:
    assert pasta_argv() == [
        *("/usr/bin/pasta", "--config-net", "-t", "none", "-u", "none", "-T", "none", "-U", "none", "--no-map-gw"),
        *("--dns-forward", "169.254.1.1", "--quiet", "--pid", "/run/p", "--netns", "/run/n"),
    ]


def test_as_root_pasta_stays_root() -> None:
    assert "--runas" in pasta_argv(rootless=False)
    assert "--runas" not in pasta_argv(rootless=True)


def test_pasta_maps_the_host_where_it_can() -> None:
    argv = pasta_argv(maps_host=True)
    assert argv[argv.index("--map-guest-addr") + 1] == "169.254.1.2"


@pytest.mark.parametrize(
    ("options", "absent"),
    [
        (("--map-gw",), ["--no-map-gw", "--map-gw"]),
        (("--tcp-ports=8080",), ["-t"]),
        (("-U", "53"), []),
        (("--dns-forward=10.0.0.1",), ["--dns-forward"]),
    ],
)
def test_a_users_option_takes_the_place_of_ours(options: tuple[str, ...], absent: list[str]) -> None:
    argv = pasta_argv(*options)
    assert not set(absent) & set(argv)
    assert argv.count("-U") == 1
    assert all(option in argv for option in options if option != "--map-gw")


@pytest.mark.parametrize("option", ["--netns", "--netns=/x", "-f", "--pid=/x", "--no-netns-quit"])
def test_options_that_would_take_pasta_out_of_our_hands_are_refused(option: str) -> None:
    with pytest.raises(Invalid, match="pasta option"):
        pasta.check((option,))


def test_slirp_is_shut_off_from_the_host() -> None:
    assert slirp.argv("/usr/bin/slirp4netns", "/run/n", SlirpOptions()) == [
        *("/usr/bin/slirp4netns", "--configure", "--mtu=65520", "--cidr=10.0.2.0/24", "--enable-sandbox"),
        *("--enable-seccomp", "--disable-host-loopback", "--enable-ipv6", "--ready-fd=3"),
        *("--netns-type=path", "/run/n", "tap0"),
    ]


def test_slirps_options() -> None:
    options = slirp.parse(
        ("allow_host_loopback=true", "enable_ipv6=false", "mtu=1500", "cidr=10.9.0.0/16", "outbound_addr=192.0.2.2")
    )
    argv = slirp.argv("s", "/n", options)
    assert {"--mtu=1500", "--cidr=10.9.0.0/16", "--outbound-addr=192.0.2.2"} <= set(argv)
    assert not {"--disable-host-loopback", "--enable-ipv6"} & set(argv)


@pytest.mark.parametrize(
    ("cidr", "gateway", "container"),
    [
        ("10.0.2.0/24", "10.0.2.2", "10.0.2.100"),
        ("10.0.2.77/24", "10.0.2.2", "10.0.2.100"),
        ("192.168.128.128/25", "192.168.128.130", "192.168.128.228"),
    ],
)
def test_the_addresses_in_slirps_network(cidr: str, gateway: str, container: str) -> None:
    options = SlirpOptions(cidr=cidr)
    assert (options.address(2), options.address(100)) == (gateway, container)


@pytest.mark.parametrize(
    "option",
    [
        "x=1",
        "mtu",
        "mtu=x",
        "mtu=12",
        "mtu=99999",
        "enable_ipv6=yes",
        "allow_host_loopback=",
        "cidr=10.0.2.0",
        "cidr=10.0.2/24",
        "cidr=10.0.2.256/24",
        "cidr=10.0.2.0/26",
        "cidr=fd00::/64",
    ],
)
def test_wrong_options_are_named(option: str) -> None:
    with pytest.raises(Invalid) as caught:
        slirp.parse((option,))
    assert option in str(caught.value)

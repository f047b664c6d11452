"""The text of resolv.conf in a container."""

from __future__ import annotations

import pytest

from argosy.network import resolv
from argosy.network.resolv import Resolver, for_container, is_loopback, only_loopback, parse_resolv

HOST = Resolver(("127.0.0.53", "192.0.2.1"), ("example.org",), ("edns0",))


def test_reading_a_file() -> None:
    text = """# made by hand
domain old.example
search example.org  example.net ; both
nameserver 192.0.2.1
nameserver 2001:db8::1 # six
options edns0 ndots:2
options rotate
nameserver
garbage here
"""
    assert parse_resolv(text) == Resolver(
        ("192.0.2.1", "2001:db8::1"), ("example.org", "example.net"), ("edns0", "ndots:2", "rotate")
    )
    assert parse_resolv("") == Resolver()


def test_what_is_read_is_written_again() -> None:
    text = "search example.org\nnameserver 192.0.2.1\noptions edns0 rotate\n"
    assert parse_resolv(text).text() == text


@pytest.mark.parametrize("server", ["127.0.0.1", "127.0.0.53", "::1", "::1%lo"])
def test_servers_on_the_host_itself(server: str) -> None:
    assert is_loopback(server)
    assert only_loopback(Resolver((server,)))
    assert not only_loopback(Resolver((server, "192.0.2.1")))


def test_a_container_does_not_get_servers_that_it_cannot_reach() -> None:
    assert for_container(HOST).servers == ("192.0.2.1",)
    assert for_container(HOST, shared=True).servers == ("127.0.0.53", "192.0.2.1")


def test_the_forwarder_comes_first_and_once() -> None:
    assert for_container(HOST, forwarder="10.0.2.3").servers == ("10.0.2.3", "192.0.2.1")
    assert for_container(Resolver(("10.0.2.3",)), forwarder="10.0.2.3").servers == ("10.0.2.3",)


def test_configured_servers_replace_all_others() -> None:
    made = for_container(HOST, forwarder="10.0.2.3", servers=("192.0.2.9",), search=("x",), options=("edns0", "y"))
    assert made == Resolver(("192.0.2.9",), ("x",), ("edns0", "y"))


def test_a_search_list_of_the_root_alone_means_none() -> None:
    assert for_container(HOST, search=(".",)).text() == "nameserver 192.0.2.1\noptions edns0\n"


def test_servers_come_and_go_and_all_else_stays() -> None:
    text = "# mine\nsearch a.example\nnameserver 10.1.0.1\nnameserver 192.0.2.1\noptions ndots:2\n"
    more = resolv.changed(text, add=("10.2.0.1",), domain="dns.podman")
    assert more == (
        "search a.example dns.podman\n# mine\noptions ndots:2\n"
        "nameserver 10.2.0.1\nnameserver 10.1.0.1\nnameserver 192.0.2.1\n"
    )
    assert resolv.changed(more, add=("10.2.0.1",), domain="dns.podman") == more
    less = resolv.changed(more, drop=("10.1.0.1", "10.9.0.1"))
    assert resolv.parse_resolv(less).servers == ("10.2.0.1", "192.0.2.1")
    assert "# mine\n" in less

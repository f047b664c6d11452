"""The text of hosts in a container."""

from __future__ import annotations

import pytest

from argosy.errors import ArgosyError
from argosy.network.hosts import resolved, text


def test_the_users_entries_the_base_the_host_and_the_container() -> None:
    made = text(
        "127.0.0.1 localhost # us\n\n192.0.2.8\tdb\n",
        extra=(("1.2.3.4", "foo"),),
        host_address="192.0.2.2",
        addresses=("10.0.2.100", "fd00::1"),
        names=("web", "my-name"),
    )
    assert made == (
        "1.2.3.4\tfoo\n"
        "127.0.0.1\tlocalhost\n"
        "192.0.2.8\tdb\n"
        "192.0.2.2\thost.containers.internal host.docker.internal\n"
        "10.0.2.100\tweb my-name\n"
        "fd00::1\tweb my-name\n"
    )


def test_a_name_of_the_user_or_the_base_stays_where_it_is() -> None:
    made = text(
        "192.0.2.9 alias host.containers.internal\n",
        extra=(("192.0.2.7", "web"), ("::1", "localhost")),
        host_address="192.0.2.2",
        addresses=("10.0.0.1",),
        names=("web", "other"),
    )
    assert made.splitlines() == [
        "192.0.2.7\tweb",
        "::1\tlocalhost",
        "192.0.2.9\talias host.containers.internal",
        "192.0.2.2\thost.docker.internal",
        "10.0.0.1\tother",
    ]


def test_localhost_is_always_there() -> None:
    assert text("") == "127.0.0.1\tlocalhost\n::1\tlocalhost\n"


def test_a_name_that_is_host_name_too_is_there_once() -> None:
    assert text("127.0.0.1 localhost", addresses=("127.0.0.1",), names=("web", "web")).endswith("127.0.0.1\tweb\n")


def test_the_gateway_of_add_host() -> None:
    entries = ("a:host-gateway", "b:fd00::1")
    assert resolved(entries, "192.0.2.2") == [("192.0.2.2", "a"), ("fd00::1", "b")]
    with pytest.raises(ArgosyError, match='unable to replace "host-gateway" of host entry "a:host-gateway"'):
        resolved(entries, "")

"""Addresses to which nobody but the user may lead us."""

from __future__ import annotations

import pytest

from argosy.registry import dial
from argosy.registry.faults import Private


@pytest.mark.parametrize(
    "host",
    [
        *(
            "127.0.0.1",
            "127.1",
            "0x7f.1",
            "2130706433",
            "localhost",
            "0.0.0.0",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
        ),
        *(
            "169.254.169.254",
            "100.64.0.1",
            "[::1]",
            "[fe80::1]",
            "[fd00::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:10.0.0.1]",
        ),
        # what a translator takes for an IPv4 address (NAT64), and what no host of the internet has
        *("[64:ff9b::7f00:1]", "[64:ff9b::a00:1]", "[::127.0.0.1]", "[fec0::1]", "[ff02::1]", "224.0.0.1"),
    ],
)
def test_private_ones(host: str) -> None:
    with pytest.raises(Private, match="private address"):
        dial.public_address(host, 443)
    with pytest.raises(Private):
        dial.refuse_private(host)
    with pytest.raises(Private):
        dial.plain(host, 443, 5, 5, public=True)


def test_public_ones() -> None:
    assert dial.public_address("8.8.8.8", 443) == "8.8.8.8"
    assert dial.public_address("[2606:4700::1111]", 443) == "2606:4700::1111"
    assert dial.public_address("[64:ff9b::808:808]", 443) == "64:ff9b::808:808"
    dial.refuse_private("registry.example")  # behind a proxy, whose business the name is

"""What is asked of nf_tables without nft(8), in a network namespace of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from argosy.linux import namespaces, nft
from tests.rig import host

pytestmark = [host.needs_root, host.needs_program("nft")]


@pytest.fixture
def netns(tmp_path: Path) -> Iterator[str]:
    path = f"{tmp_path}/net"
    namespaces.new_network(path)
    yield path
    namespaces.remove_network(path)


def test_a_table_is_found_and_deleted(netns: str) -> None:
    def within() -> None:
        assert not nft.exists("inet", "some")
        nft.delete_table("inet", "some")
        nft.apply("table inet some {\n chain c {\n counter drop\n }\n}\ntable inet other {\n}\n")
        assert nft.exists("inet", "some")
        assert "counter packets 0 bytes 0 drop # handle" in nft.list_chain("inet", "some", "c")
        assert nft.list_chain("inet", "some", "nosuch") == ""
        nft.delete_table("inet", "some")
        assert not nft.exists("inet", "some")
        assert nft.exists("inet", "other")

    namespaces.in_network(netns, within)


def test_the_policy_of_a_chain(netns: str) -> None:
    def within() -> None:
        hook = "type filter hook forward priority 0; policy"
        nft.apply(
            f"table ip t {{\n chain no {{\n {hook} drop;\n }}\n chain yes {{\n {hook} accept;\n }}\n chain c {{}}\n}}\n"
        )
        assert nft.drops("ip", "t", "no")
        assert not any(nft.drops("ip", "t", chain) for chain in ("yes", "c", "nosuch"))
        assert not nft.drops("ip6", "t", "no")

    namespaces.in_network(netns, within)

"""Id maps: translation both ways, and the files of subordinate ids as administrators write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.errors import Invalid
from argosy.linux import idmap
from argosy.linux.idmap import IdMap, IdRange

ROOTLESS = IdMap(
    (IdRange(0, 1000, 1), IdRange(1, 100000, 65536)),
    (IdRange(0, 1001, 1), IdRange(1, 200000, 1000), IdRange(1001, 500000, 10)),
)


@pytest.mark.parametrize(
    ("inside", "outside"), [((0, 0), (1000, 1001)), ((1, 1), (100000, 200000)), ((65536, 1005), (165535, 500004))]
)
def test_ids_are_translated_both_ways(inside: tuple[int, int], outside: tuple[int, int]) -> None:
    assert ROOTLESS.to_host(*inside) == outside
    assert ROOTLESS.to_container(*outside) == inside


@pytest.mark.parametrize("inside", [(65537, 0), (0, 1011), (-1, 0)])
def test_an_id_without_a_counterpart_is_refused(inside: tuple[int, int]) -> None:
    with pytest.raises(Invalid, match="it is not mapped in the user namespace"):
        ROOTLESS.to_host(*inside)
    with pytest.raises(Invalid, match="the user namespace has no id for it"):
        ROOTLESS.to_container(1001, 1000)


def test_the_identity_leaves_every_id_as_it_is() -> None:
    everything = idmap.identity()
    assert everything.to_host(0, 2**32 - 2) == (0, 2**32 - 2)
    assert everything.is_identity()
    assert not everything.is_single()
    assert not ROOTLESS.is_identity()
    with pytest.raises(Invalid):
        everything.to_host(2**32 - 1, 0)


def test_one_id_of_a_kind_makes_a_single_map() -> None:
    assert not ROOTLESS.is_single()
    assert IdMap(ROOTLESS.uids, (IdRange(0, 1000, 1),)).is_single()


def test_a_map_survives_its_json_form() -> None:
    assert IdMap.from_json(ROOTLESS.to_json()) == ROOTLESS


def test_our_own_map_is_read_and_written_as_the_kernel_does() -> None:
    own = idmap.of_process()
    assert idmap.count(own.uids) >= 1
    text = Path("/proc/self/uid_map").read_text()
    assert idmap.to_proc(own.uids).split() == text.split()


def test_ranges_are_found_by_name_and_by_number(tmp_path: Path) -> None:
    path = tmp_path / "subuid"
    path.write_text("alice:100000:65536\n1000:300000:10\nbob:200000:65536\nalice:400000:5\nalice:100000:65536\n")
    assert idmap.subordinate(str(path), "alice", 1000) == ((100000, 65536), (300000, 10), (400000, 5))
    assert idmap.subordinate(str(path), "bob", 1001) == ((200000, 65536),)
    assert idmap.subordinate(str(path), "", 1000) == ((300000, 10),)
    assert idmap.subordinate(str(path), "ali", 100) == ()


@pytest.mark.parametrize(
    "line",
    (
        *("alice", "alice:1", "alice:x:1", "alice:-1:5", "alice:1:0", "alice:1:2:3", "#alice:1:2", "alice: 1:2"),
        *("alice:4294967290:10", "", ":", "alice:1:99999999999"),
    ),
)
def test_lines_that_make_no_sense_are_passed_over(tmp_path: Path, line: str) -> None:
    path = tmp_path / "subuid"
    path.write_text(f"{line}\nalice:100000:65536")
    assert idmap.subordinate(str(path), "alice", 1000) == ((100000, 65536),)


def test_no_file_is_no_range(tmp_path: Path) -> None:
    assert idmap.subordinate(f"{tmp_path}/missing", "alice", 1000) == ()


def test_a_rootless_map_is_the_user_and_then_the_ranges() -> None:
    assert idmap.stacked(1001, ((200000, 1000), (500000, 10))) == ROOTLESS.gids
    assert idmap.stacked(7, ()) == (IdRange(0, 7, 1),)


def test_the_unchanged_map_has_the_same_ids_below() -> None:
    below = idmap.unchanged(ROOTLESS)
    assert below.uids == (IdRange(0, 0, 1), IdRange(1, 1, 65536))
    assert below.is_identity()

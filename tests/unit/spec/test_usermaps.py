"""User namespaces: what the flags mean, against what podman makes of them (4.3, and 5 for + and @)."""

from __future__ import annotations

import pytest

from argosy.errors import Invalid
from argosy.spec import usermaps
from argosy.spec.options import UserNamespace

# Two ranges in /etc/subuid behind the user's own id.
PARENT = ((0, 1000, 1), (1, 100000, 65536), (65537, 2000, 1))
ROOT = ((0, 0, usermaps.ID_LIMIT),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", UserNamespace("host")),
        ("host", UserNamespace("host")),
        ("private", UserNamespace("private")),
        ("nomap", UserNamespace("nomap")),
        ("keep-id", UserNamespace("keep-id")),
        ("keep-id:uid=0,gid=5,size=10", UserNamespace("keep-id", uid=0, gid=5, size=10)),
        ("auto", UserNamespace("auto")),
        (
            "auto:size=10,uidmapping=3:4:5,uidmapping=30:@100000,gidmapping=1:1:1",
            UserNamespace("auto", size=10, uid_maps=("3:4:5", "30:@100000"), gid_maps=("1:1:1",)),
        ),
        ("container:web", UserNamespace("container", target="web")),
        ("ns:/proc/1/ns/user", UserNamespace("ns", target="/proc/1/ns/user")),
    ],
)
def test_modes(text: str, expected: UserNamespace) -> None:
    assert usermaps.parse_mode(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bogus", "unrecognized namespace mode bogus passed"),
        ("host:", "unrecognized namespace mode host: passed"),
        ("nomap:x", "unrecognized namespace mode nomap:x passed"),
        ("container:", "namespace mode container requires a value"),
        ("ns", "namespace mode path requires a value"),
        ("pod", "cannot use pod namespace"),
        ("keep-id:uid", 'invalid option specified: "uid"'),
        ("keep-id:foo=1", 'unknown option specified: "foo"'),
        ("keep-id:uid=x", 'strconv.ParseUint: parsing "x": invalid syntax'),
        ("keep-id:uid=-1", 'strconv.ParseUint: parsing "-1": invalid syntax'),
        ("keep-id:uid=5000000000", "value out of range"),
        ("auto:uid=1", 'unknown option specified: "uid"'),
        ("auto:uidmapping=1", "initializing ID mappings: UID setting is malformed"),
        ("auto:gidmapping=+1:1:1", "initializing ID mappings: GID setting is malformed"),
    ],
)
def test_wrong_modes(text: str, message: str) -> None:
    with pytest.raises(Invalid) as caught:
        usermaps.parse_mode(text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["1", "1:2:3:4", "a:1:1", "1::1", ":1:1", "1:2:", "-1:1:1", "x1:1:1", "1:@:1", "1:2:5000000000", "+:1:1", "1:1:²"],
)
def test_wrong_entries(text: str) -> None:
    with pytest.raises(Invalid, match="UID setting is malformed"):
        usermaps.parse_entries((text,), "UID")


def test_an_entry_that_ends_beyond_the_last_id() -> None:
    with pytest.raises(Invalid, match="beyond the last id"):
        usermaps.parse_entries(("0:4294967295:1",), "UID")


@pytest.mark.parametrize(
    ("texts", "parent", "expected"),
    [
        (["0:2000:100000", "+1:100:1"], ROOT, [(0, 2000, 1), (1, 100, 1), (2, 2002, 99998)]),
        (
            ["0:0:20", "24:24:6", "+7:1000:2", "+12:2000:3", "+18:3000:7"],
            ROOT,
            [(0, 0, 7), (7, 1000, 2), (9, 9, 3), (12, 2000, 3), (15, 15, 3), (18, 3000, 7), (25, 25, 5)],
        ),
        (["0:0:20", "+10:1:1"], ROOT, [(0, 0, 1), (2, 2, 8), (10, 1, 1), (11, 11, 9)]),
        (["0:20:10", "15:35:10", "+8:23:16"], ROOT, [(0, 20, 3), (8, 23, 16), (24, 44, 1)]),
        (["0:1:3", "3:4:4"], ROOT, [(0, 1, 7)]),
        (["0:5"], ROOT, [(0, 5, 1)]),
        (["0:0:0", "0:7:1"], ROOT, [(0, 7, 1)]),
        (["0:0:1", "7:@2000:1"], PARENT, [(0, 0, 1), (7, 65537, 1)]),
        (["0:@165535:1", "5:@1000:1"], PARENT, [(0, 65536, 1), (5, 0, 1)]),
    ],
)
def test_entries(texts: list[str], parent: tuple[usermaps.Range, ...], expected: list[usermaps.Range]) -> None:
    uids, gids = usermaps.from_entries(texts, (), (parent, parent), fills=False)
    assert list(uids) == list(gids) == expected


def test_an_extending_entry_of_a_rootless_user_is_filled_up() -> None:
    uids, gids = usermaps.from_entries((), ("+g100000:@2000",), (PARENT, PARENT), fills=True)
    assert gids == ((0, 0, 65537), (100000, 65537, 1))
    assert uids == ((0, 0, 65538),)


def test_a_gap_is_filled_with_what_is_free() -> None:
    free = ((0, 0, 10), (10000, 10000, 10000))
    found = usermaps.filled(((1, 30000, 10), (30, 40000, 20)), free)
    assert found == [(0, 0, 1), (1, 30000, 10), (11, 1, 9), (20, 10000, 10), (30, 40000, 20), (50, 10010, 9990)]


def test_flags_for_users_and_groups() -> None:
    uids, gids = usermaps.from_entries(("0:5:1", "u1:3:1", "g2:6:2"), (), (ROOT, ROOT), fills=False)
    assert (uids, gids) == (((0, 5, 1), (1, 3, 1)), ((0, 5, 1), (2, 6, 2)))


def test_entries_add_to_the_ranges_of_a_name() -> None:
    named = ((0, 100000, 10),)
    uids, _ = usermaps.from_entries(("10:5:1",), (), (ROOT, ROOT), fills=False, named=(named, named))
    assert uids == ((0, 100000, 10), (10, 5, 1))
    with pytest.raises(Invalid, match="mapping 5:5:1 conflicts"):
        usermaps.from_entries(("5:5:1",), (), (ROOT, ROOT), fills=False, named=(named, named))


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["0:1:10", "5:100:1"], "mapping 5:100:1 conflicts with other mappings"),
        (["0:1:10", "50:5:1"], "mapping 50:5:1 conflicts with other mappings"),
        (["1000:1:5000"], "container uses ID mappings (1000:1:5000), but doesn't map UID 0"),
        (["0:0:1", "1:@99:1"], "parent ID UID 99 is not mapped/delegated"),
        (["0:0:1", "1:@165535:2"], "parent ID UID 165536 is not mapped/delegated"),
    ],
)
def test_wrong_maps(texts: list[str], message: str) -> None:
    with pytest.raises(Invalid) as caught:
        usermaps.from_entries(texts, (), (PARENT, PARENT), fills=True)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("own", "subordinate", "size", "expected"),
    [
        (1001, 65536, None, ((0, 1, 1001), (1001, 0, 1), (1002, 1002, 64535))),
        (5, 65536, None, ((0, 1, 5), (5, 0, 1), (6, 6, 65531))),
        (0, 65536, None, ((0, 0, 1), (1, 1, 65536))),
        (0, 65536, 1024, ((0, 0, 1), (1, 1, 1023))),
        (0, 65536, 1, ((0, 0, 1),)),
        (200000, 65536, None, ((0, 1, 65536), (200000, 0, 1))),
        (1000, 0, None, ((1000, 0, 1),)),
        (1000, 0, 1000000, ((1000, 0, 1),)),
    ],
)
def test_keep_id(own: int, subordinate: int, size: int | None, expected: tuple[usermaps.Range, ...]) -> None:
    assert usermaps.keep_id(own, subordinate, size) == expected


def test_the_kernel_takes_no_range_in_two_of_the_parents() -> None:
    assert usermaps.within(((0, 0, 65538),), PARENT, "UID") == ((0, 0, 1), (1, 1, 65536), (65537, 65537, 1))
    with pytest.raises(Invalid, match="only 65538 ids are available"):
        usermaps.within(((0, 1, 70000),), PARENT, "UID")


@pytest.mark.parametrize(
    ("size", "used", "extra", "expected"),
    [
        (1235, [], (), ((0, 1, 1235),)),
        (1000, [(1, 1236)], (), ((0, 1236, 1000),)),
        (2000, [], ((3000, 5, 1),), ((0, 1, 4), (4, 6, 1996), (3000, 5, 1))),
        (10, [(4, 100)], ((3, 200, 2),), ((0, 1, 3), (3, 200, 2), (5, 100, 5))),
    ],
)
def test_auto(
    size: int,
    used: list[usermaps.Interval],
    extra: tuple[usermaps.Range, ...],
    expected: tuple[usermaps.Range, ...],
) -> None:
    assert usermaps.allocated(size, [(1, 65537)], used, extra, "UID") == expected


def test_auto_without_room() -> None:
    with pytest.raises(Invalid, match="could not find enough available IDs"):
        usermaps.allocated(10, [(1, 65537)], [(0, 65530)], (), "UID")


def test_the_size_of_an_image() -> None:
    passwd = b"root:x:0:0::/:/bin/sh\nnobody:x:70000:70000::/:\nx:x:65534:65534::/:\napp:x:1234:7::/:\nbad\n::::\n"
    assert usermaps.image_size(passwd, b"root:x:0:\nbig:x:2000:\nnogroup:x:99999:\n") == 2001
    assert usermaps.image_size(passwd, b"") == 1235
    assert usermaps.image_size(b"", b"") == 0


def test_ranges_of_a_name_lie_one_after_the_other() -> None:
    assert usermaps.stacked([(300, 5), (100, 10)]) == ((0, 100, 10), (10, 300, 5))

"""USER and --user, with the results that podman 4.3 gives for the same files."""

from __future__ import annotations

import pytest

from argosy.spec.options import BadOption
from argosy.spec.users import User, resolve
from tests.unit.spec.requests import GROUP, PASSWD


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", User(0, 0, (50,), "root", "/root")),
        ("root", User(0, 0, (50,), "root", "/root")),
        ("0", User(0, 0, (50,), "root", "/root")),
        ("bob", User(1000, 1000, (1000, 50, 10), "bob", "/home/bob")),
        ("bob:", User(1000, 1000, (1000, 50, 10), "bob", "/home/bob")),
        ("1000", User(1000, 1000, (1000, 50, 10), "bob", "/home/bob")),
        ("bob:wheel", User(1000, 10, (10,), "bob", "/home/bob")),
        ("bob:77", User(1000, 77, (77,), "bob", "/home/bob")),
        (":wheel", User(0, 10, (), "root", "/root")),
        ("1234", User(1234, 0, (0,), "", "/")),
        ("1234:77", User(1234, 77, (77,), "", "/")),
        ("nohome", User(1001, 100, (100,), "nohome", "/")),
        ("2147483647", User(2147483647, 0, (0,), "", "/")),
    ],
)
def test_forms(text: str, expected: User) -> None:
    assert resolve(text, PASSWD, GROUP) == expected


def test_a_name_goes_before_a_number() -> None:
    passwd = PASSWD + b"1000:x:7:8::/seven:\n"
    assert resolve("1000", passwd, GROUP).uid == 7


def test_added_groups() -> None:
    assert resolve("bob:wheel", PASSWD, GROUP, ("staff", "99", "wheel")).additional_gids == (10, 50, 99)


def test_without_any_file() -> None:
    assert resolve("", b"", b"") == User(0, 0)
    assert resolve("5:6", b"", b"") == User(5, 6, (6,))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("foo", "unable to find user foo: no matching entries in passwd file"),
        ("bob:foo", "unable to find group foo: no matching entries in group file"),
        ("99999999999", "uids and gids must be in range 0-2147483647"),
        ("2147483648", "uids and gids must be in range 0-2147483647"),
        ("-1", "uids and gids must be in range 0-2147483647"),
        ("0:-1", "uids and gids must be in range 0-2147483647"),
        ("bob:wheel:x", "unable to find group wheel:x"),
        ("٣", "unable to find user"),
    ],
)
def test_unknown(text: str, words: str) -> None:
    with pytest.raises(BadOption) as caught:
        resolve(text, PASSWD, GROUP)
    assert words in str(caught.value)
    assert caught.value.exit_code == 126


def test_damaged_lines_are_skipped() -> None:
    passwd = b"\0\n::::\nbob\nbob:x:\nbob:x:-5:0\nbob:x:99999999999:0:::\nbob:x:5:6::/five\xff:\n"
    group = b"g:x:zz:bob\ng:x:7:\xff,bob,\n:x:9:bob"
    user = resolve("bob", passwd, group)
    assert (user.uid, user.gid, user.additional_gids) == (5, 6, (6, 7))
    assert user.home == "/five�"

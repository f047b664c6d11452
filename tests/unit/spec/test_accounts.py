"""The lines that account files get for users whom the image lacks: those that podman 4.3.1 wrote for the same."""

from __future__ import annotations

from typing import Any

import pytest

from argosy.spec import accounts
from argosy.spec.accounts import HostUser
from argosy.spec.options import ContainerOptions, Mount

PASSWD = b"root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1::/:/bin/false\n"
GROUP = b"root:x:0:\nstaff:x:50:\n"
BOB = HostUser("bob", 1001, 1002, "Bob", "/home/bob")


def added(user: str, **changes: Any) -> tuple[str, str]:
    """What the two files get behind what they have."""
    host_users = changes.pop("host", ())
    workdir = changes.pop("workdir", "/")
    passwd, group = accounts.completed(
        ContainerOptions(image="i", **changes), user, PASSWD, GROUP, host_users=host_users, workdir=workdir
    )
    return ((passwd or PASSWD).removeprefix(PASSWD).decode(), (group or GROUP).removeprefix(GROUP).decode())


@pytest.mark.parametrize(
    ("user", "passwd", "group"),
    [
        ("", "", ""),
        ("root", "", ""),
        ("0", "", ""),
        ("1", "", "1:x:1:1\n"),
        ("daemon:staff", "", ""),
        ("daemon:50", "", ""),
        ("1234", "1234:*:1234:0:container user:/:/bin/sh\n", "1234:x:1234:1234\n"),
        ("1234:5678", "1234:*:1234:5678:container user:/:/bin/sh\n", "5678:x:5678:1234\n"),
        ("1234:staff", "1234:*:1234:50:container user:/:/bin/sh\n", ""),
        ("0:77", "", "77:x:77:0\n"),
    ],
)
def test_users(user: str, passwd: str, group: str) -> None:
    assert added(user) == (passwd, group)


def test_templates() -> None:
    template = "$USERNAME|$UID|${GID}|$NAME|$HOME|$OTHER"
    assert added("7:8", passwd_entry=template, group_entry="$GROUPNAME:$GID:$USERLIST\n", workdir="/w") == (
        "7|7|8|container user|/w|$OTHER\n",
        "8:8:7\n",
    )
    assert added("", passwd_entry=template) == ("", "")


def test_host_users() -> None:
    assert added("", host=(BOB,), workdir="/w")[0] == "bob:*:1001:1002:Bob:/w:/bin/sh\n"
    home = (Mount("bind", "/x", "/home"),)
    assert added("", host=(BOB,), mounts=home)[0] == "bob:*:1001:1002:Bob:/home/bob:/bin/sh\n"
    # He is there already, under his name or his number.
    assert added("", host=(BOB.replace(uid=1),))[0] == ""
    assert added("", host=(BOB.replace(name="daemon"),))[0] == ""
    # The container's own user is not added twice.
    assert added("1001", host=(BOB,))[0].count("\n") == 1


def test_passwd_false() -> None:
    assert added("1234:5678", passwd=False) == ("", "")


def test_files_that_are_not_there_are_not_made() -> None:
    assert accounts.completed(ContainerOptions(image="i"), "1234", None, None) == (None, None)


def test_a_last_line_without_its_end_is_ended() -> None:
    passwd, _ = accounts.completed(ContainerOptions(image="i"), "7", b"root:x:0:0::/:", None)
    assert passwd == b"root:x:0:0::/:\n7:*:7:0:container user:/:/bin/sh\n"

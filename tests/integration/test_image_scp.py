"""`image scp`: to another user, and to another host through an `ssh` that runs the command here."""

from __future__ import annotations

import os
import pwd

import pytest

from tests.rig.program import Program

SSH = """#!/bin/sh
# Stands for ssh to a host whose program is told by the test: the words behind `--` are the host and the command.
while [ "$1" != -- ]; do shift; done
echo "$2" >>"$HOSTS"
shift 2
PATH=$THERE:$PATH exec sh -c "$*"
"""


AS_USER = """#!/bin/sh
# Stands for runuser or sudo: stays the same user, and works on the other store.
echo "$1 $2" >"$HOSTS"
while [ "$1" != -- ]; do shift; done
shift
exec "$@" --root "$THERE/root" --runroot "$THERE/run"
"""


@pytest.fixture
def hosts(argosy: Program) -> dict[str, str]:
    """The environment in which `ssh` leads to another store."""
    directory = f"{argosy.files}/bin"
    there = f"{argosy.files}/there"
    os.mkdir(directory)
    os.mkdir(there)
    argosy.write("bin/ssh", SSH, 0o755)
    store = f"--root {argosy.files}/root --runroot {argosy.files}/run"
    argosy.write("there/argosy", f'#!/bin/sh\nexec {argosy.launcher} {store} "$@"\n', 0o755)
    return {"PATH": f"{directory}:{os.environ['PATH']}", "THERE": there, "HOSTS": f"{argosy.files}/hosts"}


def test_over_ssh(argosy: Program, busybox: str, hosts: dict[str, str]) -> None:
    done = argosy.run("image", "scp", busybox, "me@there::", env=hosts)
    assert done.stdout.startswith("Loaded image: ")
    with open(hosts["HOSTS"], encoding="ascii") as file:
        assert file.read() == "me@there\n"
    image_id = argosy.run("images", "-q", "--no-trunc").stdout
    argosy.run("rmi", "-a")
    assert argosy.run("image", "scp", "-q", f"there::{busybox}", env=hosts).stdout.startswith("Loaded image: ")
    assert argosy.run("images", "-q", "--no-trunc").stdout == image_id
    done = argosy.run("image", "scp", "nothing", "there::", env=hosts, check=125)
    assert "nothing: image not known" in done.stderr
    assert "Error: the image was not copied: its host did not send it" in done.stderr
    assert "archive" not in done.stderr, "nobody tried to load what was not sent"
    done = argosy.run("image", "scp", "there::nothing", env=hosts, check=125)
    assert "nothing: image not known" in done.stderr


def test_to_another_user(argosy: Program, hosts: dict[str, str]) -> None:
    name = argosy.busybox()
    changer = "runuser" if os.getuid() == 0 else "sudo"
    argosy.write(f"bin/{changer}", AS_USER, 0o755)
    other = next(entry for entry in pwd.getpwall() if entry.pw_uid not in (0, os.getuid()))
    done = argosy.run("image", "scp", name, f"{other.pw_name}@localhost::", env=hosts)
    assert done.stdout.startswith("Loaded image: ")
    with open(hosts["HOSTS"], encoding="ascii") as file:
        assert file.read() == f"-u {other.pw_name}\n"
    argosy.run("rmi", "-a")
    argosy.run("image", "scp", f"{other.pw_name}@localhost::{name}", env=hosts)
    assert len(argosy.run("images", "-q").lines) == 1

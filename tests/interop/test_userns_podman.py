"""User namespaces: what containers see, podman's messages for bad values, and what its `inspect` says."""

from __future__ import annotations

import json

import pytest

from tests.interop.peer import Podman, podman
from tests.rig import host, images
from tests.rig.program import Program

__all__ = ["podman"]
pytestmark = [host.needs_root, host.needs_podman_4()]

PROBE = (
    "cat /proc/self/uid_map /proc/self/gid_map; id -u; id -g; echo $HOME; pwd; touch /new/file; "
    "stat -c '%n %u:%g %a' /bin /etc/passwd /etc/hosts /tmp /dev/shm /dev/mqueue /proc/1 /sys "
    "/new /given /new/file"
)
# Flags of containers that both make and run.
MODES = """
--uidmap 0:200000:5000
--uidmap 0:200000:5000 --user 7:8
--gidmap 0:300000:7000
--uidmap 0:200000:5000 --read-only
--uidmap 0:200000:5000 --pid host
--uidmap 0:200000:5000 --ipc private
--uidmap 0:200000:5000 --workdir /bin --privileged
--subuidname argosy-test
--subuidname argosy-test --subgidname argosy-test
--userns host
--userns=
"""
# Refused by both, with the same first line and status.
REFUSED = """
--userns bogus
--userns private
--userns pod
--userns ns:
--userns container:
--userns container:nosuch
--userns ns:/nonexistent
--userns nomap
--userns auto:foo=1
--userns auto:size
--userns auto:size=x
--userns host --uidmap 0:1:1
--userns private --gidmap 0:1:1
--userns host --subuidname argosy-test
--subuidname nosuch
--subgidname nosuch
"""


def lines(text: str) -> list[list[str]]:
    return [line.split() for line in text.strip().splitlines()]


@pytest.fixture
def both(argosy: Program, podman: Podman) -> tuple[Program, Podman]:
    for run in (argosy.run, podman.run):
        run("import", images.busybox_archive(), "busybox:latest")
    return argosy, podman


def test_what_containers_see(both: tuple[Program, Podman]) -> None:
    for flags in lines(MODES):
        if "argosy-test" in flags and not host.user_exists():
            continue
        seen = []
        for run in (both[0].run, both[1].run):
            mounts = ("-v", "fresh:/new", "-v", f"{both[0].files}:/given")
            done = run("run", "--rm", "--network", "none", *mounts, *flags, "busybox", "sh", "-c", PROBE, check=False)
            seen.append((done.returncode, done.stdout.splitlines()))
            run("volume", "rm", "fresh")
        assert seen[0] == seen[1], flags


def test_messages(both: tuple[Program, Podman]) -> None:
    found: list[object] = []
    expected: list[object] = []
    for flags in lines(REFUSED):
        for run, told in ((both[0].run, found), (both[1].run, expected)):
            done = run("run", "--rm", "--network", "none", *flags, "busybox", "true", check=False)
            told.append((flags, done.returncode, done.stderr.splitlines()[:1]))
    assert found == expected


def test_documents(both: tuple[Program, Podman]) -> None:
    for flags in lines(MODES):
        if "argosy-test" in flags and not host.user_exists():
            continue
        documents = []
        for run in (both[0].run, both[1].run):
            run("create", "--name", "it", "--network", "none", *flags, "busybox", "true")
            document = json.loads(run("inspect", "it").stdout)[0]
            run("rm", "it")
            shown = document["HostConfig"]
            documents.append((shown["UsernsMode"], shown.get("IDMappings"), document["Config"].get("User")))
        assert documents[0] == documents[1], flags

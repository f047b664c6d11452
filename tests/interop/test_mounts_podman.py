"""Mounts: podman's messages for bad values, and what its `inspect` says of the mounts of an equal container."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.interop.peer import Podman, inspected, podman, side_by_side
from tests.rig import host, images
from tests.rig.program import Program

__all__ = ["podman"]
pytestmark = [host.needs_root, host.needs_podman_4()]

# Refused by both, with the same message in the first line and the same status.
REFUSED = """
--mount type=bind
--mount type=bind,src=/tmp
--mount type=bind,src=/tmp,dst=a
--mount type=bind,src=/tmp,dst=
--mount type=bind,src=,dst=/a
--mount type=bind,src,dst=/a
--mount type=bind,src=/tmp,dst
--mount type=bind,src=/tmp,dst=/a,ro=maybe
--mount type=bind,src=/tmp,dst=/a,ro,rw
--mount type=bind,src=/tmp,dst=/a,foo=bar
--mount type=bind,src=/tmp,dst=/a,bind-propagation=up
--mount type=bind,src=/tmp,dst=/a,bind-propagation
--mount type=bind,src=/tmp,dst=/a,relabel=x
--mount type=bind,src=/tmp,dst=/a,U=maybe
--mount type=bind,src=/tmp,dst=/a,tmpfs-size=1
--mount type=bind,src=/tmp,dst=/a,suid,nosuid
--mount type=bind,dst=/no-such
--mount type=foo,src=/tmp,dst=/a
--mount foo
--mount type=tmpfs,src=/a,dst=/b
--mount type=tmpfs,dst=/b,tmpfs-size
--mount type=tmpfs,dst=/b,tmpcopyup,notmpcopyup
--mount type=tmpfs,dst=/b,bind-propagation=shared
--mount type=devpts,dst=/b,foo
--mount type=devpts,dst=/b,src=/x
--mount type=image,src=busybox
--mount type=image,src=busybox,dst=b
--mount type=image,src=busybox,dst=/b,rw=maybe
--mount type=image,src=busybox,dst=/b,ro
--mount type=volume,src=v,dst=/b,foo
--mount type=volume,src=v,dst=/b,volume-opt=x
--mount type=volume,src=/tmp,dst=/b
--mount type=tmpfs,dst=/b --mount type=tmpfs,dst=/b
-v /tmp:/b:O,ro
-v /tmp:/b:O,z
-v /tmp:/b:O,upperdir=/x
-v /tmp:/b:upperdir=/x
-v /tmp:/b:foo
-v /tmp:/b:ro,ro
-v v:/b:copy,nocopy
-v /nosuch:/b
-v a/b:/c
-v /tmp:b
-v :b
-v /tmp:
-v a:b:c:d
-v /tmp:/b -v /usr:/b
-v /tmp:/b --tmpfs /b
-v v1:/b -v /tmp:/b
--tmpfs b
--tmpfs /b:foo
--tmpfs /b:ro,rw
--tmpfs /b:bind
--volumes-from nosuch
--volumes-from nosuch:foo
--volumes-from nosuch:ro,rw
--volumes-from :ro
--image-volume foo
"""

# Made by both, with the same mounts in the document.
MADE = """
-v /tmp:/b:O
-v vol:/b:O
-v /tmp:/b:z,U,nocopy,bind,slave
-v vol:/b:U,z,noexec
-v vol:/b:nocopy,ro,shared
-v /tmp:/b -v /tmp:/b
-v /anonymous
--mount type=bind,src=/tmp,dst=/b,bind-nonrecursive,relabel=shared,U=true
--mount type=bind,src=/tmp,dst=/b,readonly=false,consistency=cached
--mount type=image,src=busybox,dst=/b
--mount type=image,src=busybox,dst=/b,rw=true
--mount type=devpts,dst=/b,uid=3
--mount type=tmpfs,dst=/t,tmpfs-size=1m --tmpfs /u:U,ro --tmpfs /t
--mount type=volume,src=vol,dst=/b,ro
--image-volume tmpfs
--image-volume ignore
--image-volume bind
--read-only --read-only-tmpfs=false
--read-only --tmpfs /tmp:size=1m
--volumes-from first:z
--volumes-from first:ro -v /tmp:/named
"""


def lines(text: str) -> list[list[str]]:
    return [line.split() for line in text.strip().splitlines()]


@pytest.fixture
def both(argosy: Program, podman: Podman) -> tuple[Program, Podman]:
    for run in (argosy.run, podman.run):
        run("import", "--change", "VOLUME /vol", images.busybox_archive(), "busybox:latest")
        run("create", "--name", "first", "--network", "none", "-v", "named:/named", "-v", "/own", "busybox", "true")
    return argosy, podman


def create(*flags: str) -> list[str]:
    return ["create", "--network", "none", *flags, "busybox", "true"]


def test_messages(both: tuple[Program, Podman]) -> None:
    argosy, podman = both

    def refused(run: Callable[..., Any]) -> list[tuple[list[str], int, list[str]]]:
        done = [(flags, run(*create(*flags), check=False)) for flags in lines(REFUSED)]
        return [(flags, one.returncode, one.stderr.splitlines()[:1]) for flags, one in done]

    ours, theirs = side_by_side(lambda: refused(argosy.run), lambda: refused(podman.run))
    assert ours == theirs


def test_documents(both: tuple[Program, Podman]) -> None:
    argosy, podman = both

    def documents(run: Callable[..., Any]) -> list[tuple[list[str], dict[str, Any]]]:
        found = inspected(run, (create(*flags) for flags in lines(MADE)))
        return list(zip(lines(MADE), map(told, found), strict=True))

    ours, theirs = side_by_side(lambda: documents(argosy.run), lambda: documents(podman.run))
    assert ours == theirs


def told(document: dict[str, Any]) -> dict[str, Any]:
    """What the document says of mounts, without the ids and the places of the stores, and in one order."""
    document = json.loads(re.sub("[0-9a-f]{64}", "ID", json.dumps(document)))
    host_config = document["HostConfig"]
    mounts = [
        {**mount, "Source": mount["Source"].rpartition("/volumes/")[2], "Options": sorted(mount["Options"] or ())}
        for mount in document["Mounts"]
    ]
    return {
        "Mounts": sorted(mounts, key=lambda mount: str(mount["Destination"])),
        "Binds": sorted((*bind.split(":")[:2], sorted(bind.split(":")[2].split(","))) for bind in host_config["Binds"]),
        "Tmpfs": {place: sorted(text.split(",")) for place, text in host_config["Tmpfs"].items()},
        "VolumesFrom": host_config["VolumesFrom"],
    }

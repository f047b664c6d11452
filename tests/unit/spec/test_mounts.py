"""The mounts of a specification: each kind that a user may ask for, and what becomes of ours at the same place."""

from __future__ import annotations

from typing import Any

import pytest

from argosy.spec.options import Mount
from argosy.spec.parse import parse_mount, parse_tmpfs, parse_volume
from tests.unit.spec.requests import spec


def mounted(*mounts: Mount, **changes: Any) -> dict[str, Any]:
    """The mounts of a specification by their places, in order."""
    return {mount["destination"]: mount for mount in spec(changes, mounts=mounts)["mounts"]}


CASES = [
    (parse_volume("/a:/b"), "bind", "/a", "rw rprivate rbind"),
    (parse_volume("/a:/b:ro,bind,rslave,noexec"), "bind", "/a", "ro rslave noexec bind"),
    (parse_volume("/a:/b:O"), "bind", "/a", "rw rprivate rbind"),
    (parse_volume("/a:/b:idmap=uids=0-1-1;gids=0-1-1"), "bind", "/a", "rw rprivate rbind"),
    (Mount("volume", "/v/_data", "/b"), "bind", "/v/_data", "rw rprivate nosuid nodev rbind"),
    (Mount("volume", "/v/_data", "/b", ("suid", "dev")), "bind", "/v/_data", "suid dev rw rprivate rbind"),
    (Mount("image", "/tree", "/b"), "bind", "/tree", "ro rprivate rbind"),
    (Mount("image", "/tree", "/b", ("rw",)), "bind", "/tree", "rw rprivate rbind"),
    (parse_tmpfs("/b"), "tmpfs", "tmpfs", "rw rprivate nosuid nodev tmpcopyup"),
    (parse_tmpfs("/b:ro,notmpcopyup,exec"), "tmpfs", "tmpfs", "ro exec rprivate nosuid nodev"),
    (parse_tmpfs("/b:U"), "tmpfs", "tmpfs", "rw rprivate nosuid nodev tmpcopyup uid=1000 gid=1000"),
    (parse_mount("type=ramfs,dst=/b,ro"), "ramfs", "ramfs", "ro rprivate nosuid nodev"),
    (parse_mount("type=devpts,dst=/b,uid=3,max=9"), "devpts", "devpts", "nosuid noexec uid=3 max=9"),
    (
        parse_mount("type=devpts,dst=/dev/pts,mode=600"),
        *("devpts", "devpts", "nosuid noexec newinstance ptmxmode=0666 gid=5 mode=600"),
    ),
]


@pytest.mark.parametrize(("mount", "kind", "source", "options"), CASES)
def test_kinds(mount: Mount, kind: str, source: str, options: str) -> None:
    found = mounted(mount, user="bob")[mount.target]
    assert (found["type"], found["source"], " ".join(found["options"])) == (kind, source, options)


@pytest.mark.parametrize(
    ("options", "propagation"),
    [
        ((), None),
        (("private",), None),
        (("slave",), "rslave"),
        (("rslave", "shared"), "shared"),
        (("rshared",), "shared"),
    ],
)
def test_the_root_lets_through_what_a_mount_asks_for(options: tuple[str, ...], propagation: str | None) -> None:
    wanted = tuple(Mount("bind", "/a", f"/{option}", (option,)) for option in options)
    assert spec(mounts=wanted)["linux"].get("rootfsPropagation") == propagation


def test_what_lies_deeper_comes_later() -> None:
    places = [*mounted(parse_volume("/a:/x/y/z"), parse_tmpfs("/x"), parse_volume("/a:/x/y"))]
    assert [place for place in places if place.startswith("/x")] == ["/x", "/x/y", "/x/y/z"]


def test_a_user_has_the_last_word_on_the_kernels_places() -> None:
    found = mounted(parse_volume("/a:/proc"), parse_volume("/a:/sys"), parse_volume("/a:/dev"))
    assert [found[place]["source"] for place in ("/proc", "/sys", "/dev")] == ["/a", "/a", "/a"]
    assert not [place for place in found if place.startswith("/dev/")]


def test_read_only_tmpfs() -> None:
    places = {"/run", "/tmp", "/var/tmp"}
    assert places <= mounted(read_only=True).keys()
    assert not places & mounted(read_only=True, read_only_tmpfs=False).keys()
    assert mounted(parse_volume("/a:/tmp"), read_only=True)["/tmp"]["source"] == "/a"

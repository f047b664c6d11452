"""Layers that try to reach out of their root, or to hide or write what they must not."""

from __future__ import annotations

import os
import random
from collections.abc import Callable

import pytest

from argosy.linux.files import remove_tree
from tests.attacks.layer_process import MEMORY_KIB, Outcome, apply_layer
from tests.rig.host import needs_root
from tests.unit.archive import tars

Parts = list[bytes]


@pytest.fixture
def root(tmp_path: object) -> str:
    """An empty directory for the layer, in a directory that must not change."""
    os.makedirs(f"{tmp_path}/store/diff")
    os.makedirs(f"{tmp_path}/outside/directory")
    with open(f"{tmp_path}/outside/secret", "w", encoding="ascii") as file:
        file.write("secret")
    os.mkfifo(f"{tmp_path}/outside/fifo")
    return f"{tmp_path}/store/diff"


def outside(root: str) -> bytes:
    return os.fsencode(os.path.realpath(f"{root}/../../outside"))


def bystanders(root: str) -> dict[str, tuple[object, ...]]:
    """All around the layer's root, with the times at which inodes changed, which nobody can set."""
    above = os.path.dirname(os.path.dirname(root))
    found = {}
    for path, facts in tars.listing(above, root).items():
        if f"{above}/{path}" == root:
            found[path] = facts[:2]
        else:
            status = os.lstat(f"{above}/{path}")
            found[path] = (*facts, status.st_ctime_ns, status.st_nlink)
    return found


def attack(root: str, parts: Parts, flavour: str = "user") -> Outcome:
    """Apply it, and see that nothing around it changed."""
    before = bystanders(root)
    outcome = apply_layer(root, [tars.archive(*parts)], flavour=flavour)
    assert bystanders(root) == before
    assert outcome.memory_kib < MEMORY_KIB
    return outcome


LONG = b"../" * 30

REFUSED: dict[str, tuple[Callable[[bytes], Parts], str, str]] = {
    # what: the archive (given the directory outside), the entry that the error names, why
    "..": (lambda _: [tars.file(b"../evil", b"x")], "../evil", "out of the layer's root"),
    ".. twice": (lambda _: [tars.file(b"a/../../../outside/evil")], "a/../../../outside/evil", "out of the layer's"),
    "absolute ..": (lambda _: [tars.file(b"/../evil")], "/../evil", "out of the layer's root"),
    "dots and slashes": (lambda _: [tars.file(b".//./..//evil")], ".//./..//evil", "out of the layer's root"),
    "directory ..": (lambda _: [tars.directory(b"..")], "..", "out of the layer's root"),
    "whiteout above": (lambda _: [tars.file(b"../.wh.outside")], "../.wh.outside", "out of the layer's root"),
    "opaque above": (lambda _: [tars.file(b"../.wh..wh..opq")], "../.wh..wh..opq", "out of the layer's root"),
    "pax path ..": (lambda _: [tars.extended((b"path", b"../evil")), tars.file(b"fine")], "../evil", "out of"),
    "gnu name ..": (lambda _: [tars.gnu_long(LONG + b"evil"), tars.file(b"fine")], "../../../../", "out of"),
    "prefix ..": (lambda _: [tars.header(b"evil", prefix=b"..")], "../evil", "out of the layer's root"),
    "sparse name ..": (
        lambda _: [
            tars.extended((b"GNU.sparse.size", b"0"), (b"GNU.sparse.name", b"../evil")),
            tars.file(b"fine"),
        ],
        "../evil",
        "out of",
    ),
    "link to an absolute path": (
        lambda o: [tars.symlink(b"l", o), tars.file(b"l/evil", b"x")],
        "l/evil",
        "leads to nothing in this layer",
    ),
    "link to a relative path": (
        lambda _: [tars.symlink(b"l", b"../../outside"), tars.file(b"l/evil")],
        "l/evil",
        "leads out of the layer's root",
    ),
    "link far up": (
        lambda _: [tars.symlink(b"l", LONG + b"tmp"), tars.file(b"l/evil")],
        "l/evil",
        "leads out of the layer's root",
    ),
    "link up to the root of the store": (
        lambda _: [tars.symlink(b"l", b".."), tars.file(b"l/evil")],
        "l/evil",
        "leads out of the layer's root",
    ),
    "chain of links": (
        lambda _: [
            tars.directory(b"a"),
            tars.symlink(b"a/b", b".."),
            tars.symlink(b"c", b"a/b/.."),
            tars.file(b"c/outside/evil"),
        ],
        "c/outside/evil",
        "leads out of the layer's root",
    ),
    "endless links": (
        lambda _: [tars.symlink(b"a", b"b"), tars.symlink(b"b", b"a"), tars.file(b"a/evil")],
        "a/evil",
        "too many symbolic links",
    ),
    "links to proc": (
        lambda _: [tars.symlink(b"l", b"/proc/self/root"), tars.file(b"l/evil")],
        "l/evil",
        "leads to nothing in this layer",
    ),
    "directory replaced by a link": (
        lambda o: [tars.directory(b"d"), tars.file(b"d/a"), tars.symlink(b"d", o), tars.file(b"d/evil")],
        "d/evil",
        "leads to nothing in this layer",
    ),
    "parent of an open directory replaced by a link": (
        lambda o: [tars.file(b"p/d/a"), tars.symlink(b"p", o), tars.file(b"p/d/evil"), tars.file(b"p/directory/x")],
        "p/d/evil",
        "leads to nothing in this layer",
    ),
    "directory through a link": (
        lambda o: [tars.symlink(b"l", o), tars.directory(b"l/directory", mode=0o777)],
        "l/directory",
        "leads to nothing in this layer",
    ),
    "whiteout through a link": (
        lambda o: [tars.symlink(b"l", o), tars.file(b"l/.wh.secret")],
        "l/.wh.secret",
        "leads to nothing in this layer",
    ),
    "opaque through a link": (
        lambda o: [tars.symlink(b"l", o), tars.file(b"l/.wh..wh..opq")],
        "l/.wh..wh..opq",
        "leads to nothing in this layer",
    ),
    "hardlink to an absolute path": (
        lambda o: [tars.hardlink(b"h", o + b"/secret")],
        "h",
        "is not in this layer",
    ),
    "hardlink by ..": (lambda _: [tars.hardlink(b"h", b"../../outside/secret")], "h", "out of the layer's root"),
    "hardlink through a link": (
        lambda o: [tars.symlink(b"l", o), tars.hardlink(b"h", b"l/secret")],
        "h",
        "is not in this layer",
    ),
    "hardlink through a link that climbs": (
        lambda _: [tars.symlink(b"l", b"../../outside"), tars.hardlink(b"h", b"l/secret")],
        "h",
        "leads out of the layer's root",
    ),
    "hardlink to nothing": (lambda _: [tars.hardlink(b"h", b"missing")], "h", '"missing" is not in this layer'),
    "hardlink without a target": (lambda _: [tars.hardlink(b"h", b"")], "h", "the layer's root"),
    "hardlink to the root": (lambda _: [tars.hardlink(b"h", b"/")], "h", "the layer's root"),
    "hardlink to a directory": (lambda _: [tars.directory(b"d"), tars.hardlink(b"h", b"d")], "h", "to a directory"),
    "hardlink to itself": (lambda _: [tars.file(b"h"), tars.hardlink(b"h", b"./h")], "h", "to itself"),
    "hardlink to a whiteout": (
        lambda _: [tars.file(b".wh.secret"), tars.hardlink(b"h", b"secret")],
        "h",
        "is not in this layer",
    ),
    "hardlink into what it replaces": (
        lambda _: [tars.file(b"d/f"), tars.hardlink(b"d", b"d/f")],
        "d",
        "is not in this layer",
    ),
    "hardlink into aufs's own": (
        lambda _: [tars.file(b".wh..wh.plnk/1.2"), tars.hardlink(b"h", b".wh..wh.plnk/1.2")],
        "h",
        "is not in this layer",
    ),
    "link without a target": (lambda _: [tars.symlink(b"l", b"")], "l", "to nothing"),
    "file as a directory": (lambda _: [tars.file(b"f"), tars.file(b"f/evil")], "f/evil", "no directory"),
    "fifo as a directory": (lambda _: [tars.fifo(b"f"), tars.file(b"f/evil")], "f/evil", "no directory"),
    "root as a file": (lambda _: [tars.file(b"./.", b"x")], "./.", "the root of the layer is a file"),
    "root as a link": (lambda o: [tars.symlink(b"/", o)], "/", "the root of the layer is a symbolic link"),
    "root as a fifo": (lambda _: [tars.fifo(b"a/..")], "a/..", "the root of the layer is a FIFO"),
    "whiteout of nothing": (lambda _: [tars.file(b"d/.wh.")], "d/.wh.", "whiteout of nothing"),
    "whiteout of .": (lambda _: [tars.file(b"d/.wh..")], "d/.wh..", "whiteout of nothing"),
    "whiteout of ..": (lambda _: [tars.file(b"d/.wh...")], "d/.wh...", "whiteout of nothing"),
    "whiteout with a slash": (lambda _: [tars.file(b".wh.d/f")], ".wh.d/f", "a whiteout is no directory"),
    "whiteout with a deep slash": (lambda _: [tars.file(b"a/.wh.d/b/f")], "a/.wh.d/b/f", "a whiteout is no directory"),
    "whiteout with ..": (lambda _: [tars.file(b".wh.d/../../evil")], ".wh.d/../../evil", "out of the layer's root"),
    "whiteout directory": (lambda _: [tars.directory(b".wh.d")], ".wh.d", "a whiteout that is a directory"),
    "whiteout link": (lambda o: [tars.symlink(b".wh.d", o)], ".wh.d", "a whiteout that is a symbolic link"),
    "device that hides": (lambda _: [tars.device(b"etc/secret", 0, 0)], "etc/secret", "character device 0:0"),
    "name too long": (lambda _: [tars.file(b"n" * 256)], "nnn", "more than 255 bytes"),
    "target too long": (
        lambda _: [tars.extended((b"linkpath", b"t" * 4096)), tars.symlink(b"l", b"x")],
        "l",
        "too long",
    ),
    "attribute without a name": (
        lambda _: [tars.extended((b"SCHILY.xattr.", b"x")), tars.file(b"f")],
        "f",
        "has no name",
    ),
    "attribute of an unknown kind": (
        lambda _: [tars.extended((b"SCHILY.xattr." + b"user." + b"a" * 300, b"x")), tars.file(b"f")],
        "f",
        "extended attribute",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_is_refused_by_name(root: str, case: str) -> None:
    make, entry, why = REFUSED[case]
    outcome = attack(root, [tars.file(b"before"), *make(outside(root))])
    assert outcome.status == 1
    assert f'"{entry}' in outcome.error
    assert why in outcome.error


CONTAINED: dict[str, tuple[Callable[[bytes], Parts], dict[str, str]]] = {
    # what podman lets be, and what harms nobody: the archive, and the tree that becomes of it
    "absolute name": (lambda o: [tars.file(b"/x", b"1")], {"x": "1"}),
    "links that point out": (
        lambda _: [tars.symlink(b"a", b"/etc"), tars.symlink(b"b", b"../.."), tars.symlink(b"c", b"/proc/self/fd/0")],
        {"a": "-> /etc", "b": "-> ../..", "c": "-> /proc/self/fd/0"},
    ),
    "file over a link": (
        lambda o: [tars.symlink(b"l", o + b"/secret"), tars.file(b"l", b"mine")],
        {"l": "mine"},
    ),
    "directory over a link": (
        lambda o: [tars.symlink(b"l", o), tars.directory(b"l"), tars.file(b"l/secret", b"mine")],
        {"l": "dir", "l/secret": "mine"},
    ),
    "hardlink over a link": (
        lambda o: [tars.file(b"f", b"1"), tars.symlink(b"l", o + b"/secret"), tars.hardlink(b"l", b"f")],
        {"f": "1", "l": "1"},
    ),
    "hardlink to a link, then a file over it": (
        lambda o: [tars.symlink(b"l", o + b"/secret"), tars.hardlink(b"h", b"l"), tars.file(b"h", b"1")],
        {"l": "-> OUTSIDE/secret", "h": "1"},
    ),
    "whiteout of a link": (
        lambda o: [tars.symlink(b"l", o), tars.file(b".wh.l")],
        {"l": "-> OUTSIDE"},
    ),
    "file over a fifo": (lambda _: [tars.fifo(b"p"), tars.file(b"p", b"data")], {"p": "data"}),
    "fifo over a file": (lambda _: [tars.file(b"p", b"data"), tars.fifo(b"p")], {"p": "fifo"}),
    "link in place of a tree with links": (
        lambda o: [tars.symlink(b"d/l", o), tars.symlink(b"d", o)],
        {"d": "-> OUTSIDE"},
    ),
    "absolute link within the layer": (
        lambda o: [tars.directory(o[1:]), tars.symlink(b"l", o), tars.file(b"l/secret", b"mine")],
        {"l": "-> OUTSIDE", "OUTSIDE/secret": "mine"},
    ),
}


@pytest.mark.parametrize("case", CONTAINED)
def test_stays_within_the_root(root: str, case: str) -> None:
    make, expected = CONTAINED[case]
    where = outside(root)
    outcome = attack(root, make(where))
    assert outcome.error == ""
    for path, kind in expected.items():
        full = f"{root}/{path.replace('OUTSIDE', os.fsdecode(where[1:]))}"
        kind = kind.replace("OUTSIDE", os.fsdecode(where))
        if kind.startswith("-> "):
            assert os.readlink(full) == kind[3:]
        elif kind == "dir":
            assert os.path.isdir(full) and not os.path.islink(full)
        elif kind == "fifo":
            assert not os.path.isfile(full)
        else:
            assert not os.path.islink(full)
            with open(full, encoding="ascii") as file:
                assert file.read() == kind


@needs_root
def test_no_write_through_a_device(root: str) -> None:
    parts = [
        tars.device(b"null", 1, 3),
        tars.file(b"null", b"kept"),
        tars.device(b"null", 1, 3),
        tars.symlink(b"null", b"x"),
    ]
    assert attack(root, parts, "trusted").error == ""
    assert os.readlink(f"{root}/null") == "x"


@needs_root
def test_attributes_that_steer_the_kernel_are_dropped(root: str) -> None:
    records = [
        (b"SCHILY.xattr." + name, value)
        for name, value in (
            (b"trusted.overlay.opaque", b"y"),
            (b"trusted.overlay.redirect", b"/../outside"),
            (b"trusted.overlay.metacopy", b""),
            (b"user.overlay.opaque", b"y"),
            (b"user.overlay.redirect", b"/etc"),
            (b"security.selinux", b"system_u:object_r:shadow_t:s0"),
        )
    ]
    attack(root, [tars.extended(*records), tars.directory(b"d"), tars.extended(*records), tars.file(b"f")], "trusted")
    for name in ("d", "f"):
        assert [key for key in os.listxattr(f"{root}/{name}") if key != "security.selinux"] == []


@pytest.mark.parametrize("seed", range(12))
def test_random_layers_change_nothing_outside(root: str, seed: int) -> None:
    """Entries of all types under few names, so that they meet: links to the outside, .., whiteouts, replacements."""
    dice = random.Random(seed)
    where = outside(root)
    names = [b"a", b"b", b"c", b"a/b", b"b/a", b"a/b/c", b"/a//c/", b"l"]
    hostile = [b".", b"..", b"a/..", b"l/secret", b"l/directory", b"../x", b"a/.."]
    targets = [b"a", b"..", b"../..", where, b"/", b"b/../a", b".", where + b"/secret", b"l", b"/a/b", b"../../outside"]

    def entry() -> bytes:
        name = dice.choice(names if dice.random() < 0.9 else hostile)
        if dice.random() < 0.15:
            above, slash, base = name.rpartition(b"/")
            name = above + slash + b".wh." + base
        make: list[Callable[[], bytes]] = [
            lambda: tars.file(name, b"x" * dice.randint(0, 900), mode=dice.choice([0o644, 0o6755, 0])),
            lambda: tars.directory(name, mode=dice.choice([0o755, 0o2777, 0o700])),
            lambda: tars.symlink(name, dice.choice(targets)),
            lambda: tars.hardlink(name, dice.choice(targets + names)),
            lambda: tars.fifo(name),
            lambda: tars.device(name, 1, 3),
            lambda: tars.file((name + b"/.wh..wh..opq")[:99]),
        ]
        return dice.choice(make)()

    applied = 0
    for number in range(15):
        fresh = f"{os.path.dirname(root)}/{number}"
        os.mkdir(fresh)
        before = bystanders(fresh)
        outcome = apply_layer(fresh, [tars.archive(*(entry() for _ in range(dice.randint(1, 6))))])
        assert bystanders(fresh) == before
        applied += not outcome.error
        assert not outcome.error or outcome.status == 1
        assert "internal" not in outcome.error and "Errno" not in outcome.error
        remove_tree(fresh)
    assert applied

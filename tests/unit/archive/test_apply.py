"""Layers become trees: what is made of each kind of entry, and what becomes of names that come twice."""

from __future__ import annotations

import itertools
import os
import stat
import struct

import pytest

from argosy.archive.apply import Applied, apply
from argosy.archive.errors import BadArchive
from argosy.archive.whiteout import is_whiteout
from argosy.errors import ArgosyError
from tests.rig.host import is_root, needs_root
from tests.unit.archive import tars

FLAVOURS = [pytest.param("trusted", marks=needs_root), "user"]


def lay(root: object, *parts: bytes, flavour: str = "user", single: bool = False) -> Applied:
    """Apply an archive of these parts.  Where we are not root, owners cannot be set."""
    fd = tars.descriptor(tars.archive(*parts))
    try:
        return apply(fd, str(root), flavour=flavour, id_map_single=single or not is_root())
    finally:
        os.close(fd)


def tree(root: object) -> dict[str, str]:
    """Path to what is there: the content of a file, `-> target`, "dir", "whiteout", "fifo" or "device"."""
    found = {}
    for path, (mode, _, _, content, _) in tars.listing(str(root)).items():
        status = os.lstat(f"{root}/{path}")
        kinds = {stat.S_IFDIR: "dir", stat.S_IFIFO: "fifo", stat.S_IFLNK: f"-> {content!s}"}
        if stat.S_ISREG(status.st_mode):
            found[path] = content.decode() if isinstance(content, bytes) else ""
        else:
            found[path] = "whiteout" if is_whiteout(status) else kinds.get(stat.S_IFMT(int(str(mode), 8)), "device")
    return found


def opaque(root: object, path: str, flavour: str = "user") -> bool:
    name = f"{flavour}.overlay.opaque"
    target = f"{root}/{path}"
    return name in os.listxattr(target) and os.getxattr(target, name) == b"y"


@needs_root
def test_each_kind_of_entry_with_all_its_metadata(tmp_path: object) -> None:
    capability = b"\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
    attributes = (
        (b"SCHILY.xattr.security.capability", capability),
        (b"SCHILY.xattr.user.mine", b"a\0b"),
        (b"SCHILY.xattr.trusted.overlay.opaque", b"y"),
        (b"SCHILY.xattr.user.overlay.redirect", b"/etc"),
        (b"SCHILY.xattr.security.selinux", b"label"),
        (b"LIBARCHIVE.xattr.user.other", b"YQ"),
        (b"mtime", b"1234.000000567"),
    )
    nanoseconds = tars.extended((b"mtime", b"77.5"))
    applied = lay(
        tmp_path,
        nanoseconds + tars.directory(b"./d/", mode=0o1770, uid=5, gid=6),
        tars.extended(*attributes) + tars.file(b"./d/suid", b"text", mode=0o6755, uid=7, gid=8),
        tars.file(b"d/plain", b"x" * 3_000_000, mode=0o666),
        tars.file(b"d/none", b"", mode=0),
        nanoseconds + tars.header(b"d/link", tars.SYMLINK, link=b"/etc/passwd", uid=9, gid=9),
        tars.hardlink(b"d/hard", b"./d/suid"),
        tars.hardlink(b"d/hardlink to the link", b"d/link"),
        nanoseconds + tars.header(b"d/null", tars.CHARACTER, mode=0o620, uid=1, gid=2, device=(1, 3)),
        tars.header(b"d/sda", tars.BLOCK, mode=0o600, device=(8, 300_000)),
        tars.fifo(b"d/pipe"),
        flavour="trusted",
    )
    found = tars.listing(str(tmp_path))
    suid = ("0o106755", (7, 8), 1234000000567, b"text", {"security.capability": capability, "user.mine": b"a\0b"})
    link: tuple[object, ...] = ("0o120777", (9, 9), 77_500_000_000, "/etc/passwd", {})
    assert found == {
        "d": ("0o41770", (5, 6), 77_500_000_000, "", {}),
        "d/suid": suid,
        "d/hard": suid,
        "d/plain": ("0o100666", (0, 0), 1000 * 10**9, b"x" * 3_000_000, {}),
        "d/none": ("0o100000", (0, 0), 1000 * 10**9, b"", {}),
        "d/link": link,
        "d/hardlink to the link": link,
        "d/null": ("0o20620", (1, 2), 77_500_000_000, os.makedev(1, 3), {}),
        "d/sda": ("0o60600", (0, 0), 1000 * 10**9, os.makedev(8, 300_000), {}),
        "d/pipe": ("0o10640", (0, 0), 1000 * 10**9, 0, {}),
    }
    assert os.stat(f"{tmp_path}/d/suid").st_ino == os.stat(f"{tmp_path}/d/hard").st_ino
    assert applied == Applied(entries=10, size_bytes=3_000_004)


@pytest.mark.parametrize("umask", [0o022, 0o077, pytest.param(0o777, marks=needs_root)])
def test_modes_do_not_depend_on_the_umask(tmp_path: object, umask: int) -> None:
    before = os.umask(umask)
    try:
        lay(
            tmp_path,
            tars.directory(b"d", mode=0o777),
            tars.file(b"d/f", mode=0o666),
            tars.fifo(b"d/p"),
            tars.file(b"u/f"),
        )
    finally:
        os.umask(before)
    modes = {name: oct(os.lstat(f"{tmp_path}/{name}").st_mode & 0o7777) for name in ("d", "d/f", "d/p", "u")}
    assert modes == {"d": "0o777", "d/f": "0o666", "d/p": "0o640", "u": "0o755"}


@needs_root
def test_nothing_is_inherited_from_a_setgid_directory(tmp_path: object) -> None:
    lay(
        tmp_path,
        tars.directory(b"s", mode=0o2775, gid=50),
        tars.file(b"s/f", b"x"),
        tars.directory(b"s/d"),
        tars.file(b"s/d/f"),
        tars.file(b"s/undeclared/f"),
        tars.symlink(b"s/l", b"f"),
        tars.fifo(b"s/p"),
        flavour="trusted",
    )
    for path, (mode, owner, *_) in tars.listing(str(tmp_path)).items():
        assert owner == ((0, 50) if path == "s" else (0, 0)), path
        assert bool(int(str(mode), 8) & stat.S_ISGID) == (path == "s"), path


def acl(*entries: tuple[int, int]) -> bytes:
    """An access control list as the kernel stores it: pairs of tag and permissions."""
    return b"\2\0\0\0" + b"".join(struct.pack("<HHI", tag, bits, 0xFFFFFFFF) for tag, bits in entries)


def test_nothing_is_inherited_from_a_default_access_control_list(tmp_path: object) -> None:
    nobody_else = acl((0x01, 7), (0x04, 0), (0x20, 0))
    lay(
        tmp_path,
        tars.extended((b"SCHILY.xattr.system.posix_acl_default", nobody_else)) + tars.directory(b"d"),
        *(tars.directory(b"x%d/y" % number) for number in range(120)),  # so many that d is closed
        tars.file(b"d/f", mode=0o644),
        tars.directory(b"d/s", mode=0o755),
        tars.file(b"d/s/f", mode=0o644),
        tars.file(b"d/undeclared/f", mode=0o644),
        tars.fifo(b"d/p"),
        tars.symlink(b"d/l", b"f"),
    )
    found = {path: facts for path, facts in tars.listing(str(tmp_path)).items() if path[0] == "d"}
    assert found.pop("d")[4] == {"system.posix_acl_default": nobody_else}
    assert {path: (facts[0], facts[4]) for path, facts in found.items()} == {
        "d/f": ("0o100644", {}),
        "d/s": ("0o40755", {}),
        "d/s/f": ("0o100644", {}),
        "d/undeclared": ("0o40755", {}),
        "d/undeclared/f": ("0o100644", {}),
        "d/p": ("0o10640", {}),
        "d/l": ("0o120777", {}),
    }


def test_spellings_of_a_path(tmp_path: object) -> None:
    """Absolute names are those of the layer's root: ko and others write them."""
    lay(
        tmp_path,
        tars.directory(b"./"),
        tars.directory(b"/a/"),
        tars.file(b"/a/absolute", b"1"),
        tars.file(b"./a/dotted", b"2"),
        tars.file(b"a//slashes", b"3"),
        tars.file(b"a/./inner", b"4"),
        tars.file(b"a/nowhere/../up", b"5"),
        tars.directory(b"//b//c/./"),
        tars.file(b"b/c/.", b""),
    )
    assert tree(tmp_path) == {
        "a": "dir",
        "a/absolute": "1",
        "a/dotted": "2",
        "a/slashes": "3",
        "a/inner": "4",
        "a/up": "5",
        "b": "dir",
        "b/c": "",
    }


def test_the_entry_of_the_root_is_not_taken_over(tmp_path: object) -> None:
    before = os.stat(str(tmp_path))
    for name in (b"./", b".", b"/", b"a/.."):
        lay(tmp_path, tars.directory(name, mode=0o700))
    after = os.stat(str(tmp_path))
    assert (after.st_mode, after.st_uid) == (before.st_mode, before.st_uid)


def test_undeclared_directories_are_told(tmp_path: object) -> None:
    applied = lay(
        tmp_path,
        tars.file(b"a/b/c/f", mtime=5),
        tars.directory(b"a/b", mode=0o700, mtime=6),
        tars.directory(b"d", mtime=7),
        tars.file(b"d/f", mtime=8),
        tars.file(b"gone/f"),
        tars.file(b"gone"),
        tars.file(b"e/\xff/f"),
    )
    assert applied.undeclared == ("a", "a/b/c", "e", "e/\udcff")
    found = tars.listing(str(tmp_path))
    assert {path: (facts[0], facts[2]) for path, facts in found.items() if path in ("a", "a/b", "a/b/c", "d")} == {
        "a": ("0o40755", 5 * 10**9),
        "a/b": ("0o40700", 6 * 10**9),
        "a/b/c": ("0o40755", 5 * 10**9),
        "d": ("0o40755", 7 * 10**9),
    }


def test_times_of_directories_hold_whatever_comes_later(tmp_path: object) -> None:
    """With more directories than are kept open, each of which is entered several times."""
    count = 250
    names = [b"d%d/e" % number for number in range(count)]
    parts = [tars.directory(name.split(b"/")[0], mtime=index + 1) for index, name in enumerate(names)]
    parts += [tars.directory(name, mtime=index + 1) for index, name in enumerate(names)]
    for turn in range(3):
        parts += [tars.file(name + b"/f%d" % turn) for name in names]
        parts += [tars.file(name[:-2] + b"/f%d" % turn) for name in names]
    lay(tmp_path, *parts)
    for index, name in enumerate(names):
        for path in (name, name[:-2]):
            assert os.stat(f"{tmp_path}/{path.decode()}").st_mtime == index + 1


def entry_of(kind: str, name: bytes) -> bytes:
    made = {
        "dir": tars.directory(name),
        "file": tars.file(name, b"data"),
        "symlink": tars.symlink(name, b"other"),
        "hardlink": tars.hardlink(name, b"other"),
        "device": tars.device(name, 1, 3),
        "fifo": tars.fifo(name),
        "whiteout": tars.file(b".wh." + name),
    }
    return made[kind]


RESULT = {
    "dir": "dir",
    "file": "data",
    "symlink": "-> other",
    "hardlink": "kept",
    "device": "device",
    "fifo": "fifo",
    "whiteout": "whiteout",
}


@needs_root
@pytest.mark.parametrize(("first", "second"), list(itertools.product(RESULT, repeat=2)))
def test_the_later_entry_of_a_name_wins(tmp_path: object, first: str, second: str) -> None:
    """A whiteout is no entry of the name: it makes a directory opaque, and beside anything else counts for nothing."""
    lay(tmp_path, tars.file(b"other", b"kept"), entry_of(first, b"x"), entry_of(second, b"x"), flavour="trusted")
    winner = first if second == "whiteout" else second
    assert tree(tmp_path) == {"other": "kept", "x": RESULT[winner]}
    if winner == "dir":
        assert opaque(tmp_path, "x", "trusted") == (first != second)


def test_two_directories_are_merged(tmp_path: object) -> None:
    lay(
        tmp_path,
        tars.extended((b"SCHILY.xattr.user.a", b"1")) + tars.directory(b"d", mode=0o700),
        tars.file(b"d/f", b"1"),
        tars.extended((b"SCHILY.xattr.user.b", b"2")) + tars.directory(b"d", mode=0o750, mtime=9),
        tars.file(b"d/g", b"2"),
    )
    mode, _, mtime_ns, _, attributes = tars.listing(str(tmp_path))["d"]
    assert (mode, mtime_ns, attributes) == ("0o40750", 9 * 10**9, {"user.a": b"1", "user.b": b"2"})
    assert tree(tmp_path) == {"d": "dir", "d/f": "1", "d/g": "2"}


def test_a_tree_is_replaced_and_made_anew(tmp_path: object) -> None:
    lay(
        tmp_path,
        *(tars.file(b"d/" + b"s/" * depth + b"f", b"old") for depth in range(150)),
        tars.file(b"d", b"file"),
        tars.directory(b"d"),
        tars.file(b"d/new", b"new"),
    )
    assert tree(tmp_path) == {"d": "dir", "d/new": "new"}
    assert opaque(tmp_path, "d")


def test_a_hardlink_replaced_leaves_the_others(tmp_path: object) -> None:
    lay(
        tmp_path,
        tars.file(b"a", b"one"),
        tars.hardlink(b"b", b"a"),
        tars.file(b"a", b"two"),
        tars.hardlink(b"b", b"b/../a"),
    )
    assert tree(tmp_path) == {"a": "two", "b": "two"}


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_whiteouts(tmp_path: object, flavour: str) -> None:
    applied = lay(
        tmp_path,
        tars.file(b".wh.top"),
        tars.directory(b"d"),
        tars.file(b"d/.wh.gone", b"a whiteout may have data"),
        tars.hardlink(b"d/.wh.linked", b"d/.wh.gone"),
        tars.file(b"undeclared/deep/.wh.gone"),
        tars.directory(b"opaque"),
        tars.file(b"opaque/.wh..wh..opq"),
        tars.file(b"opaque/kept", b"k"),
        tars.file(b"new/.wh..wh..opq"),
        tars.file(b".wh.again"),
        tars.file(b"again/f", b"again"),
        tars.file(b".wh." + b"n" * 255),
        flavour=flavour,
    )
    assert tree(tmp_path) == {
        "top": "whiteout",
        "d": "dir",
        "d/gone": "whiteout",
        "d/linked": "whiteout",
        "undeclared": "dir",
        "undeclared/deep": "dir",
        "undeclared/deep/gone": "whiteout",
        "opaque": "dir",
        "opaque/kept": "k",
        "new": "dir",
        "again": "dir",
        "again/f": "again",
        "n" * 255: "whiteout",
    }
    assert {path for path, kind in tree(tmp_path).items() if kind == "dir" and opaque(tmp_path, path, flavour)} == {
        "opaque",
        "new",
        "again",
    }
    assert applied.whiteout_directories == ("d", "undeclared/deep")
    assert applied.undeclared == ("again", "new", "undeclared", "undeclared/deep")
    assert not applied.opaque_root


def test_an_opaque_root_is_told(tmp_path: object) -> None:
    assert lay(tmp_path, tars.file(b".wh..wh..opq"), tars.file(b"a")).opaque_root
    assert tree(tmp_path) == {"a": ""}


def test_the_housekeeping_of_aufs_is_left_out(tmp_path: object) -> None:
    lay(
        tmp_path,
        tars.file(b".wh..wh.aufs"),
        tars.directory(b".wh..wh.plnk"),
        tars.file(b".wh..wh.plnk/123.456", b"data"),
        tars.directory(b"d/.wh..wh.orph/x"),
        tars.file(b"a", b"1"),
    )
    assert tree(tmp_path) == {"a": "1"}


def test_paths_through_links_of_the_layer(tmp_path: object) -> None:
    """As podman does it, which unpacks in a chroot: within the root links are followed, be they absolute."""
    lay(
        tmp_path,
        tars.directory(b"usr/lib"),
        tars.symlink(b"lib", b"usr/lib"),
        tars.symlink(b"abs", b"/usr/lib"),
        tars.symlink(b"usr/up", b"../usr/./lib/../lib"),
        tars.symlink(b"chain", b"abs"),
        tars.file(b"lib/a", b"1"),
        tars.file(b"abs/b", b"2"),
        tars.file(b"usr/up/c", b"3"),
        tars.file(b"chain/d", b"4"),
        tars.file(b"chain/sub/e", b"5"),
        tars.hardlink(b"h", b"/lib/a"),
        tars.file(b"lib/.wh.gone"),
        tars.directory(b"abs/dir"),
    )
    assert {path: kind for path, kind in tree(tmp_path).items() if path.startswith("usr/lib/")} == {
        "usr/lib/a": "1",
        "usr/lib/b": "2",
        "usr/lib/c": "3",
        "usr/lib/d": "4",
        "usr/lib/sub": "dir",
        "usr/lib/sub/e": "5",
        "usr/lib/gone": "whiteout",
        "usr/lib/dir": "dir",
    }
    assert os.path.samefile(f"{tmp_path}/h", f"{tmp_path}/usr/lib/a")


def test_a_directory_behind_a_link_is_found_anew_when_the_link_changes(tmp_path: object) -> None:
    lay(
        tmp_path,
        tars.directory(b"one"),
        tars.directory(b"two"),
        tars.symlink(b"link", b"one"),
        tars.file(b"link/a", b"1"),
        tars.symlink(b"link", b"two"),
        tars.file(b"link/b", b"2"),
        tars.directory(b"link"),
        tars.file(b"link/c", b"3"),
    )
    assert tree(tmp_path) == {"one": "dir", "one/a": "1", "two": "dir", "two/b": "2", "link": "dir", "link/c": "3"}


def test_sparse_files_keep_their_holes(tmp_path: object) -> None:
    records = tars.extended(
        (b"GNU.sparse.size", b"1073741824"), (b"GNU.sparse.map", b"0,3,4096,5,1000000000,2,1073741824,0")
    )
    body = tars.header(b"sparse", size=10) + tars.padded(b"abcdefghij")
    applied = lay(tmp_path, records + body, tars.file(b"next", b"n"))
    status = os.stat(f"{tmp_path}/sparse")
    assert (status.st_size, status.st_blocks < 100) == (1 << 30, True)
    with open(f"{tmp_path}/sparse", "rb") as file:
        assert os.pread(file.fileno(), 5, 0) == b"abc\0\0"
        assert os.pread(file.fileno(), 6, 4096) == b"defgh\0"
        assert os.pread(file.fileno(), 3, 1_000_000_000) == b"ij\0"
    assert applied.size_bytes == 11


def test_in_a_user_namespace_devices_are_left_out(tmp_path: object) -> None:
    applied = lay(tmp_path, tars.device(b"null", 1, 3), tars.device(b"sda", 8, 0, tars.BLOCK), tars.fifo(b"p"))
    assert tree(tmp_path) == {"p": "fifo"}
    assert applied.skipped_devices == 2


def test_attributes_that_a_symlink_cannot_have_are_left_out(tmp_path: object) -> None:
    attribute = tars.extended((b"SCHILY.xattr.user.a", b"1"))
    applied = lay(tmp_path, attribute + tars.symlink(b"l", b"t"), attribute + tars.fifo(b"p"))
    assert applied.skipped_attributes == 2
    assert tree(tmp_path) == {"l": "-> t", "p": "fifo"}


def test_with_a_single_id_owners_are_ignored(tmp_path: object) -> None:
    lay(tmp_path, tars.directory(b"d", uid=7), tars.file(b"d/f", uid=12345, gid=42, mode=0o4755), single=True)
    assert os.stat(f"{tmp_path}/d/f").st_uid == os.geteuid()
    assert os.stat(f"{tmp_path}/d/f").st_mode & 0o7777 == 0o4755


def test_names_are_bytes(tmp_path: object) -> None:
    names = [b"\xff\xfe", b"caf\xc3\xa9", b"new\nline", b"back\\slash", b"*", b" ", b"-rf"]
    lay(tmp_path, *(tars.file(b"d\xe9/" + name, name) for name in names))
    assert set(os.listdir(os.fsencode(f"{tmp_path}") + b"/d\xe9")) == set(names)


def test_data_behind_the_archive_are_read_and_forgotten(tmp_path: object) -> None:
    fd = tars.descriptor(tars.archive(tars.file(b"a")) + tars.archive(tars.file(b"b")))
    apply(fd, str(tmp_path), flavour="user", id_map_single=True)
    assert os.read(fd, 1) == b""
    os.close(fd)
    assert tree(tmp_path) == {"a": ""}


def test_no_descriptor_is_left(tmp_path: object) -> None:
    before = len(os.listdir("/proc/self/fd"))
    lay(tmp_path, *(tars.file(b"%d/f" % number) for number in range(200)))
    with pytest.raises(ArgosyError):
        lay(tmp_path, *(tars.file(b"n%d/f" % number) for number in range(200)), tars.hardlink(b"x", b"y"))
    assert len(os.listdir("/proc/self/fd")) == before


def test_an_error_names_entry_and_offset(tmp_path: object) -> None:
    with pytest.raises(BadArchive) as caught:
        lay(tmp_path, tars.file(b"fine"), tars.hardlink(b"culprit", b"missing"))
    assert caught.value.entry == "culprit"
    assert "missing" in caught.value.brief
    assert caught.value.offset == 1024

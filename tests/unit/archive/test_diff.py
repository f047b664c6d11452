"""Archives of trees: there and back again, whiteouts and all."""

from __future__ import annotations

import hashlib
import io
import os
import socket
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from argosy.archive import remembered
from argosy.archive.apply import apply
from argosy.archive.diff import Written, write_archive
from argosy.errors import ArgosyError, Unsupported
from argosy.linux import files
from tests.rig.host import is_root, needs_root
from tests.unit.archive import tars

SOME = (
    tars.directory(b"usr", mode=0o755),
    tars.file(b"usr/z", b"last", mode=0o600),
    tars.file(b"usr/a", b"first" * 1000, mode=0o4711),
    tars.directory(b"usr/lib", mode=0o1777, mtime=5),
    tars.extended((b"SCHILY.xattr.user.mine", b"v\0")) + tars.file(b"usr/lib/x"),
    tars.symlink(b"usr/lib.link", b"lib"),
    tars.hardlink(b"usr/hard", b"usr/a"),
    tars.fifo(b"pipe"),
    tars.file(b"deep/" * 60 + b"f", b"d"),
    tars.file(b"\xff", b"n"),
)
LAYER = (
    tars.file(b"usr/.wh.gone"),
    tars.file(b".wh.top"),
    tars.directory(b"opaque", mtime=6),
    tars.file(b"opaque/.wh..wh..opq"),
    tars.file(b"opaque/a", b"a"),
)

GOLDEN = "f4a5638b4af579c7d9a50956f395215127b22d38ea1dc84d7299226a9bc4c225"


def lay(root: object, *parts: bytes, flavour: str = "user") -> None:
    fd = tars.descriptor(tars.archive(*parts))
    apply(fd, str(root), flavour=flavour, id_map_single=not is_root())
    os.close(fd)


def archive(root: object, *, layer: bool = True, latest_s: int | None = None) -> tuple[bytes, Written]:
    pieces: list[bytes] = []
    written = write_archive(str(root), pieces.append, layer=layer, latest_s=latest_s)
    return b"".join(pieces), written


def names(data: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(data), encoding="utf-8", errors="surrogateescape") as opened:
        return opened.getnames()


@pytest.mark.parametrize("flavour", [pytest.param("trusted", marks=needs_root), "user"])
def test_there_and_back(tmp_path: object, flavour: str) -> None:
    for name in ("one", "two"):
        os.mkdir(f"{tmp_path}/{name}")
    lay(f"{tmp_path}/one", *SOME, *LAYER, flavour=flavour)
    data, written = archive(f"{tmp_path}/one")
    lay(f"{tmp_path}/two", data[:-1024], flavour=flavour)
    first, second = tars.listing(f"{tmp_path}/one"), tars.listing(f"{tmp_path}/two")
    for path, facts in first.items():
        if facts[0] == "0o20000":  # the time of a whiteout means nothing
            assert second[path][0] == facts[0]
        else:
            assert second[path] == facts, path
    assert first.keys() == second.keys()
    assert os.path.samefile(f"{tmp_path}/two/usr/a", f"{tmp_path}/two/usr/hard")
    assert archive(f"{tmp_path}/two") == (data, written)
    assert written.size_bytes == 5000 + 4 + 1 + 1 + 1


def test_order_is_by_bytes_and_directories_come_first(tmp_path: object) -> None:
    lay(tmp_path, *SOME, *LAYER)
    found = [name for name in names(archive(tmp_path)[0]) if not name.startswith("deep")]
    assert found == [
        "opaque",
        "opaque/.wh..wh..opq",
        "opaque/a",
        "pipe",
        ".wh.top",
        "usr",
        "usr/a",
        "usr/.wh.gone",
        "usr/hard",
        "usr/lib",
        "usr/lib/x",
        "usr/lib.link",
        "usr/z",
        "\udcff",
    ]


@needs_root
def test_golden_digest_of_a_tree(tmp_path: object) -> None:
    lay(
        tmp_path,
        *SOME,
        *LAYER,
        tars.device(b"dev/null", 1, 3),
        tars.header(b"dev/sda", tars.BLOCK, device=(8, 1), gid=6),
        tars.extended((b"gid", b"3000000")) + tars.file(b"owned", uid=1000),
        flavour="trusted",
    )
    assert hashlib.sha256(archive(tmp_path)[0]).hexdigest() == GOLDEN


def test_directories_that_are_undeclared_get_no_entry(tmp_path: object) -> None:
    """What is in them does; applied, the tree is the same again where they have the time of their first entry."""
    for name in ("a", "b"):
        os.mkdir(f"{tmp_path}/{name}")
    lay(f"{tmp_path}/a", tars.directory(b"d", mtime=7), tars.file(b"d/e/f", b"x", mtime=7), tars.file(b"g", b"y"))
    pieces: list[bytes] = []
    undeclared = ("d", "d/e", "g")
    written = write_archive(f"{tmp_path}/a", pieces.append, layer=True, undeclared=undeclared)
    assert (names(b"".join(pieces)), written.entries) == (["d/e/f", "g"], 2)
    fd = tars.descriptor(b"".join(pieces))
    apply(fd, f"{tmp_path}/b", flavour="user", id_map_single=not is_root())
    os.close(fd)
    assert archive(f"{tmp_path}/b") == archive(f"{tmp_path}/a")


def test_times_are_clamped(tmp_path: object) -> None:
    lay(tmp_path, tars.file(b"old", mtime=100), tars.file(b"new", mtime=300))
    with tarfile.open(fileobj=io.BytesIO(archive(tmp_path, latest_s=200)[0])) as opened:
        assert {info.name: info.mtime for info in opened} == {"old": 100, "new": 200}


def test_sockets_are_left_out(tmp_path: object) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(f"{tmp_path}/s")
        data, written = archive(tmp_path)
    assert names(data) == []
    assert written == Written(0, 0, 1)


def test_what_a_layer_cannot_tell_is_refused(tmp_path: object) -> None:
    with open(f"{tmp_path}/.wh.mine", "w", encoding="ascii"):
        pass
    with pytest.raises(Unsupported, match=r"wh\.mine"):
        archive(tmp_path)
    assert names(archive(tmp_path, layer=False)[0]) == [".wh.mine"]


@pytest.mark.parametrize("attribute", ["redirect", "metacopy"])
def test_references_to_other_layers_are_refused(tmp_path: object, attribute: str) -> None:
    os.mkdir(f"{tmp_path}/d")
    os.setxattr(f"{tmp_path}/d", f"user.overlay.{attribute}", b"/x")
    with pytest.raises(Unsupported, match='"d" is told by reference'):
        archive(tmp_path)


def test_a_whiteout_is_a_device_like_others_in_a_plain_archive(tmp_path: object) -> None:
    lay(tmp_path, tars.file(b".wh.gone"))
    with tarfile.open(fileobj=io.BytesIO(archive(tmp_path, layer=False)[0])) as opened:
        [info] = opened
    assert (info.name, info.ischr(), info.devmajor, info.devminor) == ("gone", True, 0, 0)


def test_a_file_that_shrinks_is_an_error(tmp_path: object) -> None:
    with open(f"{tmp_path}/shrinks", "wb") as file:
        file.write(bytes(3 << 20))

    def shrink(data: bytes) -> None:
        os.truncate(f"{tmp_path}/shrinks", 0)

    with pytest.raises(ArgosyError, match="changed while it was read"):
        write_archive(str(tmp_path), shrink, layer=True)


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[Path]:
    """A directory that may hold a tree which is too deep for pytest's own clean-up."""
    directory = tmp_path / "deep"
    directory.mkdir()
    yield directory
    files.remove_tree(str(directory))


def test_a_tree_deeper_than_open_files_and_paths_allow(deep: Path) -> None:
    """300 levels are fine; beyond 4096 bytes of path the archive would be refused by ourselves."""
    parent = os.open(str(deep), os.O_RDONLY)
    for level in range(300):
        os.mkdir("d", dir_fd=parent)
        deeper = os.open("d", os.O_RDONLY, dir_fd=parent)
        os.close(parent)
        parent = deeper
        if level == 290:
            before = len(os.listdir("/proc/self/fd"))
            assert archive(deep)[1].entries == 291
            assert len(os.listdir("/proc/self/fd")) == before
    for _ in range(20):
        os.mkdir("n" * 250, dir_fd=parent)
        deeper = os.open("n" * 250, os.O_RDONLY, dir_fd=parent)
        os.close(parent)
        parent = deeper
    os.close(parent)
    with pytest.raises(Unsupported, match="4096"):
        archive(deep)


def test_owners_that_no_file_can_have_are_remembered_and_told_again(tmp_path: Path) -> None:
    parts = (
        tars.directory(b"var", uid=0, gid=8),
        tars.file(b"var/mail", b"m", uid=4242, gid=8, mode=0o640),
        tars.file(b"root"),
        tars.symlink(b"link", b"root"),
    )
    fd = tars.descriptor(tars.archive(*parts))
    apply(fd, str(tmp_path), flavour="user", id_map_single=True)
    os.close(fd)
    assert os.getxattr(tmp_path / "var/mail", "user.containers.override_stat") == b"4242:8:0640"
    assert "user.containers.override_stat" not in os.listxattr(tmp_path / "root")
    own = (tmp_path / "var/mail").stat()
    assert (own.st_uid, own.st_gid) == (os.geteuid(), os.getegid())
    pieces: list[bytes] = []
    for single in (True, False):
        pieces.clear()
        write_archive(str(tmp_path), pieces.append, layer=True, single=single)
        with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as opened:
            found = {member.name: (member.uid, member.gid) for member in opened}
            assert not any("override_stat" in key for member in opened for key in member.pax_headers)
        if single:
            assert (found["var"], found["var/mail"]) == ((0, 8), (4242, 8))
        else:
            assert found["var/mail"] == (os.geteuid(), os.getegid())


def test_a_note_in_an_archive_is_no_note_of_ours(tmp_path: Path) -> None:
    note = tars.extended((b"SCHILY.xattr.user.containers.override_stat", b"0:0:04755"))
    lay(tmp_path, note, tars.file(b"x"))
    assert os.listxattr(tmp_path / "x") == []


@pytest.mark.parametrize(
    ("value", "owner"),
    [
        (b"1:2:0644", (1, 2)),
        (b"1:2:0755:dir", (1, 2)),
        (b"0:0:040755:block-8-1", (0, 0)),
        (b"", None),
        (b"1:2", None),
        (b"-1:2:0644", None),
        (b"1:4294967295:0644", None),
        (b"9" * 5000 + b":1:0644", None),
    ],
)
def test_notes(value: bytes, owner: tuple[int, int] | None) -> None:
    assert remembered.parse(value) == owner

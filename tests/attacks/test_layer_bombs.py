"""Layers that want more memory, disk, inodes or time than anybody has, and streams that end when they should not."""

from __future__ import annotations

import gzip
import os
import signal
from collections.abc import Iterator

import pytest

from argosy import jsontext, version
from argosy.archive.apply_process import COMMAND, LayerFailed, collect, spawn_apply
from argosy.archive.compression import Decompressor, ExpansionLimits
from argosy.archive.errors import BadArchive
from argosy.linux import process
from argosy.linux.files import remove_tree
from tests.attacks.layer_process import MEMORY_KIB, apply_layer
from tests.rig.host import is_root, needs_program, needs_root
from tests.rig.program import CHECKOUT
from tests.unit.archive import tars

MIB = 1 << 20


@pytest.fixture
def root(tmp_path: object) -> Iterator[str]:
    """Removed by ourselves: pytest's own removal recurses, and some of these trees are deeper than that can go."""
    os.mkdir(f"{tmp_path}/diff")
    yield f"{tmp_path}/diff"
    remove_tree(f"{tmp_path}/diff")


@pytest.fixture
def small(tmp_path: object) -> Iterator[str]:
    """A directory on a file system of 32 MiB and 3,000 inodes."""
    where = f"{tmp_path}/small"
    os.mkdir(where)
    process.run(["mount", "-t", "tmpfs", "-o", "size=32m,nr_inodes=3000,mode=700", "tmpfs", where])
    try:
        yield where
    finally:
        process.run(["umount", where])


def map_of(count: int) -> bytes:
    return b",".join(b"%d,0" % (index * 10) for index in range(count))


def header_bomb(key: bytes, value: bytes, count: int) -> bytes:
    """A PAX header with many records."""
    data = b"".join(tars.record(key % index, value) for index in range(count))
    return tars.header(b"p", b"x", size=len(data)) + tars.padded(data)


def deep(index: int) -> bytes:
    """A file below 2,000 directories that are not declared."""
    return tars.extended((b"path", b"%d/" % index + b"a/" * 2000 + b"f")) + tars.header(b"f")


BOMBS: dict[str, tuple[list[bytes], str]] = {
    "pax header of 2 MiB": ([tars.extended((b"comment", b"x" * 2 * MIB)), tars.file(b"f")], "at most 1048576"),
    "many records": ([header_bomb(b"k%d", b"", 90_000), tars.file(b"f")], ""),
    "too many records": ([header_bomb(b"k%d", b"", 200_000), tars.file(b"f")], "at most 1048576"),
    "many attributes": ([header_bomb(b"SCHILY.xattr.user.k%d", b"v", 30_000), tars.file(b"f")], "extended attribute"),
    "an attribute of 1 MB": (
        [tars.extended((b"SCHILY.xattr.user.k", b"v" * 1_000_000)), tars.file(b"f")],
        "extended attribute",
    ),
    "long name of 1 GiB": ([tars.header(b"L", b"L", size=1 << 30)], "long name has 1073741824 bytes"),
    "global header of 1 GiB": ([tars.header(b"g", b"g", size=1 << 30)], "at most 1048576"),
    "global headers": ([tars.extended((b"k%d" % n, b"v" * 400_000), flag=b"g") for n in range(4)], "together"),
    "sparse map": (
        [tars.extended((b"GNU.sparse.size", b"9" * 9), (b"GNU.sparse.map", map_of(100_000))), tars.file(b"f")],
        "",
    ),
    "longer sparse map": (
        [tars.extended((b"GNU.sparse.size", b"9" * 9), (b"GNU.sparse.map", b"0,0," * 131_073)), tars.file(b"f")],
        "sparse",
    ),
    "sparse file of 8 EiB": (
        [tars.extended((b"GNU.sparse.size", b"%d" % ((1 << 63) - 1)), (b"GNU.sparse.map", b"")), tars.file(b"f")],
        "a sparse file of 9223372036854775807 bytes",
    ),
    "file of 4 EiB": ([tars.header(b"f", size=b"\x80" + (1 << 62).to_bytes(11, "big"))], "no space left"),
    "undeclared directories": ([deep(index) for index in range(10)], "without an entry of their own"),
}


@pytest.mark.parametrize("case", BOMBS)
def test_memory_is_bounded(root: str, case: str) -> None:
    parts, why = BOMBS[case]
    outcome = apply_layer(root, [tars.archive(tars.file(b"before"), *parts)])
    assert outcome.memory_kib < MEMORY_KIB
    assert why in outcome.error
    assert bool(why) == bool(outcome.error)


def test_memory_does_not_grow_with_the_layer(root: str) -> None:
    """Directories, links, whiteouts and times are not remembered: the process needs the same for few and for many."""

    def pieces(count: int) -> Iterator[bytes]:
        for number in range(count):
            where = b"d%d/" % (number // 20)
            yield b"".join(
                (
                    tars.directory(where + b"s%d" % number, mtime=number),
                    tars.file(where + b"s%d/f" % number, mtime=number),
                    tars.symlink(where + b"l%d" % number, b"s%d" % number),
                    tars.hardlink(where + b"h%d" % number, where + b"s%d/f" % number),
                    tars.file(where + b".wh.w%d" % number),
                )
            )
        yield tars.END

    os.mkdir(f"{root}/few")
    os.mkdir(f"{root}/many")
    few, many = apply_layer(f"{root}/few", pieces(100)), apply_layer(f"{root}/many", pieces(4000))
    assert (few.error, many.error) == ("", "")
    assert many.applied["entries"] == 20_000
    assert many.memory_kib < few.memory_kib + 3000


def test_what_follows_the_end_takes_no_memory(root: str) -> None:
    outcome = apply_layer(root, [tars.archive(tars.file(b"f"))] + [bytes(MIB)] * 300)
    assert outcome.error == ""
    assert outcome.memory_kib < MEMORY_KIB / 2


def test_a_sparse_file_takes_no_disk(root: str) -> None:
    records = tars.extended((b"GNU.sparse.size", b"%d" % (1 << 40)), (b"GNU.sparse.map", b"%d,1" % ((1 << 40) - 1)))
    outcome = apply_layer(root, [tars.archive(records + tars.header(b"f", size=1) + tars.padded(b"x"))])
    assert outcome.error == ""
    assert os.stat(f"{root}/f").st_size == 1 << 40
    assert os.stat(f"{root}/f").st_blocks < 100


@pytest.mark.parametrize("fill", [bytes(MIB), os.urandom(MIB)], ids=["zeros", "random"])
@needs_root
def test_the_disk_is_not_filled_up(small: str, fill: bytes) -> None:
    """A reserve of a twentieth stays, and the file that goes too far is named."""
    pieces = [tars.file(b"f%d" % number, fill) for number in range(40)]
    outcome = apply_layer(small, [*pieces, tars.END], flavour="trusted")
    assert 'no space left for the layer at its entry "f' in outcome.error
    assert "prune" in outcome.hint
    status = os.statvfs(small)
    assert status.f_bavail * status.f_frsize >= 32 * MIB // 20
    assert len(os.listdir(small)) > 25


@needs_root
def test_a_file_larger_than_the_disk_is_refused_before_it_is_written(small: str) -> None:
    outcome = apply_layer(small, [tars.header(b"large", size=1 << 30)] + [bytes(MIB)] * 64, flavour="trusted")
    assert '"large"' in outcome.error
    assert os.statvfs(small).f_bavail > 8000
    assert outcome.written < 8 * MIB


@needs_root
def test_inodes_are_not_used_up(small: str) -> None:
    pieces = (tars.file(b"%d" % number) for number in range(20_000))
    outcome = apply_layer(small, [*pieces, tars.END], flavour="trusted")
    assert "no space left for the layer" in outcome.error
    assert os.statvfs(small).f_favail > 50


@needs_root
def test_undeclared_directories_are_charged(small: str) -> None:
    pieces = (tars.file(b"%d/a/b/c/d/e/f" % number) for number in range(2000))
    outcome = apply_layer(small, [*pieces, tars.END], flavour="trusted")
    assert "no space left for the layer" in outcome.error


def test_a_compressed_bomb_ends_early(root: str) -> None:
    """The way of a pull: what the decompressor refuses cuts the archive off, and the process says so."""
    bomb = gzip.compress(tars.header(b"bomb", size=64 * MIB) + bytes(64 * MIB))
    decompressor = Decompressor("gzip", ExpansionLimits(ratio=100, floor_bytes=8 * MIB))

    def pieces() -> Iterator[bytes]:
        try:
            yield from decompressor.write(bomb)
        except BadArchive as error:
            assert "bomb" in error.brief
            return
        raise AssertionError("the bomb went through")

    outcome = apply_layer(root, pieces())
    assert "cut off" in outcome.error
    assert os.stat(f"{root}/bomb").st_size <= 10 * MIB


def test_a_parent_that_dies_is_a_cut_off_archive(root: str) -> None:
    outcome = apply_layer(root, [tars.file(b"whole", b"data"), tars.header(b"half", size=100_000), b"half"])
    assert outcome.status == 1
    assert 'entry "half"' in outcome.error
    assert "cut off" in outcome.error
    assert "cut off" in apply_layer(root, [tars.file(b"second")]).error
    assert apply_layer(root, [tars.file(b"third")], marker_required=False).error == ""


def test_the_parent_learns_why(root: str) -> None:
    version.LAUNCHER = f"{CHECKOUT}/bin/argosy"
    pid, archive, result = spawn_apply(root, "user", id_map_single=not is_root())
    with pytest.raises(BrokenPipeError):
        while True:
            os.write(archive, b"no archive " * 10_000)
    os.close(archive)
    with pytest.raises(LayerFailed, match="does not begin as a tar archive"):
        collect(pid, result)
    pid, archive, result = spawn_apply(root, "user", id_map_single=not is_root())
    os.write(archive, tars.archive(tars.file(b"dir\xff/file", b"data")))
    os.close(archive)
    applied = collect(pid, result)
    assert (applied.entries, applied.size_bytes, applied.undeclared) == (1, 4, ("dir\udcff",))


def test_a_process_that_is_killed_has_no_result(root: str) -> None:
    version.LAUNCHER = f"{CHECKOUT}/bin/argosy"
    before = os.listdir("/proc/self/fd")
    pid, archive, result = spawn_apply(root, "user", id_map_single=not is_root())
    os.write(archive, tars.file(b"f"))
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(LayerFailed, match="signal 9"):
        collect(pid, result)
    os.close(archive)
    assert os.listdir("/proc/self/fd") == before


def test_a_directory_that_is_not_there(tmp_path: object) -> None:
    outcome = apply_layer(f"{tmp_path}/missing", [tars.archive()])
    assert outcome.status == 1
    assert "missing" in outcome.error


@needs_program("unshare")
def test_ids_beyond_the_map_are_named(root: str) -> None:
    """In a real user namespace with one id: the owner is refused by name, or ignored where that was asked for."""
    helper = [f"{CHECKOUT}/bin/argosy", COMMAND]
    unshare = ["unshare", "--user", "--map-root-user", "--", *helper]
    data = tars.archive(tars.file(b".wh.gone"), tars.device(b"null", 1, 3), tars.file(b"mail", uid=0, gid=8))
    done = process.run([*unshare, root, "user"], input=data, check=False)
    error = jsontext.decode(done.stdout)["error"]
    assert done.returncode == 1
    assert error["brief"] == 'the owner 0:8 of the entry "mail" is not in the id map'
    assert "/etc/subgid" in error["hint"]
    os.unlink(f"{root}/gone")
    done = process.run([*unshare, root, "user", "--single-id"], input=data)
    assert jsontext.decode(done.stdout)["applied"]["skipped_devices"] == 1
    assert sorted(os.listdir(root)) == ["gone", "mail"]

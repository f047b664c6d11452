"""The canonical writer: its bytes never change, and other readers understand them."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile

import pytest

from argosy.archive import entry as kinds
from argosy.archive.entry import Entry
from argosy.archive.tarstream import TarReader
from argosy.archive.tarwriter import END_MARK, WRITER_VERSION, headers, padding
from tests.unit.archive import tars


def example(name: bytes, kind: str = kinds.FILE, size: int = 0, **fields: object) -> Entry:
    made = Entry(name, kind, size=size)
    for field, value in fields.items():
        setattr(made, field, value)
    return made


EXAMPLES = [
    example(b"bin", kinds.DIRECTORY, mode=0o755, mtime_ns=1_600_000_000_999_999_999),
    example(b"bin/tool", size=5, mode=0o4755, uid=1000, gid=100, mtime_ns=1_600_000_000_000_000_000),
    example(b"bin/other", kinds.HARDLINK, linkname=b"bin/tool"),
    example(b"bin/link", kinds.SYMLINK, linkname=b"../bin/tool", mode=0o777),
    example(b"dev/null", kinds.CHARACTER_DEVICE, mode=0o666, device=(1, 3)),
    example(b"dev/sda", kinds.BLOCK_DEVICE, mode=0o660, gid=6, device=(8, 2_000_000)),
    example(b"run/pipe", kinds.FIFO, mode=0o600),
    example(b"n" * 100, size=512),
    example(b"n" * 101, size=513),
    example(b"d/" + b"m" * 99, kinds.DIRECTORY, mode=0o1777),
    example(b"l", kinds.SYMLINK, linkname=b"t" * 101, mode=0o777),
    example(b"owner", uid=2_097_151, gid=2_097_152, mtime_ns=0),
    example(b"ids", uid=4_294_967_294, gid=4_294_967_294),
    example(b"before", mtime_ns=-1_500_000_000),
    example(b"late", mtime_ns=8**11 * 10**9),
    example(b"caf\xc3\xa9/\xff\xfe"),
    example(b"\xff" * 120),
    example(b"attributes", xattrs={b"user.z": b"1", b"security.capability": b"\1\0\0\2", b"user.a": b""}),
]

GOLDEN = "affeb99383a89f5e846b195ac1317ddef02270c79aeb634b5631ddc056d914be"


def written() -> bytes:
    stream = b"".join(headers(entry) + b"x" * entry.size + padding(entry.size) for entry in EXAMPLES)
    return stream + END_MARK


def test_golden_digest() -> None:
    """Digests of layers that were built but not yet pushed depend on these bytes.  A new format is a new version."""
    assert WRITER_VERSION == 1
    assert hashlib.sha256(written()).hexdigest() == GOLDEN


def test_size_from_8_gib_on() -> None:
    largest, next_one = headers(example(b"f", size=8**11 - 1)), headers(example(b"f", size=8**11))
    assert largest[124:136] == b"77777777777\0"
    assert len(next_one) == 3 * 512
    assert b"size=8589934592\n" in next_one
    assert next_one[1024 + 124 : 1024 + 136] == b"00000000000\0"


def test_the_header_of_a_file_byte_by_byte() -> None:
    expected = tars.header(b"bin/tool", mode=0o4755, uid=1000, gid=100, size=5, mtime=1_600_000_000, device=(0, 0))
    ours = headers(EXAMPLES[1])
    assert ours[:329] == expected[:148] + ours[148:156] + expected[156:329]
    assert tars.summed(ours) == ours
    assert ours[329:] == bytes(183)


def test_tarfile_reads_it() -> None:
    with tarfile.open(fileobj=io.BytesIO(written()), encoding="utf-8", errors="surrogateescape") as archive:
        found = list(archive)
    assert len(found) == len(EXAMPLES)
    for expected, info in zip(EXAMPLES, found, strict=True):
        assert info.name == os.fsdecode(expected.name)
        assert (info.mode, info.uid, info.gid, info.size) == (expected.mode, expected.uid, expected.gid, expected.size)
        assert info.mtime == expected.mtime_ns // 10**9
        assert info.linkname == expected.linkname.decode()
        assert (info.uname, info.gname) == ("", "")
        if expected.kind in (kinds.CHARACTER_DEVICE, kinds.BLOCK_DEVICE):
            assert (info.devmajor, info.devminor) == expected.device


def test_our_reader_reads_it() -> None:
    fd = tars.descriptor(written())
    for expected, entry in zip(EXAMPLES, TarReader(fd), strict=True):
        assert entry.name.rstrip(b"/") == expected.name
        for field in ("kind", "mode", "uid", "gid", "size", "linkname", "device", "xattrs"):
            assert getattr(entry, field) == getattr(expected, field), field
        assert entry.mtime_ns == expected.mtime_ns // 10**9 * 10**9
    os.close(fd)


@pytest.mark.parametrize("length", [1, 9, 10, 86, 87, 88, 89, 90, 980, 9970, 99_970])
def test_pax_records_count_their_own_length(length: int) -> None:
    for size in range(length, length + 12):
        data = headers(example(b"f", xattrs={b"user.a": b"v" * size}))[512:]
        number, _, rest = data.partition(b" ")
        assert rest[int(number) - len(number) - 2 :][:1] == b"\n"

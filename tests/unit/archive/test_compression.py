"""Decompression: several members, every cut, damage, bombs, and the same without isal."""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
import sys
from collections.abc import Callable, Iterator

import pytest
from backports import zstd

from argosy.archive.compression import CHUNK_BYTES, Decompressor, ExpansionLimits, detect
from argosy.archive.errors import BadArchive

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, 6),
    "zstd": zstd.compress,
    "xz": lzma.compress,
    "bzip2": bz2.compress,
    "none": bytes,
}
SKIPPABLE = b"\x53\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"table"
KINDS = [kind for kind in COMPRESS if kind != "none"]


@pytest.fixture(params=[*KINDS, "gzip without isal"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each kind of compression, and gzip as where there is no wheel of isal."""
    name: str = request.param
    if name.endswith("without isal"):
        monkeypatch.setitem(sys.modules, "isal", None)
    return name.partition(" ")[0]


def expand(kind: str, data: bytes, step: int = 1 << 17, limits: ExpansionLimits | None = None) -> bytes:
    decompressor = Decompressor(kind, limits)
    pieces = []
    for start in range(0, len(data), step):
        for piece in decompressor.write(data[start : start + step]):
            assert 0 < len(piece) <= CHUNK_BYTES
            pieces.append(piece)
    decompressor.finish()
    assert decompressor.read_bytes == len(data)
    assert decompressor.written_bytes == sum(map(len, pieces))
    return b"".join(pieces)


def text(seed: int = 1, size: int = 1_000_000) -> bytes:
    """Half random, half repetitive."""
    dice = random.Random(seed)
    return dice.randbytes(size // 2) + b"all work and no play " * (size // 42)


@pytest.mark.parametrize("step", [1 << 20, 65_521, 1000])
def test_round_trip(kind: str, step: int) -> None:
    data = text()
    assert expand(kind, COMPRESS[kind](data), step) == data


@pytest.mark.parametrize("step", [1 << 20, 7])
def test_members_and_frames_follow_each_other(kind: str, step: int) -> None:
    pieces = [b"one" * 100, b"", b"two", text(2, 30_000), b"x"]
    joined = b"".join(COMPRESS[kind](piece) for piece in pieces)
    assert expand(kind, joined, step) == b"".join(pieces)


def test_uncompressed_data_passes_through() -> None:
    assert expand("none", text(6, 200_000), 1000) == text(6, 200_000)


def test_zstd_skips_frames_and_takes_those_without_a_size() -> None:
    compressor = zstd.ZstdCompressor()
    streamed = compressor.compress(b"one") + compressor.flush()
    data = SKIPPABLE + streamed + SKIPPABLE + zstd.compress(b"two") + SKIPPABLE
    assert detect(data) == "zstd"
    assert expand("zstd", data) == b"onetwo"
    assert expand("zstd", data, 1) == b"onetwo"


def test_gzip_header_fields() -> None:
    stream = gzip.compress(b"content")
    named = stream[:3] + b"\x08" + stream[4:10] + b"n" * 100_000 + b"\0" + stream[10:]
    assert expand("gzip", named, 1000) == b"content"


def test_detect(kind: str) -> None:
    assert detect(COMPRESS[kind](b"some content" * 30)[:6]) == kind
    assert detect(b"") == detect(b"\x1f\x8b") == "none"


def test_every_cut_is_an_error(kind: str) -> None:
    data = COMPRESS[kind](text(3, 4000))
    for end in range(len(data)):
        with pytest.raises(BadArchive, match="cut off"):
            expand(kind, data[:end])
    second = data + data[:-1]
    with pytest.raises(BadArchive, match="cut off"):
        expand(kind, second)


def test_bytes_behind_the_end_are_an_error(kind: str) -> None:
    data = COMPRESS[kind](b"content")
    for garbage in (b"garbage beyond", bytes(512)):
        with pytest.raises(BadArchive, match=r"behind its end|cut off"):
            expand(kind, data + garbage)


def test_damage_is_an_error(kind: str) -> None:
    """From the gzip header on (time and system are in no checksum); zstd's checksum is optional, and asked for here."""
    content = text(4, 2000)
    data = COMPRESS[kind](content)
    if kind == "zstd":
        data = zstd.compress(content, options={int(zstd.CompressionParameter.checksum_flag): 1})
    for at in range(10, len(data), 37):
        damaged = data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]
        with pytest.raises(BadArchive):
            expand(kind, damaged)


def zeros(kind: str, size: int) -> bytes:
    if kind == "zstd":
        return zstd.compress(bytes(size))
    return COMPRESS[kind](bytes(size))


def test_a_bomb_is_stopped_soon(kind: str) -> None:
    bomb = zeros(kind, 64 << 20)
    decompressor = Decompressor(kind, ExpansionLimits(ratio=100, floor_bytes=8 << 20))

    def blow() -> Iterator[bytes]:
        for start in range(0, len(bomb), 4096):
            yield from decompressor.write(bomb[start : start + 4096])

    with pytest.raises(BadArchive, match="bomb"):
        for _ in blow():
            pass
    assert decompressor.written_bytes <= max(8 << 20, 100 * decompressor.read_bytes) + 2 * CHUNK_BYTES


def test_what_stays_below_the_floor_may_have_any_ratio() -> None:
    assert expand("gzip", zeros("gzip", 7 << 20), limits=ExpansionLimits(ratio=2, floor_bytes=8 << 20)) == bytes(
        7 << 20
    )


def test_ordinary_limits_let_ordinary_layers_through() -> None:
    data = text(5, 20_000)
    assert expand("gzip", gzip.compress(data * 100)) == data * 100


def test_zstd_window_is_bounded() -> None:
    parameters: dict[int, int] = {
        zstd.CompressionParameter.window_log: 27,
        zstd.CompressionParameter.compression_level: 1,
    }
    compressor = zstd.ZstdCompressor(options=parameters)
    data = compressor.compress(b"content") + compressor.flush()
    with pytest.raises(BadArchive) as caught:
        expand("zstd", data)
    assert "32 MiB" in caught.value.hint

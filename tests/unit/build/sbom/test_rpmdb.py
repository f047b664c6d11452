"""The older databases of rpm: what is in them, and what is damaged.

The databases are laid out here as rpm and Berkeley DB lay them out; those of the real programs read the same.
"""

from __future__ import annotations

import struct

import pytest

from argosy.build.sbom.rpmdb import blobs
from argosy.errors import ArgosyError

HEADERS = [b"first" * 300, b"second" * 2000]
PAGE = 4096


def ndb(headers: list[bytes]) -> bytes:
    """One page of slots: that of a package that was removed, then those of the headers."""
    slots = [struct.pack("<4sIII", b"Slot", 0, 0, 0)]
    room = b""
    for number, header in enumerate(headers, 1):
        room += b"\0" * (-len(room) % 16)
        slots.append(struct.pack("<4sIII", b"Slot", number, (PAGE + len(room)) // 16, 1))
        room += struct.pack("<4sIII", b"BlbS", number, 0, len(header)) + header
    slots += [struct.pack("<4sIII", b"Slot", 0, 0, 0)] * (PAGE // 16 - 2 - len(slots))
    return struct.pack("<4sIII16x", b"RpmP", 0, 1, 1) + b"".join(slots) + room


def _page(order: str, number: int, following: int, count: int, used: int, kind: int, body: bytes) -> bytes:
    head = struct.pack(f"{order}8xIIIHHBB", number, 0, following, count, used, 0, kind)
    return (head + body).ljust(PAGE, b"\0")


def bdb(headers: list[bytes], order: str = "<") -> bytes:
    """A hash whose one bucket has a small value, rpm's counter, and values on pages of their own."""
    chains: list[bytes] = []
    offsets, items, at = [], b"", 2048
    values = [b"\1" + b"\2\0\0\0"]
    for header in headers:
        first = 2 + len(chains)
        values.append(struct.pack(f"{order}B3xII", 3, first, len(header)))
        pieces = [header[start : start + PAGE - 26] for start in range(0, len(header), PAGE - 26)]
        for position, piece in enumerate(pieces, 1):
            number = 2 + len(chains)
            following = number + 1 if position < len(pieces) else 0
            chains.append(_page(order, number, following, 1, len(piece), 7, piece))
    for value in values:
        for item in (b"\1keys", value):
            offsets.append(at + len(items))
            items += item
    body = struct.pack(f"{order}{len(offsets)}H", *offsets).ljust(at - 26, b"\0") + items
    meta = struct.pack(f"{order}12xIIIBB", 0x61561, 9, PAGE, 0, 8).ljust(PAGE, b"\0")
    return meta + _page(order, 1, 0, len(offsets), at, 13, body) + b"".join(chains)


@pytest.mark.parametrize("data", [ndb(HEADERS), bdb(HEADERS), bdb(HEADERS, ">")], ids=["ndb", "bdb", "big-endian"])
def test_headers(data: bytes) -> None:
    assert blobs("Packages", data) == HEADERS


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"neither",
        ndb(HEADERS)[: PAGE + 4],
        ndb(HEADERS).replace(b"Slot", b"slot"),
        ndb(HEADERS).replace(b"BlbS", b"blob"),
        bdb(HEADERS)[: 3 * PAGE],
        bdb(HEADERS)[:20] + b"\xff" * 4 + bdb(HEADERS)[24:],
        bdb(HEADERS)[: 2 * PAGE] + bytes(4 * PAGE),
    ],
)
def test_what_is_damaged(data: bytes) -> None:
    with pytest.raises(ArgosyError, match=r"cannot be read|no rpm database"):
        blobs("Packages", data)


def test_a_chain_that_leads_back_ends_and_one_for_all_is_refused() -> None:
    data = bytearray(bdb([b"x" * 10]))
    struct.pack_into("<I", data, 2 * PAGE + 16, 2)
    assert blobs("Packages", bytes(data)) == [b"x" * 10]
    data = bytearray(bdb([b"x" * 3000] * 9))
    for offset in range(2048, 3 * PAGE):
        if data[PAGE + offset : PAGE + offset + 4] == b"\3\0\0\0":
            struct.pack_into("<I", data, PAGE + offset + 4, 2)
    assert blobs("Packages", bytes(data)) == [b"x" * 3000] * 9
    with pytest.raises(ArgosyError, match="in common"):
        blobs("Packages", bytes(data[: 3 * PAGE]))

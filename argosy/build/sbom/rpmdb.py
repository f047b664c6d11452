"""The older databases of rpm: a hash of Berkeley DB (RHEL 8 and before), and rpm's own NDB (SUSE).

Only what leads to the headers is read, from memory and within its bounds: both may be damaged, or made to mislead.
"""

from __future__ import annotations

import struct

from argosy.errors import ArgosyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_NDB_MAGIC, _NDB_SLOT, _NDB_BLOB = b"RpmP", b"Slot", b"BlbS"
_NDB_PAGE_BYTES, _NDB_SLOT_BYTES, _NDB_BLOCK_BYTES = 4096, 16, 16
_NDB_HEADER_SLOTS = 2  # the file's own header has their room
_BDB_MAGIC = 0x61561  # DB_HASHMAGIC
_BDB_MAGIC_AT = 12
_BDB_HASH_PAGES = (2, 13)  # P_HASH_UNSORTED, P_HASH
_BDB_OVERFLOW_PAGE = 7
_BDB_PAGE_HEADER_BYTES = 26
_BDB_OFF_PAGE = 3  # H_OFFPAGE: the value is on pages of its own


def blobs(place: str, data: bytes) -> list[bytes]:
    """The headers in a database.  Raises ArgosyError for one that cannot be read, or is of no known kind."""
    try:
        if data[:4] == _NDB_MAGIC:
            return _bounded(_ndb(data), len(data))
        for order in "<>":
            if struct.unpack_from(f"{order}I", data, _BDB_MAGIC_AT)[0] == _BDB_MAGIC:
                return _bounded(_bdb(data, order), len(data))
    except (struct.error, ValueError, IndexError) as error:
        raise ArgosyError(f"{place} cannot be read: {error}") from error
    raise ArgosyError(f"{place} is no rpm database of a kind that is known")


def _bounded(headers: Iterator[bytes], most_bytes: int) -> list[bytes]:
    """All headers, which together are no longer than the file: each has its own part of it."""
    found, left = [], most_bytes
    for header in headers:
        found.append(header)
        left -= len(header)
        if left < 0:
            raise ValueError("headers have parts of it in common")
    return found


def _ndb(data: bytes) -> Iterator[bytes]:
    (pages,) = struct.unpack_from("<I", data, 12)
    end = min(pages * _NDB_PAGE_BYTES, len(data) - _NDB_SLOT_BYTES + 1)
    for at in range(_NDB_HEADER_SLOTS * _NDB_SLOT_BYTES, end, _NDB_SLOT_BYTES):
        magic, package, block, _ = struct.unpack_from("<4sIII", data, at)
        if magic != _NDB_SLOT:
            raise ValueError(f"there is no slot at {at}")
        if not package:
            continue
        start = block * _NDB_BLOCK_BYTES
        magic, found, _, size = struct.unpack_from("<4sIII", data, start)
        if (magic, found) != (_NDB_BLOB, package):
            raise ValueError(f"there is no package {package} at {start}")
        yield data[start + 16 : start + 16 + size]


def _bdb(data: bytes, order: str) -> Iterator[bytes]:
    (page_bytes,) = struct.unpack_from(f"{order}I", data, 20)
    if page_bytes not in (1 << power for power in range(9, 17)):
        raise ValueError(f"pages of {page_bytes} bytes")
    for at in range(page_bytes, len(data) - page_bytes + 1, page_bytes):
        page = data[at : at + page_bytes]
        if page[25] not in _BDB_HASH_PAGES:
            continue
        (count,) = struct.unpack_from(f"{order}H", page, 20)
        offsets = struct.unpack_from(f"{order}{count}H", page, _BDB_PAGE_HEADER_BYTES)
        for offset in offsets[1::2]:  # behind each key its value
            if page[offset : offset + 1] == bytes((_BDB_OFF_PAGE,)):
                first, size = struct.unpack_from(f"{order}II", page, offset + 4)
                yield _chained(data, order, page_bytes, first)[:size]


def _chained(data: bytes, order: str, page_bytes: int, number: int) -> bytes:
    """What is on a chain of overflow pages; none can be longer than the file."""
    parts = []
    for _ in range(len(data) // page_bytes):
        if not number:
            break
        page = data[number * page_bytes : (number + 1) * page_bytes]
        following, _, used = struct.unpack_from(f"{order}IHH", page, 16)
        if page[25] != _BDB_OVERFLOW_PAGE:
            raise ValueError(f"page {number} does not go on with a value")
        parts.append(page[_BDB_PAGE_HEADER_BYTES : _BDB_PAGE_HEADER_BYTES + used])
        number = following
    return b"".join(parts)

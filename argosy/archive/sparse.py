"""Sparse files in tar archives: GNU's old header type S, and its PAX formats 0.0, 0.1 and 1.0."""

from __future__ import annotations

from argosy.archive.numbers import MAX_SIZE, decimal, octal, within
from argosy.archive.pax import SPARSE_PAIRS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.archive.entry import Entry

MAX_SEGMENTS = 1 << 17


def is_sparse(records: dict[bytes, bytes]) -> bool:
    """Whether these PAX records describe a sparse file."""
    return b"GNU.sparse.major" in records or b"GNU.sparse.size" in records


def amend(entry: Entry, records: dict[bytes, bytes], read_block: Callable[[], bytes]) -> None:
    """Give `entry` the name, size and segments that its PAX records and, in format 1.0, its first data blocks tell.

    `read_block` takes 512 bytes off the entry's data.  Raises ValueError.
    """
    name = records.get(b"GNU.sparse.name", b"")
    if b"\0" in name:
        raise ValueError("the name of the sparse file contains a NUL")
    entry.name = name or entry.name
    major, minor = records.get(b"GNU.sparse.major"), records.get(b"GNU.sparse.minor", b"0")
    if (major, minor) == (b"1", b"0"):
        size = records.get(b"GNU.sparse.realsize", b"")
        numbers, blocks = _leading_map(read_block)
        entry.stored_bytes = within(entry.stored_bytes - 512 * blocks, "stored size")
    elif major in (None, b"0"):
        size = records.get(b"GNU.sparse.size") or records.get(b"GNU.sparse.realsize", b"")
        pairs = records.get(SPARSE_PAIRS, b"")
        numbers = [decimal(text, "sparse map") for text in pairs.split(b",", 2 * MAX_SEGMENTS)] if pairs else []
    else:
        raise ValueError(f"GNU's sparse format {major[:20]!r} is not known")
    entry.size = decimal(size, "sparse size")
    entry.segments = checked(numbers, entry)


def _leading_map(read_block: Callable[[], bytes]) -> tuple[list[int], int]:
    """The numbers of a 1.0 map, and how many blocks it fills: a count, then pairs, each on a line, padded with NULs."""
    numbers: list[int] = []
    wanted = 1
    text = b""
    blocks = 0
    while len(numbers) < wanted:
        if b"\n" not in text:
            if len(text) > 20:
                raise ValueError("the sparse map is no list of numbers")
            text += read_block()
            blocks += 1
            continue
        line, _, text = text.partition(b"\n")
        numbers.append(decimal(line, "sparse map"))
        if len(numbers) == 1:
            wanted = 1 + 2 * within(numbers[0], "number of segments", MAX_SEGMENTS)
    return numbers[1:], blocks


def old_header(header: bytes, read_block: Callable[[], bytes]) -> tuple[list[int], int]:
    """The map and the real size that an old GNU header (type S) and the blocks behind it give."""
    numbers = _pairs(header, 386, 4)
    more = header[482] != 0
    while more:
        block = read_block()
        numbers += _pairs(block, 0, 21)
        more = block[504] != 0
        if len(numbers) > 2 * MAX_SEGMENTS:
            raise ValueError(f"a sparse file of more than {MAX_SEGMENTS} segments")
    return numbers, within(octal(header[483:495]), "sparse size")


def _pairs(block: bytes, start: int, count: int) -> list[int]:
    numbers: list[int] = []
    for at in range(start, start + 24 * count, 24):
        if not block[at]:
            break
        numbers.append(octal(block[at : at + 12]))
        numbers.append(octal(block[at + 12 : at + 24]))
    return numbers


def checked(numbers: list[int], entry: Entry) -> tuple[tuple[int, int], ...]:
    """The segments in these numbers: in order, within the file, and as long as what the archive holds."""
    if len(numbers) % 2:
        raise ValueError("the sparse map has an odd number of elements")
    if len(numbers) > 2 * MAX_SEGMENTS:
        raise ValueError(f"a sparse file of more than {MAX_SEGMENTS} segments")
    end = total = 0
    segments = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    for offset, length in segments:
        if offset < end or length < 0 or offset > MAX_SIZE - length:
            raise ValueError("the segments of the sparse file overlap or are out of order")
        end = offset + length
        total += length
    if end > entry.size:
        raise ValueError("the sparse map goes beyond the end of the file")
    if total != entry.stored_bytes:
        raise ValueError(f"the sparse map tells of {total} bytes of data, the archive of {entry.stored_bytes}")
    return segments

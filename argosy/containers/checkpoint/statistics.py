"""What CRIU counted: its file `stats-dump` or `stats-restore`, a header and a message (criu/images/stats.proto).

A file that is not there, or not as expected, counts nothing: these are for people to look at.
"""

from __future__ import annotations

from argosy.linux import files
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MAGIC = bytes.fromhex("06330957")  # 0x57093306, little endian, twice
_HEADER = 12
_DUMP = {
    1: "freezing_time",
    2: "frozen_time",
    3: "memdump_time",
    4: "memwrite_time",
    5: "pages_scanned",
    7: "pages_written",
}
_RESTORE = {3: "forking_time", 4: "restore_time", 5: "pages_restored"}
_PARTS = {1: _DUMP, 2: _RESTORE}
NO_COUNTS: Mapping[str, int] = {}


class Statistics(Value):
    """How long the runtime took, in microseconds, and CRIU's counts under podman's names."""

    id: str = ""
    runtime_us: int = 0
    counts: Mapping[str, int] = NO_COUNTS


def read(directory: str) -> Statistics:
    """What is in the file that CRIU left in `directory`."""
    for name in ("stats-dump", "stats-restore"):
        try:
            data = files.read_regular(f"{directory}/{name}", 1 << 16)
        except OSError:
            continue
        return Statistics(counts=parse(data))
    return Statistics()


def parse(data: bytes) -> dict[str, int]:
    """The counts in such a file; none where it is not one."""
    if data[:8] != _MAGIC * 2:
        return {}
    size = int.from_bytes(data[8:_HEADER], "little")
    found: dict[str, int] = {}
    try:
        for part, body in _fields(data[_HEADER : _HEADER + size]):
            if isinstance(body, bytes):
                names = _PARTS.get(part, {})
                found |= {
                    names[number]: value
                    for number, value in _fields(body)
                    if number in names and isinstance(value, int)
                }
    except (IndexError, ValueError):
        return {}
    return found


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of each field; protobuf's wire types 0 (varint) and 2 (bytes)."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        value, at = _varint(data, at)
        if key & 7 == 2:
            if at + value > len(data):
                raise ValueError("cut off")
            yield key >> 3, data[at : at + value]
            at += value
        elif key & 7 == 0:
            yield key >> 3, value
        else:
            raise ValueError("another wire type")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return value, at
        if shift > 63:
            raise ValueError("too long")

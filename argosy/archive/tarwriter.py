"""The canonical writer of tar headers, version 1: the same tree always gives the same bytes, and so the same digest.

A layer that was built here has no blob until it is pushed, only the digest of this writer's output; its record keeps
`WRITER_VERSION`.  So the format below never changes: a better one is a new version beside it.

Version 1: POSIX ustar headers, never the prefix field.  No user or group names.  Times in whole seconds, rounded down.
Numbers as zero-padded octal digits with a NUL; device numbers of devices only.  Directory names end with a slash.  What
does not fit its field (a name or link of more than 100 bytes, an id from 2097152 on, a size from 8 GiB on, a time
before 1970 or from 2242 on), and extended attributes, is told by a pax header before the entry, called
"././@PaxHeader", mode 0644, everything else 0; its records are sorted by key, and hdrcharset=BINARY is among them when
a name in them is not UTF-8; a number that does not fit is 0 in the header, a name its first 100 bytes.  The archive
ends with two blocks of zeros.
"""

from __future__ import annotations

from argosy.archive import entry as kinds
from argosy.archive.pax import XATTR_PREFIX, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.archive.entry import Entry

WRITER_VERSION = 1
BLOCK = 512
END_MARK = bytes(2 * BLOCK)

_FLAGS = {
    kinds.FILE: b"0",
    kinds.HARDLINK: b"1",
    kinds.SYMLINK: b"2",
    kinds.CHARACTER_DEVICE: b"3",
    kinds.BLOCK_DEVICE: b"4",
    kinds.DIRECTORY: b"5",
    kinds.FIFO: b"6",
}
_PAX_NAME = b"././@PaxHeader"


def padding(size: int) -> bytes:
    """The zeros behind `size` bytes of data."""
    return bytes(-size % BLOCK)


def headers(entry: Entry) -> bytes:
    """The headers of an entry; `size` bytes of data and their padding follow."""
    records: dict[bytes, bytes] = {}
    seconds = entry.mtime_ns // 1_000_000_000
    name = entry.name.rstrip(b"/") + b"/" if entry.kind == kinds.DIRECTORY else entry.name
    flag = _FLAGS[entry.kind]
    is_device = entry.kind in (kinds.CHARACTER_DEVICE, kinds.BLOCK_DEVICE)
    block = b"".join(
        (
            _text(name, b"path", records),
            b"%07o\0" % entry.mode,
            _number(entry.uid, 7, b"uid", records),
            _number(entry.gid, 7, b"gid", records),
            _number(entry.size, 11, b"size", records),
            _number(seconds, 11, b"mtime", records),
            b" " * 8,
            flag,
            _text(entry.linkname, b"linkpath", records),
            b"ustar\x0000",
            bytes(64),
            b"%07o\0%07o\0" % entry.device if is_device else bytes(16),
            bytes(155 + 12),
        )
    )
    for attribute, value in entry.xattrs.items():
        records[XATTR_PREFIX + attribute] = value
    return _pax_headers(records) + _summed(block)


def _text(text: bytes, key: bytes, records: dict[bytes, bytes]) -> bytes:
    if len(text) > 100:
        records[key] = text
    return text[:100].ljust(100, b"\0")


def _number(number: int, digits: int, key: bytes, records: dict[bytes, bytes]) -> bytes:
    if not 0 <= number < 8**digits:
        records[key] = b"%d" % number
        number = 0
    return b"%0*o\0" % (digits, number)


def _summed(block: bytes) -> bytes:
    """The header with its checksum."""
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def _pax_headers(records: dict[bytes, bytes]) -> bytes:
    if not records:
        return b""
    if not all(_is_utf8(records.get(key, b"")) for key in (b"path", b"linkpath")):
        records[b"hdrcharset"] = b"BINARY"
    data = b"".join(record(key, records[key]) for key in sorted(records))
    header = b"".join(
        (
            _PAX_NAME.ljust(100, b"\0"),
            b"0000644\x000000000\x000000000\0",
            b"%011o\x0000000000000\0" % len(data),
            b" " * 8,
            b"x",
            bytes(100),
            b"ustar\x0000",
            bytes(64 + 16 + 155 + 12),
        )
    )
    return _summed(header) + data + padding(len(data))


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True

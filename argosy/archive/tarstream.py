"""A strict reader of tar archives: POSIX ustar and pax, GNU's extensions, and the headers of old (V7).

Where `tarfile` is lenient (it loops on a negative size, stops silently at a bad checksum) this reader raises
BadArchive with the entry's name and the offset.  Memory is bounded by the buffer, one extended header (1 MiB) and one
sparse map.  Speed matters: layers have tens of thousands of small files.  So there is one buffer, filled by big reads,
and one `struct` for a header; fields that repeat from entry to entry (mode and owner, time) are parsed once.
"""

from __future__ import annotations

import os
from struct import Struct
from zlib import adler32

from argosy.archive import entry as kinds
from argosy.archive import pax, sparse
from argosy.archive.entry import Entry
from argosy.archive.errors import BadArchive
from argosy.archive.numbers import MAX_ID, octal, time_ns, within

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK = 512
MAX_PATH = 4096
MAX_EXTENDED_HEADER = 1 << 20
BUFFER_BYTES = 1 << 20

_ZEROS = bytes(BLOCK)
_REMEMBERED = 4096

# name, mode with uid and gid, size, mtime, checksum, type, link name, magic, [user, group, major, minor,] prefix
_fields = Struct("100s24s12s12s8sc100s6s82x155s12x").unpack_from

_KINDS = {
    b"0": kinds.FILE,
    b"\0": kinds.FILE,
    b"7": kinds.FILE,  # "contiguous", which means nothing here
    b"1": kinds.HARDLINK,
    b"2": kinds.SYMLINK,
    b"3": kinds.CHARACTER_DEVICE,
    b"4": kinds.BLOCK_DEVICE,
    b"5": kinds.DIRECTORY,
    b"6": kinds.FIFO,
    b"S": kinds.FILE,
}
_OLD_SPARSE = b"S"
_META = {
    b"x": "extended header",
    b"X": "extended header",
    b"g": "global extended header",
    b"L": "long name",
    b"K": "long link name",
}
_REFUSED = {b"D": "a GNU incremental directory", b"M": "a part of a multi-volume archive", b"V": "a volume label"}


class TarReader:
    """The entries of the uncompressed archive that the descriptor `fd` gives from now on.

        for entry in reader:
            while chunk := reader.take(): ...   # the data of a file; what is left is passed over

    A view that `take` returned is good until the next call of anything.  `marker_required`: an archive that ends
    between two entries without the two zero blocks that mark its end is taken for cut off; pass False where a digest
    vouches for the stream, since some builders leave the marker out.
    """

    def __init__(self, fd: int, *, marker_required: bool = True) -> None:
        self._fd = fd
        self._marker_required = marker_required
        self._buffer = bytearray(BUFFER_BYTES)
        self._view = memoryview(self._buffer)
        self._position = 0
        self._end = 0
        self._base = 0  # the offset in the archive of the buffer's first byte
        self._left = 0  # data of the entry that were not taken
        self._padding = 0
        self._globals: dict[bytes, bytes] = {}
        self._owners: dict[bytes, tuple[int, int, int]] = {}
        self._times: dict[bytes, int] = {}
        self._name = b""

    @property
    def offset(self) -> int:
        """How many bytes of the archive were read."""
        return self._base + self._position

    def __iter__(self) -> Iterator[Entry]:
        """The entries up to the end of the archive.  Raises BadArchive."""
        records: dict[bytes, bytes] = {}
        while True:
            if self._left or self._padding:
                self._skip()
            header = self._block()
            if not header:
                if records:
                    raise self._bad("the archive ends after an extended header", b"")
                return
            fields = _fields(header)
            flag = fields[5]
            self._name = fields[0]
            try:
                self._check_sum(header, fields[4])
                if flag in _META:
                    self._read_meta(flag, octal(fields[2]), records)
                    continue
                entry = self._entry(header, fields)
                if records or self._globals or flag == _OLD_SPARSE:
                    self._amend(entry, flag, header, records)
                    records = {}
                self._begin_data(entry)
            except ValueError as error:
                raise self._bad(str(error)) from error
            yield entry

    def take(self) -> memoryview:
        """The next of the entry's data, as much as is at hand; empty when all were taken."""
        left = self._left
        if not left:
            return self._view[:0]
        start = self._position
        at_hand = self._end - start
        if not at_hand:
            at_hand = self._fill(1)
            start = self._position
            if not at_hand:
                raise self._cut_off()
        count = min(at_hand, left)
        self._position = start + count
        self._left = left - count
        return self._view[start : start + count]

    def drain(self) -> int:
        """Read what follows the end of the archive, and return how much that was."""
        start = self.offset
        self._position = self._end
        while self._fill(1):
            self._position = self._end
        return self.offset - start

    def _fill(self, wanted: int) -> int:
        """Have `wanted` bytes (at most the buffer's size) at hand, or all that come; how many there are then."""
        rest = self._end - self._position
        if self._position:
            self._view[:rest] = self._view[self._position : self._end]
            self._base += self._position
            self._position = 0
        while rest < wanted:
            count = os.readv(self._fd, [self._view[rest:]])
            if not count:
                break
            rest += count
        self._end = rest
        return rest

    def _block(self) -> bytes:
        """The next header; b"" at the end of the archive."""
        header = self._raw_block()
        if header != _ZEROS:
            if not header and self._marker_required:
                raise self._cut_off("it has no end mark")
            return header
        second = self._raw_block()
        if second not in (_ZEROS, b""):
            raise self._bad("a block of zeros in the midst of the archive", b"")
        return b""

    def _raw_block(self) -> bytes:
        """The next 512 bytes; b"" when there is nothing more."""
        position = self._position
        if self._end - position < BLOCK:
            at_hand = self._fill(BLOCK)
            if not at_hand:
                return b""
            if at_hand < BLOCK:
                raise self._cut_off()
            position = 0
        self._position = position + BLOCK
        return bytes(self._view[position : position + BLOCK])

    def _skip(self) -> None:
        """Pass over what is left of the entry's data, and their padding."""
        left = self._left + self._padding
        self._left = self._padding = 0
        while left > (at_hand := self._end - self._position):
            left -= at_hand
            self._position = self._end
            if not self._fill(1):
                raise self._cut_off()
        self._position += left

    def _check_sum(self, header: bytes, field: bytes) -> None:
        """Compare the sum of the header's bytes, its own field taken as blanks, with that field.

        adler32 sums bytes modulo 65521, six times as fast as `sum`; 512 ASCII bytes stay below that.
        """
        try:
            declared = octal(field)
        except ValueError:
            declared = -1
        if header.isascii():
            matches = declared == (adler32(header) & 0xFFFF) - (adler32(field) & 0xFFFF) + 256
        else:
            rest = header[:148] + header[156:]
            total = sum(rest) + 256
            matches = declared in (total, total - 256 * sum(byte > 127 for byte in rest))  # old Suns summed signed
        if not matches:
            if self.offset == BLOCK:
                self._name = b""
                raise ValueError("it does not begin as a tar archive does")
            raise ValueError("the checksum of the header is wrong")

    def _entry(self, header: bytes, fields: tuple[bytes, ...]) -> Entry:
        name, owner, size, time, _, flag, link, magic, prefix = fields
        kind = _KINDS.get(flag)
        if kind is None:
            what = _REFUSED.get(flag, f"an entry of type {flag!r}")
            raise ValueError(f"{what}, which no layer may contain")
        name = name.partition(b"\0")[0]
        if magic == b"ustar\0" and prefix[0]:
            if header[508:] == b"tar\0":  # star puts two times behind a shorter prefix
                prefix = prefix[:131]
            name = prefix.partition(b"\0")[0] + b"/" + name
        self._name = name
        mode, uid, gid = self._owners.get(owner) or self._owner(owner)
        mtime_ns = self._times.get(time)
        if mtime_ns is None:
            mtime_ns = self._time(time)
        entry = Entry(name, kind, mode, uid, gid, octal(size), mtime_ns, link.partition(b"\0")[0])
        if kind in (kinds.CHARACTER_DEVICE, kinds.BLOCK_DEVICE):
            major, minor = octal(header[329:337]), octal(header[337:345])
            entry.device = within(major, "device number", MAX_ID), within(minor, "device number", MAX_ID)
        return entry

    def _owner(self, field: bytes) -> tuple[int, int, int]:
        mode, uid, gid = octal(field[:8]), octal(field[8:16]), octal(field[16:])
        owner = mode & 0o7777, within(uid, "uid", MAX_ID), within(gid, "gid", MAX_ID)
        if len(self._owners) >= _REMEMBERED:
            self._owners.clear()
        self._owners[field] = owner
        return owner

    def _time(self, field: bytes) -> int:
        if len(self._times) >= _REMEMBERED:
            self._times.clear()
        self._times[field] = mtime_ns = time_ns(octal(field))
        return mtime_ns

    def _read_meta(self, flag: bytes, size: int, records: dict[bytes, bytes]) -> None:
        """An extended header: put what it says in `records`, or for a global one in `_globals`."""
        what = _META[flag]
        within(size, f"size of the {what}")
        if flag in (b"L", b"K"):
            data = self._meta_data(what, size, MAX_PATH + BLOCK).partition(b"\0")[0]
            records[b"path" if flag == b"L" else b"linkpath"] = data
            return
        found = pax.parse(self._meta_data(what, size, MAX_EXTENDED_HEADER))
        if flag == b"g":
            pax.check_global(found)
            self._globals = {key: value for key, value in (self._globals | found).items() if value}
            found = self._globals
        else:
            records.update(found)
            found = records
        if sum(map(len, found)) + sum(map(len, found.values())) > MAX_EXTENDED_HEADER:
            raise ValueError(f"the {what}s have more than {MAX_EXTENDED_HEADER} bytes together")

    def _meta_data(self, what: str, size: int, limit: int) -> bytes:
        if size > limit:
            raise ValueError(f"the {what} has {size} bytes (at most {limit})")
        data = bytearray()
        self._left, self._padding = size, -size % BLOCK
        while chunk := self.take():
            data += chunk
        return bytes(data)

    def _amend(self, entry: Entry, flag: bytes, header: bytes, records: dict[bytes, bytes]) -> None:
        """Apply the extended headers and, for a sparse file, read its map."""
        pax.amend(entry, self._globals | records if self._globals else records)
        self._name = entry.name
        if flag == _OLD_SPARSE:
            within(entry.size, "size")
            numbers, entry.size = sparse.old_header(header, self._inner_block)
            entry.segments = sparse.checked(numbers, entry)
        elif sparse.is_sparse(records) and entry.kind == kinds.FILE:
            self._left = within(entry.stored_bytes, "size")
            self._padding = -entry.stored_bytes % BLOCK
            sparse.amend(entry, records, self._data_block)

    def _inner_block(self) -> bytes:
        block = self._raw_block()
        if not block:
            raise self._cut_off()
        return block

    def _data_block(self) -> bytes:
        """512 bytes of the entry's data."""
        if self._left < BLOCK:
            raise ValueError("the sparse map is longer than the entry")
        self._left -= BLOCK
        return self._inner_block()

    def _begin_data(self, entry: Entry) -> None:
        """Check name and size, and make the entry's data the next to be taken."""
        name = entry.name
        if not name:
            raise ValueError("the entry has no name")
        if len(name) > MAX_PATH or len(entry.linkname) > MAX_PATH:
            raise ValueError(f"a path of more than {MAX_PATH} bytes")
        if name[-1] == 0x2F and entry.kind == kinds.FILE:  # how the tar of Unix V7 says it
            entry.kind = kinds.DIRECTORY
        if entry.kind != kinds.FILE:  # links and directories may tell a size, but have no data
            entry.size = entry.stored_bytes = 0
            return
        stored = entry.stored_bytes
        if stored:
            self._left = within(stored, "size")
            self._padding = -stored % BLOCK

    def _bad(self, why: str, name: bytes | None = None) -> BadArchive:
        shown = self._name if name is None else name
        return BadArchive(why, entry=shown.partition(b"\0")[0], offset=max(self.offset - BLOCK, 0))

    def _cut_off(self, why: str = "") -> BadArchive:
        why = why or "it ends in the midst of an entry"
        return BadArchive(
            f"the archive is cut off: {why}",
            entry=self._name.partition(b"\0")[0],
            offset=self._base + self._end,
            hint="the file or the stream is incomplete: fetch it again",
        )

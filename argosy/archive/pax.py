"""PAX extended headers (POSIX pax interchange format): records `LENGTH KEY=VALUE\\n`."""

from __future__ import annotations

from argosy.archive.numbers import MAX_ID, decimal, decimal_time_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.archive.entry import Entry

XATTR_PREFIX = b"SCHILY.xattr."
SPARSE_PREFIX = b"GNU.sparse."
SPARSE_PAIRS = b"GNU.sparse.map"

_REPEATED = (b"GNU.sparse.offset", b"GNU.sparse.numbytes")
_LIST_MAX = 65536  # XATTR_LIST_MAX, xattr(7): listxattr(2) gives no more names, each with its NUL
_LOCAL_ONLY = (b"path", b"linkpath", b"size")


def parse(data: bytes) -> dict[bytes, bytes]:
    """The records of one extended header.  The last of several with one key counts.

    The repeated offset and numbytes records of GNU's sparse format 0.0 are brought into the form of 0.1, one
    GNU.sparse.map.  Raises ValueError.
    """
    records: dict[bytes, bytes] = {}
    pairs: list[bytes] = []
    start = 0
    while start < len(data):
        blank = data.find(b" ", start, start + 9)
        length = data[start:blank] if blank > 0 else b""
        if not length.isdigit():
            raise ValueError("a PAX record has no length")
        end = start + int(length)
        equals = data.find(b"=", blank + 1, end)
        if end > len(data) or equals <= blank + 1 or data[end - 1] != 0x0A:
            raise ValueError("a PAX record is not of the form LENGTH KEY=VALUE")
        key, value = data[blank + 1 : equals], data[equals + 1 : end - 1]
        if b"\0" in key:
            raise ValueError("the key of a PAX record contains a NUL")
        if key in _REPEATED:
            if key != _REPEATED[len(pairs) % 2]:
                raise ValueError("the sparse map of the PAX header is out of order")
            pairs.append(value)
        else:
            records[key] = value
        start = end
    if pairs:
        records[SPARSE_PAIRS] = b",".join(pairs)
    return records


def check_global(records: dict[bytes, bytes]) -> None:
    """Raises ValueError for records that make no sense for all entries at once."""
    for key in records:
        if key in _LOCAL_ONLY or key.startswith((SPARSE_PREFIX, XATTR_PREFIX)):
            raise ValueError(f"a global PAX header sets {key[:100].decode(errors='replace')}")


def amend(entry: Entry, records: dict[bytes, bytes]) -> None:
    """Put what `records` say in place of what the entry's own header says, sparse files excepted.

    An empty value means that the header counts.  Keys that are not known are passed over.  Raises ValueError.
    """
    attributes = {key[len(XATTR_PREFIX) :]: value for key, value in records.items() if key.startswith(XATTR_PREFIX)}
    if attributes:
        if sum(map(len, attributes)) + len(attributes) > _LIST_MAX:
            raise ValueError(f"the names of {len(attributes)} extended attributes are more than Linux can list")
        entry.xattrs = attributes
    if value := records.get(b"path"):
        entry.name = _without_nul(value, "path")
    if value := records.get(b"linkpath"):
        entry.linkname = _without_nul(value, "linkpath")
    if value := records.get(b"size"):
        entry.size = entry.stored_bytes = decimal(value, "size")
    if value := records.get(b"uid"):
        entry.uid = decimal(value, "uid", MAX_ID)
    if value := records.get(b"gid"):
        entry.gid = decimal(value, "gid", MAX_ID)
    if value := records.get(b"mtime"):
        entry.mtime_ns = decimal_time_ns(value)


def _without_nul(value: bytes, what: str) -> bytes:
    if b"\0" in value:
        raise ValueError(f"the PAX {what} contains a NUL")
    return value


def record(key: bytes, value: bytes) -> bytes:
    """One record.  Its length counts its own digits."""
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest))
    length = rest + len(str(length))
    return b"%d %s=%s\n" % (length, key, value)

"""Packages of RPM: the headers in rpm's SQLite database (rpm 4.16 and later; RPM file format, "Header Structure")."""

from __future__ import annotations

import struct

from argosy.build.sbom.packages import Package
from argosy.errors import ArgosyError, Unsupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from argosy.build.sbom.tree import Tree

_PLACES = tuple(
    f"{directory}/rpmdb.sqlite" for directory in ("/var/lib/rpm", "/usr/lib/sysimage/rpm", "/usr/share/rpm")
)
_OTHERS = ("/var/lib/rpm/Packages", "/var/lib/rpm/Packages.db", "/usr/lib/sysimage/rpm/Packages.db")
_NAME, _VERSION, _RELEASE, _EPOCH, _VENDOR, _LICENSE, _ARCH = 1000, 1001, 1002, 1003, 1011, 1014, 1022
_INT32, _STRING, _I18N_STRING = 4, 6, 9
_KEYS = "gpg-pubkey"  # signing keys, which rpm keeps as packages


def scan(tree: Tree) -> Iterator[Package]:
    """The packages that are installed.  Raises Unsupported for databases of another kind."""
    found = False
    for place in _PLACES:
        data = tree.read(place)
        if data is not None:
            found = True
            yield from _packages(tree, place, data)
    if not found:
        for place in _OTHERS:
            if tree.read(place) is not None:
                raise Unsupported(f"{place} is an rpm database of an older kind than SQLite: its packages are left out")


def _packages(tree: Tree, place: str, data: bytes) -> Iterator[Package]:
    system, release = tree.system()
    for blob in _blobs(place, data):
        header = read_header(blob)
        name, version = header.get(_NAME), header.get(_VERSION)
        if not isinstance(name, str) or not isinstance(version, str) or name == _KEYS:
            continue
        epoch = f"{header[_EPOCH]}:" if header.get(_EPOCH) else ""
        yield Package(
            "rpm",
            name,
            f"{epoch}{version}-{header.get(_RELEASE, '')}".rstrip("-"),
            place,
            namespace=system,
            architecture=str(header.get(_ARCH, "")),
            license=str(header.get(_LICENSE, "")),
            supplier=str(header.get(_VENDOR, "")),
            distribution=f"{system}-{release}" if system and release else "",
        )


def _blobs(place: str, data: bytes) -> list[bytes]:
    """The headers.  The database is read from memory: it is an image's, and nothing is written beside it."""
    import sqlite3

    connection = sqlite3.connect(":memory:")
    try:
        connection.deserialize(_without_journal(data))
        return [row[0] for row in connection.execute("SELECT blob FROM Packages") if isinstance(row[0], bytes)]
    except sqlite3.Error as error:
        raise ArgosyError(f"{place} cannot be read: {error}") from error
    finally:
        connection.close()


def _without_journal(data: bytes) -> bytes:
    """Marked as not using write-ahead logging, which a database in memory cannot (SQLite file format, 1.3.3)."""
    return data[:18] + b"\1\1" + data[20:] if data[18:20] == b"\2\2" else data


def read_header(blob: bytes) -> dict[int, str | int]:
    """The first value of each tag that is a string or a 32-bit number.  Raises ArgosyError for what is no header."""
    try:
        count, size = struct.unpack_from("!II", blob)
        start = 8 + 16 * count
        store = blob[start : start + size]
        found: dict[int, str | int] = {}
        for position in range(count):
            tag, kind, offset, _ = struct.unpack_from("!IIII", blob, 8 + 16 * position)
            if kind in (_STRING, _I18N_STRING):
                found[tag] = store[offset : store.index(b"\0", offset)].decode("utf-8", "replace")
            elif kind == _INT32:
                found[tag] = struct.unpack_from("!I", store, offset)[0]
    except (struct.error, ValueError) as error:
        raise ArgosyError("the rpm database holds a header that is cut off") from error
    return found

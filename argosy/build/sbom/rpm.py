"""Packages of RPM: the headers in rpm's database (RPM file format, "Header Structure").

It is SQLite's from rpm 4.16 on; `rpmdb` reads the older kinds.
"""

from __future__ import annotations

import struct

from argosy.build.sbom.packages import Package
from argosy.errors import ArgosyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from argosy.build.sbom.tree import Tree

_PLACES = tuple(
    f"{directory}/rpmdb.sqlite" for directory in ("/var/lib/rpm", "/usr/lib/sysimage/rpm", "/usr/share/rpm")
)
_OLDER = tuple(
    f"{directory}/{name}"
    for directory in ("/var/lib/rpm", "/usr/lib/sysimage/rpm")
    for name in ("Packages", "Packages.db")
)
_NAME, _VERSION, _RELEASE, _EPOCH, _VENDOR, _LICENSE, _ARCH = 1000, 1001, 1002, 1003, 1011, 1014, 1022
_INT32, _STRING, _I18N_STRING = 4, 6, 9
_KEYS = "gpg-pubkey"  # signing keys, which rpm keeps as packages


def scan(tree: Tree) -> Iterator[Package]:
    """The packages that are installed.  Raises ArgosyError for a database that cannot be read."""
    found = False
    for place in _PLACES:
        data = tree.read(place)
        if data is not None:
            found = True
            yield from _packages(tree, place, _blobs(place, data))
    for place in () if found else _OLDER:
        data = tree.read(place)
        if data is not None:
            from argosy.build.sbom import rpmdb

            yield from _packages(tree, place, rpmdb.blobs(place, data))


def _packages(tree: Tree, place: str, blobs: Iterable[bytes]) -> Iterator[Package]:
    system, release = tree.system()
    for blob in blobs:
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

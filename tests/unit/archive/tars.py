"""Tar archives made by hand, byte by byte, so that they can be as wrong as a test wants them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable

END = bytes(1024)

FILE, HARDLINK, SYMLINK, CHARACTER, BLOCK, DIRECTORY, FIFO = b"0", b"1", b"2", b"3", b"4", b"5", b"6"


def number(value: int | bytes, width: int) -> bytes:
    """A number field: octal, or the bytes as they are."""
    return value if isinstance(value, bytes) else b"%0*o\0" % (width - 1, value)


def summed(block: bytes) -> bytes:
    """The block with the right checksum."""
    total = sum(block[:148]) + 256 + sum(block[156:])
    return block[:148] + b"%06o\0 " % total + block[156:]


def header(
    name: bytes,
    flag: bytes = FILE,
    *,
    mode: int | bytes = 0o644,
    uid: int | bytes = 0,
    gid: int | bytes = 0,
    size: int | bytes = 0,
    mtime: int | bytes = 1000,
    link: bytes = b"",
    magic: bytes = b"ustar\x0000",
    device: tuple[int, int] = (0, 0),
    prefix: bytes = b"",
) -> bytes:
    """One header block with the right checksum."""
    return summed(
        b"".join(
            (
                name.ljust(100, b"\0")[:100],
                number(mode, 8),
                number(uid, 8),
                number(gid, 8),
                number(size, 12),
                number(mtime, 12),
                b" " * 8,
                flag,
                link.ljust(100, b"\0")[:100],
                magic,
                bytes(64),
                number(device[0], 8),
                number(device[1], 8),
                prefix.ljust(167, b"\0"),
            )
        )
    )


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


def file(name: bytes, data: bytes = b"", *, mode: int = 0o644, uid: int = 0, gid: int = 0, mtime: int = 1000) -> bytes:
    long = extended((b"path", name)) if len(name) > 100 else b""
    return long + header(name, FILE, mode=mode, uid=uid, gid=gid, mtime=mtime, size=len(data)) + padded(data)


def directory(name: bytes, *, mode: int = 0o755, uid: int = 0, gid: int = 0, mtime: int = 1000) -> bytes:
    return header(name, DIRECTORY, mode=mode, uid=uid, gid=gid, mtime=mtime)


def symlink(name: bytes, target: bytes) -> bytes:
    return header(name, SYMLINK, mode=0o777, link=target)


def hardlink(name: bytes, target: bytes) -> bytes:
    return header(name, HARDLINK, link=target)


def device(name: bytes, major: int, minor: int, flag: bytes = CHARACTER) -> bytes:
    return header(name, flag, mode=0o666, device=(major, minor))


def fifo(name: bytes) -> bytes:
    return header(name, FIFO, mode=0o640)


def record(key: bytes, value: bytes) -> bytes:
    """A PAX record."""
    length = len(key) + len(value) + 3
    while len(str(length)) + len(key) + len(value) + 3 != length:
        length = len(str(length)) + len(key) + len(value) + 3
    return b"%d %s=%s\n" % (length, key, value)


def extended(*records: tuple[bytes, bytes], flag: bytes = b"x") -> bytes:
    """A PAX extended header."""
    data = b"".join(record(key, value) for key, value in records)
    return header(b"PaxHeader", flag, size=len(data)) + padded(data)


def gnu_long(name: bytes, flag: bytes = b"L") -> bytes:
    """GNU's long name (L) or long link name (K)."""
    return header(b"././@LongLink", flag, size=len(name) + 1, magic=b"ustar  \0") + padded(name + b"\0")


def archive(*parts: bytes) -> bytes:
    return b"".join(parts) + END


def descriptor(data: bytes | Iterable[bytes]) -> int:
    """A descriptor from which the data can be read."""
    fd = os.memfd_create("archive", os.MFD_CLOEXEC)
    for piece in [data] if isinstance(data, bytes) else data:
        os.write(fd, piece)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def listing(root: str, leave_out: str = "") -> dict[str, tuple[object, ...]]:
    """All below `root`: path to type and mode, owner, time, content or target or device, attributes.

    What is in the directory `leave_out` is not looked at.
    """
    found: dict[str, tuple[object, ...]] = {}
    for where, directories, files in os.walk(root):
        if where == leave_out:
            directories.clear()
            continue
        for name in (*directories, *files):
            path = os.path.join(where, name)
            status = os.lstat(path)
            content: object = ""
            if stat.S_ISREG(status.st_mode):
                with open(path, "rb") as opened:
                    content = opened.read()
            elif stat.S_ISLNK(status.st_mode):
                content = os.readlink(path)
            elif not stat.S_ISDIR(status.st_mode):
                content = status.st_rdev
            attributes = {key: os.getxattr(path, key, follow_symlinks=False) for key in _attributes(path)}
            owner = status.st_uid, status.st_gid
            facts = (oct(status.st_mode), owner, status.st_mtime_ns, content, attributes)
            found[os.path.relpath(path, root)] = facts
    return found


def _attributes(path: str) -> list[str]:
    return sorted(key for key in os.listxattr(path, follow_symlinks=False) if key != "security.selinux")

"""The content of one file into another, holes kept: a sparse file takes as little room as before."""

from __future__ import annotations

import errno
import os

_CLONE = 0x40049409  # FICLONE, ioctl_ficlone(2)
_CHUNK_BYTES = 1 << 24
_PAGE_BYTES = 1 << 16
_SMALL_BYTES = 1 << 14  # up to this, two calls that copy are faster than those that ask for holes and shared blocks
_UNSIZED_BYTES = 1 << 24  # some files of the kernel's have no end


def copy_content(reader: int, writer: int, size: int) -> None:
    """Copy `size` bytes into the empty file `writer`: share the blocks where the file system can, else copy the data.

    A file that becomes shorter meanwhile is copied as far as it goes.  With no `size` there may be content anyway: so
    it is with files of /proc.  Of these some cannot be read, and some do not end: they are copied as empty files.
    """
    if not size:
        _copy_unsized(reader, writer)
        return
    if size <= _SMALL_BYTES:
        _copy_small(reader, writer, size)
        return
    import fcntl

    try:
        fcntl.ioctl(writer, _CLONE, reader)
    except OSError:
        _copy_data(reader, writer, size)


def _copy_unsized(reader: int, writer: int) -> None:
    left = _UNSIZED_BYTES
    try:
        while data := os.read(reader, _PAGE_BYTES):
            left -= os.write(writer, data)
            if left < 0:
                os.ftruncate(writer, 0)
                return
    except PermissionError:
        return  # opened, and not to be read: nothing in /proc keeps a whole tree from being copied
    except OSError as error:
        if error.errno not in (errno.EAGAIN, errno.EINVAL, errno.EIO):
            raise


def _copy_small(reader: int, writer: int, size: int) -> None:
    while size and (data := os.read(reader, size)):
        size -= len(data)
        while data:
            data = data[os.write(writer, data) :]


def _copy_data(reader: int, writer: int, size: int) -> None:
    os.ftruncate(writer, size)
    position = 0
    while position < size:
        try:
            start = os.lseek(reader, position, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return  # a hole to the end
            raise
        end = os.lseek(reader, start, os.SEEK_HOLE)
        os.lseek(writer, start, os.SEEK_SET)
        while start < end:
            copied = os.sendfile(writer, reader, start, min(end - start, _CHUNK_BYTES))
            if not copied:
                os.ftruncate(writer, start)  # those of sysfs say a page
                return
            start += copied
        position = end

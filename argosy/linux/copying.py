"""The content of one file into another, holes kept: a sparse file takes as little room as before."""

from __future__ import annotations

import errno
import os

_CLONE = 0x40049409  # FICLONE, ioctl_ficlone(2)
_CHUNK_BYTES = 1 << 24


def copy_content(reader: int, writer: int, size: int) -> None:
    """Copy `size` bytes into the empty file `writer`: share the blocks where the file system can, else copy the data.

    A file that becomes shorter meanwhile is copied as far as it goes.
    """
    import fcntl

    try:
        fcntl.ioctl(writer, _CLONE, reader)
    except OSError:
        _copy_data(reader, writer, size)


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
                return
            start += copied
        position = end

"""Terminals: whether a descriptor is one, and the size of its window."""

from __future__ import annotations

import fcntl
import os
import struct
import termios

_SIZE = struct.Struct("HHHH")


def is_terminal(fd: int) -> bool:
    """Whether `fd` is open and a terminal."""
    return os.isatty(fd)


def window_size(fd: int) -> tuple[int, int]:
    """Rows and columns; 0, 0 when the terminal does not know them, or is none."""
    try:
        rows, columns, _, _ = _SIZE.unpack(fcntl.ioctl(fd, termios.TIOCGWINSZ, bytes(_SIZE.size)))
    except OSError:
        return 0, 0
    return rows, columns


def set_window_size(fd: int, rows: int, columns: int) -> None:
    """Tell the terminal its size; its foreground processes get SIGWINCH when it changed."""
    fcntl.ioctl(fd, termios.TIOCSWINSZ, _SIZE.pack(rows, columns, 0, 0))

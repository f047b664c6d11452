"""Where a command's output goes: buffered standard output, unbuffered standard error.

Text may hold surrogates (names from the file system that are not UTF-8) and is written back as the bytes it came from.
Control characters, which may come from an image or a registry, are escaped in messages, in tables, and in all text that
goes to a terminal.

A failed write raises; `cli.main` flushes before the process ends, so that a full disk or a closed pipe is never taken
for success.
"""

from __future__ import annotations

import errno
import os

from argosy.errors import ArgosyError, escaped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_BUFFER_BYTES = 65536
_COLUMN_WIDTH = 12  # podman's tabwriter: cells at least this wide, with
_COLUMN_GAP = 2  # this many blanks behind the widest
_LAYOUT = "\n\t"


class OutputClosed(Exception):
    """Nobody reads our standard output any more (EPIPE)."""


class OutputFailed(ArgosyError):
    """Standard output could not be written."""


class Output:
    """Standard output and error of one command.  `program` is the name that the command's own text should use."""

    def __init__(self, program: str = "argosy", *, fd: int = 1, error_fd: int = 2) -> None:
        self.program = program
        self.command_line: tuple[str, ...] = ()  # the whole of it, from the program's name on
        self.notices = True
        self.log: Callable[[str], object] | None = None  # gets each message as well (--syslog)
        self._fd = fd
        self._error_fd = error_fd
        self._parts: list[bytes] = []
        self._size = 0
        self._terminal: bool | None = None

    def mute(self) -> None:
        """Write nothing to standard output from now on; what others write there is not touched."""
        self._fd, self._terminal = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC), False

    @property
    def is_terminal(self) -> bool:
        """Whether standard output is a terminal."""
        if self._terminal is None:
            self._terminal = os.isatty(self._fd)
        return self._terminal

    def line(self, text: str = "") -> None:
        """Write `text` and a newline."""
        self.write(text + "\n")

    def write(self, text: str) -> None:
        """Write `text`, as it is unless a terminal gets it."""
        if self.is_terminal:
            text = escaped(text, _LAYOUT)
        self.write_bytes(text.encode("utf-8", "surrogateescape"))

    def write_bytes(self, data: bytes) -> None:
        """Write `data` as it is."""
        self._parts.append(data)
        self._size += len(data)
        if self._size >= _BUFFER_BYTES or (self.is_terminal and data.endswith(b"\n")):
            self.flush()

    def table(self, headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Write rows in columns as podman aligns them; no heading where `headers` is empty."""
        lines = [list(headers)] if headers else []
        lines.extend([escaped(cell) for cell in row] for row in rows)
        for text in aligned(lines):
            self.line(text)

    def error(self, text: str) -> None:
        """Write a line to standard error, behind all output so far.  A closed standard error is no failure."""
        self.flush()
        if self.log is not None:
            self.log(escaped(text, _LAYOUT))
        try:
            _write_all(self._error_fd, (escaped(text, _LAYOUT) + "\n").encode())
        except OSError:
            pass

    def notice(self, text: str) -> None:
        """Tell something that is no error but that the user should know, unless `--log-level` leaves warnings out."""
        if self.notices:
            self.error(f"Note: {text}")

    def flush(self) -> None:
        """Hand everything to the kernel; what could not be written is dropped.  Raises OutputClosed, OutputFailed."""
        if not self._parts:
            return
        data = b"".join(self._parts)
        self._parts.clear()
        self._size = 0
        try:
            _write_all(self._fd, data)
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise OutputClosed from None
            raise OutputFailed("cannot write standard output", details=error.strerror or str(error)) from error


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(fd, view) :]
        except BlockingIOError:
            import select

            select.select((), (fd,), ())


def aligned(lines: list[list[str]], *, width: int = _COLUMN_WIDTH, gap: int = _COLUMN_GAP) -> list[str]:
    """`lines` of cells as text: each column but the last is padded to its widest cell plus `gap`, at least `width`.

    As Go's text/tabwriter does, a column is a block of consecutive lines that have it.
    """
    widths: list[list[int]] = [[0] * max(len(cells) - 1, 0) for cells in lines]
    for column in range(max(map(len, widths), default=0)):
        start = 0
        while start < len(lines):
            end = start
            while end < len(lines) and len(widths[end]) > column:
                end += 1
            if end > start:
                widest = max(width, *(len(lines[at][column]) + gap for at in range(start, end)))
                for at in range(start, end):
                    widths[at][column] = widest
            start = end + 1
    return [
        "".join(cell.ljust(size) for cell, size in zip(cells, sizes, strict=False)) + "".join(cells[-1:])
        for cells, sizes in zip(lines, widths, strict=True)
    ]

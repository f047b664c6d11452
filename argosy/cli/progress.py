"""Progress on standard error: bars that move on a terminal, plain lines elsewhere, nothing with `--quiet`."""

from __future__ import annotations

import os
import time
from _thread import allocate_lock

from argosy.errors import escaped
from argosy.images.progress import Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

_INTERVAL_S = 0.1
_BAR_CELLS = 24
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_ERROR_FD = 2


def shown(*, quiet: bool = False) -> Shown:
    """The progress display that fits standard error; a context, at whose end nothing half drawn is left."""
    if quiet:
        return Shown()
    return Bars() if os.isatty(_ERROR_FD) else Lines()


class Shown(Progress):
    """A display, as a context.  This one shows nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: object, _stack: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Leave the terminal as it should be."""


class Lines(Shown):
    """One line for each thing that begins, for logs and pipes."""

    def start(self, _key: str, _total: int, label: str) -> None:
        _write(escaped(label) + "\n")

    def line(self, text: str) -> None:
        _write(escaped(text) + "\n")


class _Bar:
    """One piece of work on the terminal."""

    def __init__(self, total: int, label: str) -> None:
        self.total = total
        self.label = label
        self.done = 0
        self.began = time.monotonic()

    def text(self, now: float) -> str:
        rate = f"{size(self.done / max(now - self.began, 0.001))}/s"
        if not self.total:
            return f"{self.label}  {size(self.done)}  {rate}"
        full = min(_BAR_CELLS * self.done // self.total, _BAR_CELLS)
        bar = "=" * full + ">" * (full < _BAR_CELLS) + " " * (_BAR_CELLS - full - 1)
        return f"{self.label}  [{bar}]  {size(self.done)} / {size(self.total)}  {rate}"


class Bars(Shown):
    """Work in progress as a block of bars at the bottom; what is done scrolls away above it.  Threads may call it."""

    def __init__(self) -> None:
        self._lock = allocate_lock()
        self._bars: dict[str, _Bar] = {}
        self._drawn = 0
        self._drawn_at = 0.0

    def start(self, key: str, total: int, label: str) -> None:
        with self._lock:
            self._bars[key] = _Bar(total, short(label))
            self._draw("")

    def advance(self, key: str, count: int) -> None:
        with self._lock:
            bar = self._bars.get(key)
            if bar is not None:
                bar.done += count
                if time.monotonic() - self._drawn_at >= _INTERVAL_S:
                    self._draw("")

    def finish(self, key: str, label: str) -> None:
        with self._lock:
            self._bars.pop(key, None)
            self._draw(short(label) + "\n")

    def line(self, text: str) -> None:
        with self._lock:
            self._draw(short(text) + "\n")

    def close(self) -> None:
        with self._lock:
            self._bars.clear()
            self._draw("")

    def _draw(self, above: str) -> None:
        """Replace the block by `above`, which stays, and the block as it is now."""
        self._drawn_at = now = time.monotonic()
        columns, rows = _terminal_size()
        block = [line[: columns - 1] for line in self._block(now)][: max(rows - 1, 1)]
        back = f"\x1b[{self._drawn}A\r\x1b[J" if self._drawn else ""
        self._drawn = len(block)
        _write(back + above + "".join(line + "\n" for line in block))

    def _block(self, now: float) -> list[str]:
        """The lines that stand at the bottom."""
        return [bar.text(now) for bar in self._bars.values()]


def size(count: float) -> str:
    """A number of bytes for people: `3.4 MiB`."""
    for unit in _UNITS:
        if count < 1024 or unit == _UNITS[-1]:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    raise AssertionError


def short(text: str) -> str:
    """`text` with its digests cut to the twelve digits that people compare, and no control characters."""
    words = (word.partition(":")[2][:12] if word.startswith("sha256:") else word for word in escaped(text).split(" "))
    return " ".join(words)


def _terminal_size() -> tuple[int, int]:
    try:
        columns, rows = os.get_terminal_size(_ERROR_FD)
    except OSError:
        return 80, 24
    return columns or 80, rows or 24


def _write(text: str) -> None:
    """Progress that cannot be shown is no reason to fail."""
    try:
        os.write(_ERROR_FD, text.encode("utf-8", "replace"))
    except OSError:
        pass

"""Progress: plain lines in a pipe, bars on a terminal, nothing when quiet."""

from __future__ import annotations

import os
import pty
import threading
from collections.abc import Callable, Iterator

import pytest

from argosy.cli import progress

DIGEST = "sha256:" + "ab" * 32


def _work(shown: progress.Shown) -> None:
    with shown:
        shown.line("Trying to pull x...")
        shown.start("k", 2048, f"Copying blob {DIGEST}")
        shown.advance("k", 1024)
        shown.finish("k", f"Copying blob {DIGEST} done")


def test_lines_elsewhere(capfd: pytest.CaptureFixture[str]) -> None:
    _work(progress.shown())
    assert capfd.readouterr() == ("", f"Trying to pull x...\nCopying blob {DIGEST}\n")


def test_nothing_when_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    _work(progress.shown(quiet=True))
    assert capfd.readouterr() == ("", "")


@pytest.fixture
def terminal() -> Iterator[Callable[[], str]]:
    """Standard error as a terminal of 80 columns; gives what was written to it."""
    master, slave = pty.openpty()
    kept = os.dup(2)
    os.dup2(slave, 2)

    def written() -> str:
        os.dup2(kept, 2)
        os.set_blocking(master, False)
        try:
            return os.read(master, 65536).decode()
        except BlockingIOError:
            return ""

    yield written
    os.dup2(kept, 2)
    for fd in (master, slave, kept):
        os.close(fd)


def _screen(text: str) -> list[str]:
    """What a terminal shows after `text`: understands line feeds, "up n lines" and "clear from here"."""
    lines: list[str] = []
    at = 0
    for piece in text.replace("\r\n", "\n").replace("\r", "").split("\n"):
        while piece.startswith("\x1b["):
            number, letter = piece[2:].split("A", 1)[0], piece[2:3]
            if letter == "J":
                del lines[at:]
                piece = piece[3:]
            else:
                at -= int(number)
                piece = piece[2 + len(number) + 1 :]
        lines[at : at + 1] = [piece]
        at += 1
    return [line for line in lines if line]


def test_bars_on_a_terminal(terminal: Callable[[], str]) -> None:
    _work(progress.shown())
    text = terminal()
    assert "Copying blob abababababab  [>                       ]  0 B / 2.0 KiB" in text
    assert _screen(text) == ["Trying to pull x...", "Copying blob abababababab done"]


def test_a_failed_transfer_leaves_no_bar(terminal: Callable[[], str]) -> None:
    with pytest.raises(RuntimeError), progress.shown() as shown:
        shown.start("k", 10, "Copying blob x")
        raise RuntimeError
    assert _screen(terminal()) == []


def test_bars_of_several_threads(terminal: Callable[[], str]) -> None:
    with progress.shown() as shown:
        threads = [threading.Thread(target=_transfer, args=(shown, f"k{number}")) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(_screen(terminal())) == [f"k{number} done" for number in range(8)]


def _transfer(shown: progress.Shown, key: str) -> None:
    shown.start(key, 100, key)
    for _ in range(100):
        shown.advance(key, 1)
    shown.finish(key, f"{key} done")


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (5 << 30, "5.0 GiB"), (1 << 60, "1048576.0 TiB")],
)
def test_sizes(count: int, text: str) -> None:
    assert progress.size(count) == text

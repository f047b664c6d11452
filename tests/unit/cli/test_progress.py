"""Progress: plain lines in a pipe, bars on a terminal, nothing when quiet."""

from __future__ import annotations

import os
import pty
import threading

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


class Terminal:
    """Standard error as a terminal of 80 columns, as a context; `text` is what was written to it.

    Not a fixture: pytest puts its own standard error back between a test's set-up and the test.
    """

    def __enter__(self) -> Terminal:
        self._master, slave = pty.openpty()
        self._kept = os.dup(2)
        os.dup2(slave, 2)
        os.close(slave)
        return self

    def __exit__(self, *_error: object) -> None:
        os.dup2(self._kept, 2)
        os.close(self._kept)
        data = b""
        try:
            while chunk := os.read(self._master, 65536):  # which fails with EIO behind the last byte
                data += chunk
        except OSError:
            pass
        os.close(self._master)
        self.text = data.decode()


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


def test_bars_on_a_terminal() -> None:
    with Terminal() as terminal:
        _work(progress.shown())
    assert "Copying blob abababababab  [>                       ]  0 B / 2.0 KiB" in terminal.text
    assert _screen(terminal.text) == ["Trying to pull x...", "Copying blob abababababab done"]


def test_a_failed_transfer_leaves_no_bar() -> None:
    with Terminal() as terminal, pytest.raises(RuntimeError), progress.shown() as shown:
        shown.start("k", 10, "Copying blob x")
        raise RuntimeError
    assert "Copying blob x" in terminal.text
    assert _screen(terminal.text) == []


def test_bars_of_several_threads() -> None:
    with Terminal() as terminal, progress.shown() as shown:
        threads = [threading.Thread(target=_transfer, args=(shown, f"k{number}")) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(_screen(terminal.text)) == [f"k{number} done" for number in range(8)]


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

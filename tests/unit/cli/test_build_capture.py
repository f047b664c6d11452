"""The output of a step through pipes: all of it, its last lines, and an end even where a writer stays."""

from __future__ import annotations

import os

from argosy.cli.podman._build_capture import TAIL_LINES, Captured, plain


def test_all_comes_and_the_last_lines_stay() -> None:
    taken: dict[int, bytes] = {1: b"", 2: b""}

    def take(stream: int, data: bytes) -> None:
        taken[stream] += data

    with Captured(take) as outlet:
        for number in range(100):
            os.write(outlet.descriptors[0], f"line {number}\n".encode())
        os.write(outlet.descriptors[0], b"no end")
    assert taken[1].count(b"\n") == 100
    assert taken[2] == b""
    assert len(outlet.tail()) == TAIL_LINES
    assert outlet.tail()[-2:] == ("line 99", "no end")


def test_who_stays_is_not_waited_for() -> None:
    taken: list[bytes] = []
    with Captured(lambda _stream, data: taken.append(data)) as outlet:
        left = os.dup(outlet.descriptors[1])
        os.write(left, b"written\n")
    os.close(left)
    assert taken == [b"written\n"]


def test_a_line_is_what_the_terminal_shows_at_its_end() -> None:
    assert plain(b" 10%\r 100%\r") == " 100%"
    assert "\x1b" not in plain(b"\x1b[31mred")
    assert len(plain(b"x" * 10_000)) == 400

"""Blocks that are made in a thread."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator

import pytest

from argosy.images.ahead import ahead


def test_the_same_bytes() -> None:
    data = [bytes([number % 256]) * (number * 997 % 70_000) for number in range(300)]
    assert b"".join(ahead(data)) == b"".join(data)
    assert list(ahead([])) == []


def test_what_goes_wrong_is_raised_behind_what_came_before() -> None:
    def broken() -> Iterator[bytes]:
        yield b"x" * (1 << 20)
        raise OSError("broken")

    blocks = ahead(broken())
    assert next(blocks) == b"x" * (1 << 20)
    with pytest.raises(OSError, match="broken"):
        next(blocks)


def test_nothing_goes_on_when_nobody_listens() -> None:
    made = 0

    def endless() -> Iterator[bytes]:
        nonlocal made
        while True:
            made += 1
            yield bytes(1 << 20)

    before = threading.active_count()
    blocks = ahead(endless())
    assert isinstance(blocks, Generator)
    next(blocks)
    blocks.close()
    count = made
    for thread in threading.enumerate():
        if thread.name == "ahead":
            thread.join(20)
    assert made <= count + 1
    assert threading.active_count() <= before

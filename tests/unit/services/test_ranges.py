"""Range and Content-Range."""

from __future__ import annotations

import pytest

from argosy.services.registry.ranges import Unsatisfiable, requested, uploaded


@pytest.mark.parametrize(
    ("header", "size", "part"),
    [
        ("bytes=0-0", 10, (0, 1)),
        ("bytes=2-5", 10, (2, 4)),
        ("bytes=2-", 10, (2, 8)),
        ("Bytes = 9-100", 10, (9, 1)),
        ("bytes=-3", 10, (7, 3)),
        ("bytes=-30", 10, (0, 10)),
        ("bytes=0-18446744073709551615", 10, (0, 10)),
        # none that we follow: the whole
        ("", 10, None),
        ("bytes=0-1,3-4", 10, None),
        ("lines=0-1", 10, None),
        ("bytes=5-2", 10, None),
        ("bytes=a-b", 10, None),
        ("bytes=-", 10, None),
        ("bytes=+1-2", 10, None),
        ("bytes=1_0-20", 100, None),
        ("bytes=0-99999999999999999999999999", 10, None),
        ("bytes", 10, None),
    ],
)
def test_what_is_asked_for(header: str, size: int, part: tuple[int, int] | None) -> None:
    assert requested(header, size) == part


@pytest.mark.parametrize(
    ("header", "size"), [("bytes=10-", 10), ("bytes=10-20", 10), ("bytes=-0", 10), ("bytes=0-", 0)]
)
def test_what_is_behind_the_end(header: str, size: int) -> None:
    with pytest.raises(Unsatisfiable):
        requested(header, size)


@pytest.mark.parametrize(
    ("header", "chunk"), [("0-9", (0, 10)), ("5-5", (5, 1)), ("bytes 5-9/20", (5, 5)), ("bytes=5-9", (5, 5))]
)
def test_chunks(header: str, chunk: tuple[int, int]) -> None:
    assert uploaded(header) == chunk


@pytest.mark.parametrize("header", ["x", "5", "5-", "-5", "9-5", "0-1-2", "bytes */5", "1e3-5", "0-" + "9" * 30])
def test_what_is_no_chunk(header: str) -> None:
    with pytest.raises(Unsatisfiable):
        uploaded(header)

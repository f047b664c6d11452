"""Durations in Go's notation."""

from __future__ import annotations

import pytest

from argosy import durations


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("1.5h", 5400.0),
        ("-2m", -120.0),
        ("+3s", 3.0),
        ("100ms", 0.1),
        ("1us", 1e-6),
        ("1µs", 1e-6),
        (".5s", 0.5),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert durations.seconds(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "-", "s", "1", "1.2.3s", "1s2", ". s", "1 s", "9" * 400 + "h", "1h\n"])
def test_wrong_durations(text: str) -> None:
    with pytest.raises(ValueError, match="time: "):
        durations.seconds(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.25, "250ms"),
        (0.0015, "1.5ms"),
        (2e-9, "2ns"),
        (61, "1m1s"),
        (3600, "1h0m0s"),
        (90061.5, "25h1m1.5s"),
    ],
)
def test_as_text(seconds: float, text: str) -> None:
    assert durations.text(seconds) == text

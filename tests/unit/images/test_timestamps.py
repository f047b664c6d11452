"""RFC 3339 with nanoseconds, both ways, against the standard library's calendar."""

from __future__ import annotations

import datetime
import random

import pytest

from argosy.images import timestamps


@pytest.mark.parametrize(
    ("text", "moment_ns"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01t00:00:01.5z", 1_500_000_000),
        ("2024-02-29T23:59:59.123456789Z", 1709251199_123456789),
        ("2024-03-01T01:00:00+01:00", 1709251200_000000000),
        ("2000-01-01T00:00:00-05:30", 946704600_000000000),
        ("1969-12-31T23:59:59Z", -1_000_000_000),
        ("0001-01-01T00:00:00Z", -62135596800_000000000),
        ("2024-01-01T00:00:00.1234567891234Z", 1704067200_123456789),
    ],
)
def test_parse(text: str, moment_ns: int) -> None:
    assert timestamps.parse(text) == moment_ns


@pytest.mark.parametrize(
    "text",
    [
        "", "2024-01-01", "2024-01-01T00:00:00", "2024-13-01T00:00:00Z", "2024-01-01T24:00:00Z", "24-01-01T00:00:00Z",
        "2024-01-01T00:00:00.xZ", "2024-01-01T00:00:00+1:00", "2024-1-1T0:0:0Z", "-024-01-01T00:00:00Z", "yesterday",
        "\u0662024-01-01T00:00:00Z",
    ],
)  # fmt: skip
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        timestamps.parse(text)
    assert timestamps.parse_or_zero(text) == 0


def test_every_day_is_the_calendars() -> None:
    chance = random.Random(1)
    for _ in range(2000):
        day = datetime.datetime(1, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(seconds=chance.randrange(3 * 10**11))
        seconds = (day - datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)) // datetime.timedelta(seconds=1)
        assert timestamps.parse(day.strftime(f"{day.year:04}-%m-%dT%H:%M:%SZ")) == seconds * 10**9


@pytest.mark.parametrize("moment_ns", [0, 1, 1_500_000_000, 1709251199_123456789, 1709251199_120000000])
def test_what_is_shown_reads_back(moment_ns: int) -> None:
    text = timestamps.show(moment_ns)
    assert timestamps.parse(text) == moment_ns
    assert not text.endswith("0Z") or "." not in text

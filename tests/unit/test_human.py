"""Sizes and times for people, as docker/go-units prints them."""

from __future__ import annotations

import pytest

from argosy import human

MINUTE, HOUR, DAY = 60, 3600, 86400


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1, "1 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (1024, "1.02 kB"),
        (11_675, "11.7 kB"),
        (999_499, "999 kB"),
        (999_999, "1 MB"),
        (1_987_655, "1.99 MB"),
        (978_413_484, "978 MB"),
        (5 * 10**9, "5 GB"),
        (10**18, "1 EB"),
        (5 * 10**21, "5e+03 EB"),
    ],
)
def test_sizes(count: int, text: str) -> None:
    assert human.size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "Less than a second"),
        (0.9, "Less than a second"),
        (1, "1 second"),
        (59.9, "59 seconds"),
        (MINUTE, "About a minute"),
        (2 * MINUTE, "2 minutes"),
        (59 * MINUTE, "59 minutes"),
        (HOUR, "About an hour"),
        (1.4 * HOUR, "About an hour"),
        (1.6 * HOUR, "2 hours"),
        (47 * HOUR, "47 hours"),
        (48 * HOUR, "2 days"),
        (13 * DAY, "13 days"),
        (14 * DAY, "2 weeks"),
        (59 * DAY, "8 weeks"),
        (60 * DAY, "2 months"),
        (729 * DAY, "24 months"),
        (730 * DAY, "2 years"),
        (3000 * DAY, "8 years"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert human.duration(seconds) == text


def test_moments() -> None:
    assert human.ago(0, 7_200_000_000_000) == "2 hours ago"
    assert human.moment(1_700_000_000_999_999_999) == "2023-11-14 22:13:20 +0000 UTC"

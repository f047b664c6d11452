"""Integers as strconv reads them."""

from __future__ import annotations

import pytest

from argosy import numbers
from tests.unit.spec.requests import ODD_NUMBERS


@pytest.mark.parametrize(
    ("text", "number"), [("0", 0), ("-1", -1), ("+7", 7), ("0" * 30 + "7", 7), ("9223372036854775807", (1 << 63) - 1)]
)
def test_integers(text: str, number: int) -> None:
    assert numbers.integer(text) == number


@pytest.mark.parametrize("text", [*ODD_NUMBERS, "", "-", "--1", "9223372036854775808", "-9223372036854775809"])
def test_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="ParseInt: parsing") as caught:
        numbers.integer(text)
    assert len(str(caught.value)) < 100


def test_bounds() -> None:
    assert numbers.natural("18446744073709551615") == (1 << 64) - 1
    for text in ("-1", "+1", "18446744073709551616"):
        with pytest.raises(ValueError, match="ParseUint"):
            numbers.natural(text)
    with pytest.raises(ValueError, match="out of range"):
        numbers.natural("256", 255)

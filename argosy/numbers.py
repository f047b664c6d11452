"""Decimal integers as the peers read them: a sign and ASCII digits.

Python's `int` takes more (blanks, underscores, the digits of other scripts), and fails in a way of its own at more than
some thousand digits.
"""

from __future__ import annotations

_LONGEST = 20  # digits that a number of 64 bits can have


def integer(text: str, low: int = -(1 << 63), high: int = (1 << 63) - 1, function: str = "ParseInt") -> int:
    """The number.  Raises ValueError in strconv's words; `function` is the one of strconv's that they name."""
    digits = text[1:] if low < 0 and text[:1] in ("+", "-") else text
    shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
    if not (digits.isascii() and digits.isdecimal()):
        raise ValueError(f'strconv.{function}: parsing "{shown}": invalid syntax')
    significant = digits.lstrip("0") or "0"
    number = int(significant) if len(significant) <= _LONGEST else high + 1
    number = -number if text[0] == "-" else number
    if not low <= number <= high:
        raise ValueError(f'strconv.{function}: parsing "{shown}": value out of range')
    return number


def natural(text: str, high: int = (1 << 64) - 1) -> int:
    """A number without a sign.  Raises ValueError in strconv's words."""
    return integer(text, 0, high, "ParseUint")

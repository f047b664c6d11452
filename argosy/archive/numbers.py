"""Numbers in tar headers: octal or base-256 fields, and the decimal ones of PAX.

`int` alone is too generous for these: it takes "0o7", "1_0", "-1" and " 7 ".  All raise ValueError.
"""

from __future__ import annotations

MAX_SIZE = (1 << 63) - 1
MAX_ID = (1 << 32) - 2  # the kernel keeps 2**32 - 1 for "no change"
MAX_SECONDS = 1 << 40  # 34,000 years: what a file system cannot hold, the kernel clamps


def octal(field: bytes) -> int:
    """A number field of a header: octal digits between blanks, or GNU's base-256.  An empty field is 0."""
    digits = field.strip(b" \0")
    if digits.isdigit():
        return int(digits, 8)
    if not digits:
        return 0
    if field[0] & 0x80:
        return _base_256(field)
    digits = digits.partition(b"\0")[0].rstrip(b" ")
    if not digits.isdigit():
        raise ValueError(f"{field!r} is not an octal number")
    return int(digits, 8)


def _base_256(field: bytes) -> int:
    """A two's complement number of which the first bit says only that it is one."""
    modulus = 1 << (8 * len(field) - 1)
    number = int.from_bytes(field, "big") % modulus
    return number - modulus if field[0] & 0x40 else number


def decimal(text: bytes, what: str, largest: int = MAX_SIZE) -> int:
    """A decimal number that is not negative."""
    if not text.isdigit() or len(text) > 20:
        raise ValueError(f"the {what} {text[:40]!r} is not a decimal number")
    return within(int(text), what, largest)


def within(number: int, what: str, largest: int = MAX_SIZE) -> int:
    """`number`, if it is not negative and not too large."""
    if number < 0:
        raise ValueError(f"the {what} {number} is negative")
    if number > largest:
        raise ValueError(f"the {what} {number} is too large (at most {largest})")
    return number


def time_ns(seconds: int, nanoseconds: int = 0) -> int:
    """A time in nanoseconds."""
    if not -MAX_SECONDS <= seconds <= MAX_SECONDS:
        raise ValueError(f"the time {seconds} is out of range")
    return seconds * 1_000_000_000 + nanoseconds


def decimal_time_ns(text: bytes) -> int:
    """A PAX time: decimal seconds with an optional fraction, of which nine digits are kept."""
    sign = -1 if text.startswith(b"-") else 1
    whole, _, fraction = text.removeprefix(b"-").partition(b".")
    if not whole.isdigit() or len(whole) > 20 or (fraction and not fraction.isdigit()):
        raise ValueError(f"{text[:40]!r} is not a time")
    nanoseconds = int(fraction[:9].ljust(9, b"0")) if fraction else 0
    return time_ns(sign * int(whole), sign * nanoseconds)

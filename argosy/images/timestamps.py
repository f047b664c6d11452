"""Points in time as image configs and filters write them: RFC 3339 with nanoseconds, as Go prints and reads it."""

from __future__ import annotations

import time

_DAYS_BEFORE = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)
_SECOND_NS = 1_000_000_000


def parse(text: str) -> int:
    """Nanoseconds since the epoch for `YYYY-MM-DDThh:mm:ss[.fraction](Z|+hh:mm)`.  Raises ValueError."""
    date, separator, rest = text.replace("t", "T").replace("z", "Z").partition("T")
    if not separator:
        raise ValueError(f"{text!r} is not a time in RFC 3339")
    clock, offset_s = _split_offset(rest)
    year, month, day = _numbers(date, "-", (4, 2, 2))
    whole, _, fraction = clock.partition(".")
    hour, minute, second = _numbers(whole, ":", (2, 2, 2))
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second <= 60):
        raise ValueError(f"{text!r} is no point in time")
    if fraction and not (fraction.isascii() and fraction.isdigit()):
        raise ValueError(f"{text!r} has a bad fraction of a second")
    seconds = _days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset_s
    return seconds * _SECOND_NS + int(f"{fraction[:9]:0<9}")


def parse_or_zero(text: str) -> int:
    """As `parse`; 0 where the text is empty or nonsense: what an image says about its age is no reason to fail."""
    try:
        return parse(text) if text else 0
    except ValueError:
        return 0


def show(moment_ns: int) -> str:
    """`moment_ns` in RFC 3339, UTC, without zeros at the end of the fraction (Go's RFC3339Nano)."""
    seconds, fraction = divmod(moment_ns, _SECOND_NS)
    behind = f".{fraction:09}".rstrip("0") if fraction else ""
    then = time.gmtime(seconds)
    return f"{then.tm_year:04}" + time.strftime("-%m-%dT%H:%M:%S", then) + behind + "Z"


def _numbers(text: str, separator: str, lengths: tuple[int, ...]) -> list[int]:
    parts = text.split(separator)
    if tuple(map(len, parts)) != lengths or not all(part.isascii() and part.isdigit() for part in parts):
        raise ValueError(f"{text!r} is neither a date nor a time of day")
    return [int(part) for part in parts]


def _split_offset(text: str) -> tuple[str, int]:
    """The time of day, and by how many seconds it is ahead of UTC."""
    if text.endswith("Z"):
        return text[:-1], 0
    sign = text[-6:-5]
    if sign not in ("+", "-"):
        raise ValueError(f"{text!r} names no time zone")
    hours, minutes = _numbers(text[-5:], ":", (2, 2))
    return text[:-6], (hours * 3600 + minutes * 60) * (1 if sign == "+" else -1)


def _days(year: int, month: int, day: int) -> int:
    """Days since the epoch in the Gregorian calendar."""
    before = year - 1
    leap_days = before // 4 - before // 100 + before // 400
    leaps_now = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return before * 365 + leap_days + _DAYS_BEFORE[month - 1] + (month > 2 and leaps_now) + day - 1 - 719162

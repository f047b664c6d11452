"""Sizes and times as the peers print them for people (docker/go-units)."""

from __future__ import annotations

import time

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB")
_BINARY_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_SECOND_NS = 1_000_000_000


def size(count: int) -> str:
    """`count` bytes in powers of 1000 with three digits: `1.99 MB`, `331 MB`, `0 B`."""
    return _size(count, 3, " ")


def tight_size(count: int) -> str:
    """`count` bytes with three digits and no blank: `1.99MB`."""
    return _size(count, 3, "")


def close_size(count: int) -> str:
    """`count` bytes with four digits and no blank: `1.987MB`, `331MB`, `0B`."""
    return _size(count, 4, "")


def binary_size(count: int) -> str:
    """`count` bytes in powers of 1024 with four digits: `23.54GiB`."""
    value, unit = float(count), 0
    while unit + 1 < len(_BINARY_UNITS) and value >= 1024:
        value, unit = value / 1024, unit + 1
    return f"{value:.4g}{_BINARY_UNITS[unit]}"


def _size(count: int, digits: int, gap: str) -> str:
    value, unit = float(count), 0
    while unit + 1 < len(_UNITS) and float(f"{value:.{digits}g}") >= 1000:
        value, unit = value / 1000, unit + 1
    return f"{value:.{digits}g}{gap}{_UNITS[unit]}"


def duration(seconds: float) -> str:
    """A length of time in words: `Less than a second`, `About an hour`, `3 weeks`."""
    whole = int(seconds)
    minutes, hours = whole // 60, int(seconds / 3600 + 0.5)
    if whole < 1:
        return "Less than a second"
    if minutes < 1:
        return "1 second" if whole == 1 else f"{whole} seconds"
    if hours < 1 or minutes < 60:
        return "About a minute" if minutes == 1 else f"{minutes} minutes"
    if hours < 48:
        return "About an hour" if hours == 1 else f"{hours} hours"
    days = hours // 24
    for most, per, name in ((14, 1, "days"), (60, 7, "weeks"), (730, 30, "months")):
        if days < most:
            return f"{days // per} {name}"
    return f"{days // 365} years"


def ago(moment_ns: int, now_ns: int | None = None) -> str:
    """How long ago a time in nanoseconds since the epoch was: `2 hours ago`."""
    now_ns = time.time_ns() if now_ns is None else now_ns
    return f"{duration((now_ns - moment_ns) / _SECOND_NS)} ago"


def moment(moment_ns: int) -> str:
    """A time as Go prints it, in UTC and without fractions: `2006-01-02 15:04:05 +0000 UTC`."""
    then = time.gmtime(moment_ns // _SECOND_NS)
    return f"{then.tm_year:04}" + time.strftime("-%m-%d %H:%M:%S +0000 UTC", then)

"""Lengths of time in Go's notation, as the peers read and print them: `1h2m3.5s`."""

from __future__ import annotations

from argosy import jsontext

_UNITS_S = {"ns": 1e-9, "us": 1e-6, "\u00b5s": 1e-6, "\u03bcs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_NUMBER = "0123456789."
_LONGEST_S = ((1 << 63) - 1) / 1e9  # Go counts nanoseconds in 64 bits


def seconds(text: str) -> float:
    """A duration (`1h2m3.5s`, `-1s`, `0`) in seconds.  Raises ValueError with Go's message."""
    shown = jsontext.encode(text).decode("utf-8", "surrogatepass")
    wrong = ValueError(f"time: invalid duration {shown}")
    rest = text[1:] if text[:1] in ("+", "-") else text
    total = 0.0
    if rest == "0":
        return total
    if not rest:
        raise wrong
    while rest:
        digits = len(rest) - len(rest.lstrip(_NUMBER))
        number, rest = rest[:digits], rest[digits:]
        if number.count(".") > 1 or not number.strip("."):
            raise wrong
        letters = next((at for at, char in enumerate(rest) if char in _NUMBER), len(rest))
        unit, rest = rest[:letters], rest[letters:]
        if not unit:
            raise ValueError(f"time: missing unit in duration {shown}")
        if unit not in _UNITS_S:
            raise ValueError(f"time: unknown unit {jsontext.encode(unit).decode()} in duration {shown}")
        total += float(number) * _UNITS_S[unit]
    if total > _LONGEST_S:
        raise wrong
    return -total if text[:1] == "-" else total


def text(seconds_: float) -> str:
    """Seconds as Go prints a duration."""
    if 0 < seconds_ < 1:
        for unit in ("ms", "\u00b5s", "ns"):
            seconds_ *= 1000
            if seconds_ >= 1:
                return f"{seconds_:.6f}".rstrip("0").rstrip(".") + unit
        return "0s"
    hours, rest = divmod(seconds_, 3600)
    minutes, rest = divmod(rest, 60)
    shown = f"{rest:.9f}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{int(hours)}h{int(minutes)}m{shown}"
    return f"{int(minutes)}m{shown}" if minutes else shown

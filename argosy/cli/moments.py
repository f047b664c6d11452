"""Go's time.Time as templates use it: the methods of a moment in UTC, and Go's layouts for `.Format`."""

from __future__ import annotations

from datetime import UTC, datetime

from argosy.cli.templates.values import Method

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ZERO = "0001-01-01T00:00:00Z"

# The words of a layout, each before those that it begins with.  https://pkg.go.dev/time#pkg-constants
_LAYOUT: tuple[tuple[str, Callable[[datetime], str]], ...] = (
    ("2006", lambda at: f"{at.year:04}"),
    ("January", lambda at: f"{at:%B}"),
    ("Jan", lambda at: f"{at:%b}"),
    ("Monday", lambda at: f"{at:%A}"),
    ("Mon", lambda at: f"{at:%a}"),
    ("MST", lambda _at: "UTC"),
    ("Z07:00", lambda _at: "Z"),
    ("Z0700", lambda _at: "Z"),
    ("-07:00", lambda _at: "+00:00"),
    ("-0700", lambda _at: "+0000"),
    ("-07", lambda _at: "+00"),
    ("002", lambda at: f"{at.timetuple().tm_yday:03}"),
    ("01", lambda at: f"{at.month:02}"),
    ("02", lambda at: f"{at.day:02}"),
    ("03", lambda at: f"{at.hour % 12 or 12:02}"),
    ("04", lambda at: f"{at.minute:02}"),
    ("05", lambda at: f"{at.second:02}"),
    ("06", lambda at: f"{at.year % 100:02}"),
    ("15", lambda at: f"{at.hour:02}"),
    ("PM", lambda at: "PM" if at.hour >= 12 else "AM"),
    ("pm", lambda at: "pm" if at.hour >= 12 else "am"),
    ("_2", lambda at: f"{at.day:2}"),
    ("1", lambda at: str(at.month)),
    ("2", lambda at: str(at.day)),
    ("3", lambda at: str(at.hour % 12 or 12)),
    ("4", lambda at: str(at.minute)),
    ("5", lambda at: str(at.second)),
)


def methods(text: str) -> dict[str, object]:
    """What a template may ask of the moment `text`, which is RFC 3339 in UTC with up to nine places."""
    whole, _, places = text.removesuffix("Z").partition(".")
    at = datetime.fromisoformat(whole).replace(tzinfo=UTC)
    nanosecond = int(places.ljust(9, "0")[:9] or 0)
    seconds = (at - _EPOCH).days * 86400 + (at - _EPOCH).seconds
    return {
        "Year": at.year,
        "Month": f"{at:%B}",
        "Day": at.day,
        "Hour": at.hour,
        "Minute": at.minute,
        "Second": at.second,
        "Nanosecond": nanosecond,
        "Weekday": f"{at:%A}",
        "YearDay": at.timetuple().tm_yday,
        "Unix": seconds,
        "UnixMilli": seconds * 1000 + nanosecond // 1_000_000,
        "UnixNano": seconds * 1_000_000_000 + nanosecond,
        "IsZero": text == _ZERO,
        "Format": Method(lambda layout: _formatted(layout, at, nanosecond)),
    }


def _formatted(layout: str, at: datetime, nanosecond: int) -> str:
    done, rest = "", layout
    while rest:
        places = _places(rest) if done.endswith(tuple("0123456789")) else 0
        if places:
            digits = f"{nanosecond:09}"[: places - 1]
            digits = digits.rstrip("0") if rest[1] == "9" else digits
            done, rest = done + (rest[0] + digits if digits else ""), rest[places:]
            continue
        for word, show in _LAYOUT:
            if rest.startswith(word):
                done, rest = done + show(at), rest[len(word) :]
                break
        else:
            done, rest = done + rest[0], rest[1:]
    return done


def _places(rest: str) -> int:
    """The length of the fraction of a second, as `.000` or `,999`, that a layout goes on with; 0 if it does not."""
    if rest[0] not in ".,":
        return 0
    for digit in "09":
        count = len(rest[1:]) - len(rest[1:].lstrip(digit))
        if count and not rest[1 + count :][:1].isdigit():
            return 1 + count
    return 0

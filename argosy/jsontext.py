"""JSON text to and from Python objects, by the C scanner and encoder alone.

`import json` costs 7 ms of start-up (it imports `re`), which is as long as the interpreter itself takes.  The C parts
that it wraps are enough here.  `decode` is strict: one value, nothing behind it, no duplicate keys, no NaN.
"""

from __future__ import annotations

import _json

from argosy.errors import Invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_BLANKS = " \t\n\r"


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen = set()
        for key, _ in pairs:
            if key in seen:
                raise ValueError(f"duplicate key {key!r}")
            seen.add(key)
    return found


def _refuse_constant(text: str) -> object:
    raise ValueError(f"{text} is not JSON")


class _Rules:
    """The attributes that `_json.make_scanner` reads from its context."""

    strict = True
    object_hook = None
    object_pairs_hook = staticmethod(_pairs)
    parse_float = float
    parse_int = int
    parse_constant = staticmethod(_refuse_constant)
    memo: dict[str, str] = {}  # noqa: RUF012 -- the scanner's own scratch space


_scan = _json.make_scanner(_Rules)  # type: ignore[arg-type]  # typeshed asks for a scanner where a context belongs


def _scan_value(string: str, start: int) -> tuple[Any, int]:
    """The value at `start` and where it ends."""
    try:
        scanned: tuple[Any, int] = _scan(string, start)
    except SystemError:
        import json.decoder  # noqa: F401 -- the scanner finds its error class in sys.modules, and there alone

        return _scan(string, start)
    return scanned


def decode(text: bytes | str, what: str = "JSON") -> Any:
    """The one JSON value that `text` holds (RFC 8259, UTF-8).  `what` names the text in the error.

    Raises Invalid when it is not JSON, is followed by anything but blanks, repeats a key or is nested too deeply.
    """
    try:
        string = text if isinstance(text, str) else text.decode()
        start = len(string) - len(string.lstrip(_BLANKS))
        value, end = _scan_value(string, start)
        if string[end:].strip(_BLANKS):
            raise ValueError(f"unexpected text after the value, at character {end}")
    except StopIteration as error:
        raise Invalid(what, string[:60], f"no JSON value at character {error.value}") from None
    except (ValueError, RecursionError) as error:
        raise Invalid(what, repr(text[:60])[1:].strip("'\""), str(error)) from error
    return value


def _refuse(value: object) -> object:
    raise TypeError(f"{type(value).__name__} has no JSON form")


_encode = _json.make_encoder(None, _refuse, _json.encode_basestring, None, ":", ",", False, False, False)
_encode_sorted = _json.make_encoder(None, _refuse, _json.encode_basestring, None, ":", ",", True, False, False)


def encode(value: Any, *, sort: bool = False) -> bytes:
    """`value` as compact JSON in UTF-8; `sort` orders the keys.  Lone surrogates are escaped, and decoded again."""
    return "".join((_encode_sorted if sort else _encode)(value, 0)).encode("utf-8", "backslashreplace")

"""The functions that bake files may call: those of HCL's standard library that everyday files use, and bake's own."""

from __future__ import annotations

import base64
import hashlib
import itertools
import math
import re
import time
import uuid

from argosy import jsontext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_RANGE_LIMIT = 1024
_REFERENCE = re.compile(r"\$\{?([0-9]+)\}?")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, dict)) or value is None:
        raise TypeError("it needs a string")
    return str(value)


def _join(separator: str, *lists: list[Any]) -> str:
    return separator.join(_text(item) for items in lists for item in items)


def _format(form: str, *values: Any) -> str:
    def verb(match: re.Match[str]) -> str:
        if match[0] == "%%":
            return "%"
        value = next(given)
        letter = match[0][-1]
        if letter == "v":
            shown = _text(value) if not isinstance(value, (list, dict)) else jsontext.encode(value).decode()
            return f"{match[0][:-1]}s" % shown
        return f"{match[0][:-1]}{letter if letter != 'q' else 's'}" % (
            jsontext.encode(value).decode() if letter == "q" else _text(value) if letter == "s" else value
        )

    given = iter(values)
    try:
        return re.sub(r"%[-+ 0#]*[0-9]*(?:\.[0-9]+)?[vsdqtxXfeg%]", verb, form.replace("%t", "%v"))
    except StopIteration:
        raise ValueError("there are fewer values than verbs") from None


def _coalesce(*values: Any) -> Any:
    return next(value for value in values if value not in (None, ""))


def _substr(text: str, offset: int, length: int) -> str:
    start = offset if offset >= 0 else max(len(text) + offset, 0)
    return text[start:] if length < 0 else text[start : start + length]


def _replacement(text: str) -> str:
    """Go's $1 as Python has it."""
    return _REFERENCE.sub(r"\\g<\1>", text.replace("\\", "\\\\"))


def _flatten(value: list[Any]) -> list[Any]:
    return [one for item in value for one in (_flatten(item) if isinstance(item, list) else (item,))]


def _distinct(values: list[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found


def _lookup(values: dict[str, Any], key: str, *default: Any) -> Any:
    return values[key] if key in values or not default else default[0]


def _range(*bounds: int) -> list[int]:
    found = range(*bounds)
    if len(found) > _RANGE_LIMIT:
        raise ValueError(f"more than {_RANGE_LIMIT} numbers")
    return list(found)


def _length(value: Any) -> int:
    if isinstance(value, (list, dict, str)):
        return len(value)
    raise TypeError("it has no length")


def _merge(*objects: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in objects:
        found.update(one or {})
    return found


def _indent(width: int, text: str) -> str:
    return text.replace("\n", "\n" + " " * width)


def _sanitize(text: str) -> str:
    return re.sub(r"[^a-zA-Z0-9_-]", "_", text)


def _digest(name: str) -> Callable[[str], str]:
    return lambda text: hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest()


def _same(value: Any) -> Any:
    return value


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "add": lambda first, second: first + second,
    "and": lambda first, second: first and second,
    "base64decode": lambda text: base64.b64decode(text, validate=True).decode(),
    "base64encode": lambda text: base64.b64encode(text.encode()).decode(),
    "basename": lambda path: path.rstrip("/").rpartition("/")[2],
    "can": _same,
    "ceil": math.ceil,
    "chomp": lambda text: text.rstrip("\r\n"),
    "chunklist": lambda items, size: [items[at : at + size] for at in range(0, len(items), size)],
    "coalesce": _coalesce,
    "coalescelist": lambda *lists: next(items for items in lists if items),
    "compact": lambda items: [item for item in items if item],
    "concat": lambda *lists: [item for items in lists for item in items],
    "contains": lambda items, value: value in items,
    "dirname": lambda path: path.rpartition("/")[0] or ".",
    "distinct": _distinct,
    "divide": lambda first, second: first / second,
    "element": lambda items, position: items[position % len(items)],
    "equal": lambda first, second: first == second,
    "flatten": _flatten,
    "floor": math.floor,
    "format": _format,
    "greaterthan": lambda first, second: first > second,
    "greaterthanorequalto": lambda first, second: first >= second,
    "hasindex": lambda value, key: key in value if isinstance(value, dict) else 0 <= key < len(value),
    "indent": _indent,
    "index": lambda value, key: value[key],
    "int": int,
    "join": _join,
    "jsondecode": lambda text: jsontext.decode(text.encode()),
    "jsonencode": lambda value: jsontext.encode(value).decode(),
    "keys": sorted,
    "length": _length,
    "lessthan": lambda first, second: first < second,
    "lessthanorequalto": lambda first, second: first <= second,
    "lookup": _lookup,
    "lower": lambda text: text.lower(),
    "max": max,
    "md5": _digest("md5"),
    "merge": _merge,
    "min": min,
    "modulo": lambda first, second: first % second,
    "multiply": lambda first, second: first * second,
    "negate": lambda value: -value,
    "not": lambda value: not value,
    "notequal": lambda first, second: first != second,
    "or": lambda first, second: first or second,
    "parseint": lambda text, base: int(text, base),
    "range": _range,
    "regex": lambda pattern, text: re.search(pattern, text)[0],  # type: ignore[index]
    "regex_replace": lambda text, pattern, to: re.sub(pattern, _replacement(to), text),
    "regexall": lambda pattern, text: [match[0] for match in re.finditer(pattern, text)],
    "replace": lambda text, old, new: text.replace(old, new),
    "reverse": lambda text: text[::-1],
    "reverselist": lambda items: items[::-1],
    "sanitize": _sanitize,
    "setproduct": lambda *lists: [list(one) for one in itertools.product(*lists)],
    "sha1": _digest("sha1"),
    "sha256": _digest("sha256"),
    "sha512": _digest("sha512"),
    "slice": lambda items, start, *end: items[start : end[0]] if end else items[start:],
    "sort": sorted,
    "split": lambda separator, text: text.split(separator),
    "strlen": len,
    "substr": _substr,
    "subtract": lambda first, second: first - second,
    "timestamp": lambda: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    "title": lambda text: text.title(),
    "trim": lambda text, chars: text.strip(chars),
    "trimprefix": lambda text, prefix: text.removeprefix(prefix),
    "trimspace": lambda text: text.strip(),
    "trimsuffix": lambda text, suffix: text.removesuffix(suffix),
    "try": _same,
    "upper": lambda text: text.upper(),
    "uuidv4": lambda: str(uuid.uuid4()),
    "values": lambda value: [value[key] for key in sorted(value)],
    "zipmap": lambda keys, values: dict(zip(keys, values, strict=True)),
}

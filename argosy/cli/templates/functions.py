"""The functions that a template may call: Go's own, and those that docker and podman add."""

from __future__ import annotations

from argosy import jsontext
from argosy.cli.templates import values
from argosy.cli.templates.printf import sprintf
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

_WIDEST_PAD = 1_000_000
LAZY = ("and", "or")  # the executor evaluates their arguments one by one
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;", "\0": "\ufffd"}
_JS = {"\\": "\\\\", "'": "\\'", '"': '\\"', "<": "\\u003C", ">": "\\u003E", "&": "\\u0026", "=": "\\u003D"}
_URL_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~")


class Function(Value):
    """A function and the types of its parameters: any, string, int, []string; `more` is that of all further ones."""

    call: Callable[..., Any]
    parameters: tuple[str, ...]
    more: str = ""


def _print(*items: object) -> str:
    parts: list[str] = []
    for position, item in enumerate(items):
        if position and not isinstance(item, str) and not isinstance(items[position - 1], str):
            parts.append(" ")
        parts.append(values.text(item, top=False))
    return "".join(parts)


def _println(*items: object) -> str:
    return " ".join(values.text(item, top=False) for item in items) + "\n"


def _length(item: object) -> int:
    if item is None:
        raise ValueError("len of nil pointer")
    if isinstance(item, str):
        return len(item.encode("utf-8", "surrogateescape"))
    if isinstance(item, (list, tuple, values.Map)):
        return len(item)
    raise ValueError(f"len of type {values.type_name(item)}")


def _index(item: Any, *keys: object) -> object:
    for key in keys:
        if item is None:
            raise ValueError("index of untyped nil")
        if isinstance(item, values.Map):
            if not isinstance(key, str):
                raise TypeError(f"value has type {values.type_name(key)}; should be string")
            item = item.get(key, "" if values.type_name(item) == "map[string]string" else None)
        elif isinstance(item, (list, tuple, str)):
            item = _element(item, key)
        else:
            raise TypeError(f"can't index item of type {values.type_name(item)}")
    return item


def _element(item: Sequence[object] | str, key: object) -> object:
    if not isinstance(key, int) or isinstance(key, bool):
        raise TypeError(f"cannot index slice/array with type {values.type_name(key)}")
    if not 0 <= key < len(item):
        raise ValueError(f"index out of range: {key}")
    return ord(item[key]) if isinstance(item, str) else item[key]


def _slice(item: Any, *bounds: object) -> object:
    if not isinstance(item, (list, tuple, str)):
        raise TypeError(f"can't slice item of type {values.type_name(item)}")
    if len(bounds) > 2:
        raise ValueError(f"too many slice indexes: {len(bounds)}")
    low, high = (_bound(item, bounds[at]) if at < len(bounds) else given for at, given in enumerate((0, len(item))))
    if low > high:
        raise ValueError(f"invalid slice index: {low} > {high}")
    return item[low:high]


def _bound(item: Sequence[object] | str, bound: object) -> int:
    if not isinstance(bound, int) or not 0 <= bound <= len(item):
        raise ValueError(f"index out of range: {values.text(bound)}")
    return bound


def _equal(first: object, *others: object) -> bool:
    if not others:
        raise ValueError("missing argument for comparison")
    return any(_same(first, other) for other in others)


def _same(left: object, right: object) -> bool:
    if left is None or right is None:
        return left is right
    kinds = (values.kind(left), values.kind(right))
    if "" in kinds:
        raise ValueError(f"non-comparable type {values.type_name(left if not kinds[0] else right)}")
    if kinds[0] != kinds[1]:
        raise ValueError("incompatible types for comparison")
    return left == right


def _less(left: Any, right: Any) -> bool:
    kinds = (values.kind(left), values.kind(right))
    if "" in kinds or kinds[0] == "bool":
        raise ValueError("invalid type for comparison")
    if kinds[0] != kinds[1]:
        raise ValueError("incompatible types for comparison")
    return bool(left < right)


def _sorted_maps(item: Any) -> Any:
    if isinstance(item, dict):
        names: Iterable[str] = sorted(item) if isinstance(item, values.Map) else item
        if isinstance(item, values.Struct):
            names = [name for name in item if name in item.kept or values.truth(item[name])]
        return {name: _sorted_maps(item[name]) for name in names}
    if isinstance(item, (list, tuple)):
        return [_sorted_maps(one) for one in item]
    if item is values.NIL:
        return None
    return _sorted_maps(item()) if callable(item) else item


def _json(item: object) -> str:
    return jsontext.encode(_sorted_maps(item)).decode("utf-8", "surrogatepass")


def _title(text: str) -> str:
    return "".join(
        char.upper() if not position or not (text[position - 1].isalnum() or text[position - 1] in "_'") else char
        for position, char in enumerate(text)
    )


def _pad(text: str, before: int, after: int) -> str:
    if not 0 <= before + after <= _WIDEST_PAD:
        raise ValueError(f"pad by {before} and {after}")
    return " " * before + text + " " * after if text else text


def _js(text: str) -> str:
    return "".join(_JS.get(char) or (f"\\u{ord(char):04X}" if ord(char) < 32 else char) for char in text)


def _url_query(text: str) -> str:
    data = text.encode("utf-8", "surrogateescape")
    return "".join(chr(byte) if byte in _URL_PLAIN else "+" if byte == 32 else f"%{byte:02X}" for byte in data)


FUNCTIONS: dict[str, Function] = {
    "and": Function(lambda *items: items[-1], ("any",), "any"),
    "or": Function(lambda *items: items[-1], ("any",), "any"),
    "not": Function(lambda item: not values.truth(item), ("any",)),
    "len": Function(_length, ("any",)),
    "index": Function(_index, ("any",), "any"),
    "slice": Function(_slice, ("any",), "any"),
    "print": Function(_print, (), "any"),
    "println": Function(_println, (), "any"),
    "printf": Function(lambda pattern, *items: sprintf(pattern, items), ("string",), "any"),
    "eq": Function(_equal, ("any",), "any"),
    "ne": Function(lambda left, right: not _same(left, right), ("any", "any")),
    "lt": Function(_less, ("any", "any")),
    "le": Function(lambda left, right: _less(left, right) or _same(left, right), ("any", "any")),
    "gt": Function(lambda left, right: not (_less(left, right) or _same(left, right)), ("any", "any")),
    "ge": Function(lambda left, right: not _less(left, right), ("any", "any")),
    "html": Function(lambda *items: "".join(_HTML.get(char, char) for char in _print(*items)), (), "any"),
    "js": Function(lambda *items: _js(_print(*items)), (), "any"),
    "urlquery": Function(lambda *items: _url_query(_print(*items)), (), "any"),
    "join": Function(lambda items, separator: separator.join(items), ("[]string", "string")),
    "json": Function(_json, ("any",)),
    "lower": Function(str.lower, ("string",)),
    "upper": Function(str.upper, ("string",)),
    "title": Function(_title, ("string",)),
    "split": Function(lambda text, mark: text.split(mark) if mark else list(text), ("string", "string")),
    "pad": Function(_pad, ("string", "int", "int")),
    "truncate": Function(lambda text, length: text[:length], ("string", "int")),
}

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
_EXPONENT_FROM = 1e21  # from here on a number in JSON has one
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
        return len(_bytes(item))
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
    data = _bytes(item) if isinstance(item, str) else item
    if not 0 <= key < len(data):
        raise ValueError(f"index out of range: {key}")
    return data[key]


def _bytes(text: str) -> bytes:
    """What Go's strings are made of."""
    return text.encode("utf-8", "surrogateescape")


def _slice(item: Any, *bounds: object) -> object:
    if not isinstance(item, (list, tuple, str)):
        raise TypeError(f"can't slice item of type {values.type_name(item)}")
    if len(bounds) > 3:
        raise ValueError(f"too many slice indexes: {len(bounds)}")
    if isinstance(item, str) and len(bounds) > 2:
        raise ValueError("cannot 3-index slice a string")
    data: Any = _bytes(item) if isinstance(item, str) else item
    checked = [_bound(data, bound) for bound in bounds]
    low, high = (*checked[:2], *(0, len(data))[len(checked) :])
    for smaller, larger in zip((low, high), (high, *checked[2:]), strict=False):
        if smaller > larger:
            raise ValueError(f"invalid slice index: {smaller} > {larger}")
    part = data[low:high]
    return part.decode("utf-8", "surrogateescape") if isinstance(part, bytes) else part


def _bound(item: Sequence[object] | bytes, bound: object) -> int:
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
    if _is_struct(left) and _is_struct(right):
        return bool(left == right)
    kinds = (values.kind(left), values.kind(right))
    if "" in kinds:
        wrong = right if kinds[0] else left
        raise ValueError(f"non-comparable type {values.text(wrong, top=False)}: {values.type_name(wrong)}")
    if kinds[0] != kinds[1]:
        raise ValueError("incompatible types for comparison")
    return left == right


def _is_struct(value: object) -> bool:
    return isinstance(value, dict) and not isinstance(value, values.Map)


def _less(left: Any, right: Any) -> bool:
    kinds = (values.kind(left), values.kind(right))
    if "" in kinds or kinds[0] == "bool":
        raise ValueError("invalid type for comparison")
    if kinds[0] != kinds[1]:
        raise ValueError("incompatible types for comparison")
    return bool(left < right)


def _sorted_maps(item: Any) -> Any:
    if isinstance(item, (values.NilMap, values.NilList)):
        return None
    if isinstance(item, dict):
        names: Iterable[str] = sorted(item) if isinstance(item, values.Map) else item
        if isinstance(item, values.Struct):
            names = [name for name in item if name in item.kept or values.truth(item[name])]
        return {name: _sorted_maps(item[name]) for name in names}
    if isinstance(item, (list, tuple)):
        return [_sorted_maps(one) for one in item]
    if item is values.NIL:
        return None
    if isinstance(item, float) and item.is_integer() and abs(item) < _EXPONENT_FROM:
        return int(item)
    return _sorted_maps(item()) if callable(item) else item


def _json(item: object) -> str:
    text = jsontext.encode(_sorted_maps(item)).decode("utf-8", "surrogatepass")
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _title(text: str) -> str:
    return "".join(
        char.upper() if not position or not (text[position - 1].isalnum() or text[position - 1] in "_'") else char
        for position, char in enumerate(text)
    )


def _pad(text: str, before: int, after: int) -> str:
    if text and min(before, after) < 0:
        raise ValueError("strings: negative Repeat count")
    if before + after > _WIDEST_PAD:
        raise ValueError(f"pad by {before} and {after}")
    return " " * before + text + " " * after if text else text


def _call(item: object) -> object:
    """Nothing that a template sees is a function that it could call."""
    raise TypeError("call of nil" if item is None else f"non-function of type {values.type_name(item)}")


def _escapable(*items: object) -> str:
    return _print(*(values.text(item) if item is None else item for item in items))


def _js(text: str) -> str:
    return "".join(_JS.get(char) or (f"\\u{ord(char):04X}" if not char.isprintable() else char) for char in text)


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
    "call": Function(lambda item, *_given: _call(item), ("any",), "any"),
    "html": Function(lambda *items: "".join(_HTML.get(char, char) for char in _escapable(*items)), (), "any"),
    "js": Function(lambda *items: _js(_escapable(*items)), (), "any"),
    "urlquery": Function(lambda *items: _url_query(_escapable(*items)), (), "any"),
    "join": Function(lambda items, separator: separator.join(items), ("[]string", "string")),
    "json": Function(_json, ("any",)),
    "lower": Function(str.lower, ("string",)),
    "upper": Function(str.upper, ("string",)),
    "title": Function(_title, ("string",)),
    "split": Function(lambda text, mark: text.split(mark) if mark else list(text), ("string", "string")),
    "pad": Function(_pad, ("string", "int", "int")),
    "truncate": Function(lambda text, length: text[:length], ("string", "int")),
}

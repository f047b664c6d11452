"""Reading the fields of a decoded JSON object with their types checked; errors name the field by its path."""

from __future__ import annotations

from argosy.errors import Invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_KINDS = {dict: "an object", list: "an array", str: "a string", int: "a whole number", bool: "true or false"}


class Fields:
    """One JSON object of the document `what` at `path`.  A field that is null counts as missing, as Go reads it."""

    def __init__(self, data: Any, what: str, path: str = "") -> None:
        if type(data) is not dict:
            raise Invalid(what, path or "/", f"this is {kind(data)}, not an object")
        self.data: dict[str, Any] = data
        self.what = what
        self.path = path

    def at(self, key: str) -> str:
        """The path of one field, as `config.Labels`."""
        return f"{self.path}.{key}" if self.path else key

    def fault(self, key: str, why: str) -> Invalid:
        """The error for the field `key`."""
        return Invalid(f"{self.what}: field", self.at(key), why)

    def get(self, key: str, expected: type) -> Any:
        """The field, which must be of exactly this type; None when it is missing."""
        value = self.data.get(key)
        if value is not None and type(value) is not expected:
            raise self.fault(key, f"this is {kind(value)}, not {_KINDS[expected]}")
        return value

    def text(self, key: str) -> str:
        """A string without NUL; "" when it is missing."""
        value: str = self.get(key, str) or ""
        if "\0" in value:
            raise self.fault(key, "it holds a NUL character")
        return value

    def number(self, key: str) -> int:
        """A whole number; 0 when it is missing."""
        return self.get(key, int) or 0

    def texts(self, key: str) -> tuple[str, ...]:
        """An array of strings without NUL; () when it is missing."""
        values = self.get(key, list) or []
        for position, value in enumerate(values):
            if type(value) is not str:
                raise self.fault(f"{key}[{position}]", f"this is {kind(value)}, not a string")
            if "\0" in value:
                raise self.fault(f"{key}[{position}]", "it holds a NUL character")
        return tuple(values)

    def mapping(self, key: str) -> dict[str, str]:
        """An object whose values are strings; {} when it is missing."""
        values: dict[str, Any] = self.get(key, dict) or {}
        for name, value in values.items():
            if type(value) is not str:
                raise self.fault(f"{key}.{name}", f"this is {kind(value)}, not a string")
        return dict(values)

    def keys(self, key: str) -> tuple[str, ...]:
        """The names in an object used as a set (Go's map[string]struct{}); () when it is missing."""
        values: dict[str, Any] = self.get(key, dict) or {}
        for name, value in values.items():
            if value is not None and type(value) is not dict:
                raise self.fault(f"{key}.{name}", f"this is {kind(value)}, not an empty object")
        return tuple(values)

    def objects(self, key: str) -> list[Fields]:
        """An array of objects; [] when it is missing."""
        values = self.get(key, list) or []
        return [Fields(value, self.what, self.at(f"{key}[{position}]")) for position, value in enumerate(values)]

    def child(self, key: str) -> Fields | None:
        """An object; None when it is missing."""
        value = self.get(key, dict)
        return None if value is None else Fields(value, self.what, self.at(key))


def kind(value: Any) -> str:
    """What a JSON value is, for a message."""
    return "null" if value is None else _KINDS.get(type(value), "a fraction")

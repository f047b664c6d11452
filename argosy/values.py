"""Frozen values: `class Point(Value): x: int; y: int = 0`.

A small stand-in for frozen dataclasses with `__slots__`, for the path on which start-up time decides: importing
`dataclasses` costs 14 ms and 0.18 ms for each class, this module nothing that can be measured.  Type checkers see the
class as a dataclass.  A value also has a JSON form (`to_json`, `from_json`), which the files of the store are made of.
"""

from __future__ import annotations

from argosy.errors import Invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, ClassVar, Self, dataclass_transform
else:

    def dataclass_transform(**_options):  # noqa: ANN003, ANN201 -- unseen by type checkers
        return lambda cls: cls


MISSING = object()


class ValueMeta(type):
    """Turns the annotations of a class body into slots, and their assigned values into defaults."""

    _fields: tuple[str, ...]
    _defaults: dict[str, Any]

    def __new__(mcs, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> ValueMeta:
        own = [field for field, kind in body.get("__annotations__", {}).items() if not str(kind).startswith("ClassVar")]
        fields: list[str] = []
        defaults: dict[str, Any] = {}
        for base in bases:
            fields.extend(field for field in getattr(base, "_fields", ()) if field not in fields)
            defaults.update(getattr(base, "_defaults", {}))
        for field in own:
            if field in body:
                defaults[field] = body.pop(field)
        body["__slots__"] = tuple(field for field in own if field not in fields)
        fields.extend(body["__slots__"])
        body["_fields"] = tuple(fields)
        body["_defaults"] = defaults
        return super().__new__(mcs, name, bases, body)


@dataclass_transform(frozen_default=True)
class Value(metaclass=ValueMeta):
    """Base of frozen values.  Field types are not checked; defaults must be immutable (use `()` for no elements)."""

    if TYPE_CHECKING:
        _fields: ClassVar[tuple[str, ...]]
        _defaults: ClassVar[dict[str, Any]]
        _nested: ClassVar[dict[str, type[Value]]]
    else:
        _nested = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        put = object.__setattr__
        fields = self._fields
        if len(args) > len(fields):
            raise TypeError(f"{type(self).__name__} takes {len(fields)} fields, {len(args)} given")
        for field, value in zip(fields, args, strict=False):
            put(self, field, value)
        for field in fields[len(args) :]:
            value = kwargs.pop(field, MISSING)
            if value is MISSING:
                value = self._defaults.get(field, MISSING)
                if value is MISSING:
                    raise TypeError(f"{type(self).__name__} lacks the field {field!r}")
            put(self, field, value)
        if kwargs:
            raise TypeError(f"{type(self).__name__} has no field {next(iter(kwargs))!r} (or it was given twice)")

    def __setattr__(self, field: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: cannot set {field!r}; use replace()")

    def __delattr__(self, field: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: cannot delete {field!r}")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, field) == getattr(other, field) for field in self._fields)

    def __hash__(self) -> int:
        return hash((type(self), *(getattr(self, field) for field in self._fields)))

    def __repr__(self) -> str:
        shown = ", ".join(f"{field}={getattr(self, field)!r}" for field in self._fields)
        return f"{type(self).__name__}({shown})"

    def __reduce__(self) -> tuple[type[Self], tuple[Any, ...]]:
        return type(self), tuple(getattr(self, field) for field in self._fields)

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed."""
        for field in self._fields:
            if field not in changes:
                changes[field] = getattr(self, field)
        return type(self)(**changes)

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON types; a field that holds its default is left out."""
        written = {}
        for field in self._fields:
            value = getattr(self, field)
            default = self._defaults.get(field, MISSING)
            if default is MISSING or value != default or type(value) is not type(default):
                written[field] = plain(value)
        return written

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The value that `to_json` wrote.  Arrays become tuples; `_nested` names the class of fields that hold values.

        Raises Invalid when a field is unknown or missing: a record of another version is never half read.
        """
        if not isinstance(data, dict):
            raise Invalid(cls.__name__, str(data), "not a JSON object")
        fields = {}
        for field, value in data.items():
            if field not in cls._fields:
                raise Invalid(cls.__name__, field, "unknown field")
            nested = cls._nested.get(field)
            fields[field] = frozen(value) if nested is None else _revive(nested, value)
        for field in cls._fields:
            if field not in fields and field not in cls._defaults:
                raise Invalid(cls.__name__, field, "this field is missing")
        return cls(**fields)


def _revive(nested: type[Value], value: Any) -> Any:
    if isinstance(value, list):
        return tuple(nested.from_json(item) for item in value)
    return None if value is None else nested.from_json(value)


def plain(value: Any) -> Any:
    """`value` as JSON types: values become objects, tuples arrays; mappings are copied."""
    if isinstance(value, Value):
        return value.to_json()
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def frozen(value: Any) -> Any:
    """`value` with each array, at any depth, as a tuple."""
    if isinstance(value, list):
        return tuple(frozen(item) for item in value)
    if isinstance(value, dict):
        return {key: frozen(item) for key, item in value.items()}
    return value

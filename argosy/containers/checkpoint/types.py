"""Whether the fields of a value, read from JSON of somebody else's, have the types that its class says they have."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import get_annotations

from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PLAIN: dict[str, Any] = {"str": str, "int": int, "bool": bool, "float": (int, float), "None": type(None)}


def wrong_field(value: Value) -> str:
    """The first field, with those that it is in, that is of another type; "" where there is none."""
    for name, kind in _annotations(type(value)).items():
        found = getattr(value, name, None)
        if not _fits(found, kind):
            return name
        for item in found if isinstance(found, tuple) else (found,):
            below = wrong_field(item) if isinstance(item, Value) else ""
            if below:
                return f"{name}.{below}"
    return ""


def _annotations(kind: type[Value]) -> dict[str, str]:
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        found |= {name: str(text) for name, text in get_annotations(base).items()}
    return {name: text for name, text in found.items() if not name.startswith("_") and "ClassVar" not in text}


def _fits(found: Any, kind: str) -> bool:
    """Whether a value is of the type that the text of an annotation names: those which values have."""
    if " | " in kind:
        return any(_fits(found, part) for part in kind.split(" | "))
    if kind in _PLAIN:
        return isinstance(found, _PLAIN[kind]) and (kind == "bool" or not isinstance(found, bool))
    if kind.startswith(("Mapping[str, ", "dict[str, ")):
        inner = kind.partition(", ")[2][:-1]
        return isinstance(found, Mapping) and all(inner == "Any" or _fits(item, inner) for item in found.values())
    if kind.startswith("tuple["):
        inner = kind[len("tuple[") : -1].removesuffix(", ...")
        return isinstance(found, tuple) and all(_fits(item, inner) for item in found)
    if isinstance(found, Value):
        return type(found).__name__ == kind.rpartition(".")[2]
    return isinstance(found, tuple) and all(isinstance(item, int) for item in found)  # a range of ids

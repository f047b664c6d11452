"""The nodes of expressions, of attributes and of blocks; each knows where it stands."""

from __future__ import annotations

from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Place(Value):
    """File, line and column, both from 1."""

    path: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


class BakeError(ArgosyError):
    """Something is wrong with a bake file, at a place."""

    def __init__(self, place: Place, what: str, hint: str = "") -> None:
        super().__init__(f"{place}: {what}", hint=hint)
        self.place = place
        self.what = what


class Node(Value):
    """An expression."""

    place: Place


class Literal(Node):
    """A number, a truth value, null, or a string without anything to replace."""

    value: Any


class Template(Node):
    """A string of texts and expressions; one expression alone keeps its type."""

    parts: tuple[Any, ...]


class ListOf(Node):
    items: tuple[Any, ...]


class ObjectOf(Node):
    """Keys are expressions; a bare word is its own name."""

    pairs: tuple[tuple[Any, Any], ...]


class Variable(Node):
    name: str


class Index(Node):
    """`value[key]`, and `value.key` with a literal."""

    value: Any
    key: Any


class Splat(Node):
    """`value[*].path`: the same of each element."""

    value: Any
    path: tuple[Any, ...]


class Call(Node):
    """`expands`: the last argument is a list, whose elements are the arguments."""

    name: str
    arguments: tuple[Any, ...]
    expands: bool


class Operation(Node):
    """`operator` with one operand or two."""

    operator: str
    operands: tuple[Any, ...]


class Conditional(Node):
    condition: Any
    yes: Any
    no: Any


class For(Node):
    """`[for x in y: item if condition]`, or with a `key` an object; `groups` is its `...`."""

    names: tuple[str, ...]
    source: Any
    key: Any
    item: Any
    condition: Any
    groups: bool


class Block(Value):
    """`kind "label" { ... }`: attributes by name, and blocks within."""

    kind: str
    labels: tuple[str, ...]
    place: Place
    attributes: dict[str, Any]
    blocks: tuple[Any, ...]

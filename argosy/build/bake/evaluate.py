"""What expressions come to: strings, numbers, truth values, None, lists and dicts."""

from __future__ import annotations

from argosy.build.bake.expressions import (
    BakeError,
    Call,
    Conditional,
    For,
    Index,
    ListOf,
    Literal,
    Node,
    ObjectOf,
    Operation,
    Splat,
    Template,
    Variable,
)
from argosy.build.dockerfile.errors import near

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from argosy.build.bake.expressions import Place

    Function = Callable[..., Any]

_LONGEST = 1 << 20


class Scope:
    """What names mean.  `lookup` gives a variable, or raises KeyError; `known` are all names, for suggestions."""

    def __init__(
        self,
        lookup: Callable[[str], Any],
        functions: Mapping[str, Function],
        known: Callable[[], tuple[str, ...]] = tuple,
    ) -> None:
        self.lookup = lookup
        self.functions = functions
        self.known = known

    def within(self, values: Mapping[str, Any]) -> Scope:
        """The same with more names, which hide others."""

        def lookup(name: str) -> Any:
            return values[name] if name in values else self.lookup(name)

        return Scope(lookup, self.functions, lambda: (*values, *self.known()))


def evaluate(node: Node, scope: Scope) -> Any:
    """The value.  Raises BakeError at the place of what is wrong."""
    return _MEANINGS[type(node)](node, scope)


def _literal(node: Literal, _scope: Scope) -> Any:
    return node.value


def _template(node: Template, scope: Scope) -> Any:
    parts = [part if isinstance(part, str) else evaluate(part, scope) for part in node.parts]
    if len(parts) == 1:
        return parts[0]
    found = "".join(text(part, node.place) for part in parts)
    if len(found) > _LONGEST:
        raise BakeError(node.place, "the string becomes longer than 1 MiB")
    return found


def text(value: Any, place: Place) -> str:
    """A value as part of a string.  Raises BakeError for what is none."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int)):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    raise BakeError(place, f"{kind(value)} cannot be part of a string")


def kind(value: Any) -> str:
    """What a value is, for messages."""
    names = {
        bool: "a truth value",
        str: "a string",
        int: "a number",
        float: "a number",
        list: "a list",
        dict: "an object",
    }
    return names.get(type(value), "null")


def _list(node: ListOf, scope: Scope) -> list[Any]:
    return [evaluate(item, scope) for item in node.items]


def _object(node: ObjectOf, scope: Scope) -> dict[str, Any]:
    return {text(evaluate(key, scope), node.place): evaluate(value, scope) for key, value in node.pairs}


def _variable(node: Variable, scope: Scope) -> Any:
    try:
        return scope.lookup(node.name)
    except KeyError:
        why = f'there is no variable "{node.name}"{near(node.name, scope.known())}'
        raise BakeError(node.place, why) from None


def _index(node: Index, scope: Scope) -> Any:
    value, key = evaluate(node.value, scope), evaluate(node.key, scope)
    return _element(value, key, node.place)


def _element(value: Any, key: Any, place: Place) -> Any:
    if isinstance(value, dict):
        name = text(key, place)
        if name not in value:
            raise BakeError(place, f'the object has no "{name}"{near(name, tuple(value))}')
        return value[name]
    if not isinstance(value, list):
        raise BakeError(place, f"{kind(value)} has no elements")
    if isinstance(key, bool) or not isinstance(key, int):
        raise BakeError(place, "the elements of a list have numbers")
    if not 0 <= key < len(value):
        raise BakeError(place, f"the list has {len(value)} elements, and none with number {key}")
    return value[key]


def _splat(node: Splat, scope: Scope) -> list[Any]:
    value = evaluate(node.value, scope)
    found = list(value) if isinstance(value, list) else [] if value is None else [value]
    for key in node.path:
        found = [_element(one, key.value, node.place) for one in found]
    return found


def _call(node: Call, scope: Scope) -> Any:
    function = scope.functions.get(node.name)
    if function is None:
        raise BakeError(node.place, f'there is no function "{node.name}"{near(node.name, tuple(scope.functions))}')
    if node.name in ("try", "can"):
        return _tried(node, scope)
    arguments = [evaluate(argument, scope) for argument in node.arguments]
    if node.expands:
        last = arguments.pop()
        if not isinstance(last, list):
            raise BakeError(node.place, f"... needs a list, not {kind(last)}")
        arguments += last
    try:
        return function(*arguments)
    except BakeError:
        raise
    except (TypeError, ValueError, KeyError, IndexError, ArithmeticError, AttributeError, RecursionError) as error:
        raise BakeError(node.place, f"{node.name}() cannot do this: {error}") from error


def _tried(node: Call, scope: Scope) -> Any:
    """`try` gives the first argument that has a value, `can` whether its only one does."""
    failure: BakeError | None = None
    for argument in node.arguments:
        try:
            found = evaluate(argument, scope)
        except BakeError as error:
            failure = error
        else:
            return True if node.name == "can" else found
    if node.name == "can":
        return False
    raise failure or BakeError(node.place, "try() needs an argument")


def _operation(node: Operation, scope: Scope) -> Any:
    first = evaluate(node.operands[0], scope)
    if len(node.operands) == 1:
        return not truth(first, node.place) if node.operator == "!" else -number(first, node.place)
    if node.operator in ("&&", "||"):
        if truth(first, node.place) is (node.operator == "||"):
            return node.operator == "||"
        return truth(evaluate(node.operands[1], scope), node.place)
    second = evaluate(node.operands[1], scope)
    if node.operator in ("==", "!="):
        same = isinstance(first, bool) is isinstance(second, bool) and first == second
        return same is (node.operator == "==")
    try:
        return _ARITHMETIC[node.operator](number(first, node.place), number(second, node.place))
    except ZeroDivisionError:
        raise BakeError(node.place, "a division by zero") from None


def truth(value: Any, place: Place) -> bool:
    """A truth value, or a string that says one."""
    if value in ("true", "false"):
        return bool(value == "true")
    if not isinstance(value, bool):
        raise BakeError(place, f"{kind(value)} is neither true nor false")
    return value


def number(value: Any, place: Place) -> int | float:
    """A number, or a string that says one."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        try:
            return int(value) if value.lstrip("-").isdigit() else float(value)
        except ValueError:
            pass
    raise BakeError(place, f"{kind(value)} is no number")


def _divided(first: float, second: float) -> float:
    whole = first / second
    return int(whole) if whole.is_integer() else whole


_ARITHMETIC: dict[str, Function] = {
    "+": lambda first, second: first + second,
    "-": lambda first, second: first - second,
    "*": lambda first, second: first * second,
    "/": _divided,
    "%": lambda first, second: first % second,
    "<": lambda first, second: first < second,
    ">": lambda first, second: first > second,
    "<=": lambda first, second: first <= second,
    ">=": lambda first, second: first >= second,
}


def _conditional(node: Conditional, scope: Scope) -> Any:
    chosen = truth(evaluate(node.condition, scope), node.place)
    return evaluate(node.yes if chosen else node.no, scope)


def _for(node: For, scope: Scope) -> Any:
    source = evaluate(node.source, scope)
    if isinstance(source, dict):
        pairs: list[tuple[Any, Any]] = sorted(source.items())
    elif isinstance(source, list):
        pairs = list(enumerate(source))
    else:
        raise BakeError(node.place, f"for cannot go through {kind(source)}")
    items: list[Any] = []
    members: dict[str, Any] = {}
    for key, value in pairs:
        given = dict(zip(node.names, (value,) if len(node.names) == 1 else (key, value), strict=True))
        inner = scope.within(given)
        if node.condition is not None and not truth(evaluate(node.condition, inner), node.place):
            continue
        item = evaluate(node.item, inner)
        if node.key is None:
            items.append(item)
            continue
        name = text(evaluate(node.key, inner), node.place)
        if node.groups:
            members.setdefault(name, []).append(item)
        elif name in members:
            raise BakeError(node.place, f'the key "{name}" comes a second time', hint="=> value... makes lists")
        else:
            members[name] = item
    return items if node.key is None else members


_MEANINGS: dict[type[Node], Callable[[Any, Scope], Any]] = {
    Literal: _literal,
    Template: _template,
    ListOf: _list,
    ObjectOf: _object,
    Variable: _variable,
    Index: _index,
    Splat: _splat,
    Call: _call,
    Operation: _operation,
    Conditional: _conditional,
    For: _for,
}

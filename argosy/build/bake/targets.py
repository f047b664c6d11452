"""What is to be built: groups taken apart, matrices multiplied, what is inherited merged, --set put over all."""

from __future__ import annotations

import fnmatch
import itertools

from argosy.build.bake.evaluate import Scope, evaluate, kind, text
from argosy.build.bake.expressions import BakeError, Block, Place
from argosy.build.dockerfile.errors import near
from argosy.errors import ArgosyError, Invalid
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from argosy.build.bake.definition import Definition

# Each field with what it is: a map is merged, `more` appended, everything else replaced.  The order is that of --print.
FIELDS = {
    "annotations": "more",
    "attest": "more",
    "context": "text",
    "contexts": "map",
    "dockerfile": "text",
    "dockerfile-inline": "text",
    "args": "map",
    "labels": "map",
    "tags": "list",
    "cache-from": "list",
    "cache-to": "list",
    "target": "text",
    "secret": "list",
    "ssh": "list",
    "platforms": "list",
    "output": "list",
    "pull": "flag",
    "no-cache": "flag",
    "network": "text",
    "no-cache-filter": "list",
    "shm-size": "text",
    "ulimits": "list",
    "call": "text",
    "entitlements": "more",
    "extra-hosts": "map",
    "description": "text",
}
_OWN = ("inherits", "matrix", "name")
_SET_NAMES = {"platform": "platforms", "secrets": "secret", "tag": "tags", "annotation": "annotations"}
_SET_ALSO = {"push": "flag", "load": "flag"}
_MOST_TARGETS = 1000
TARGET = "target:"


class Target(Value):
    """One image to build: its fields, as in FIELDS; those that were not said are not there."""

    name: str
    fields: dict[str, Any]

    @property
    def needs(self) -> tuple[str, ...]:
        """The targets whose images are contexts of this one."""
        found = (value for value in self.fields.get("contexts", {}).values() if value.startswith(TARGET))
        return tuple(value.removeprefix(TARGET) for value in found)


class _Blocks(Value):
    """The blocks of a target, and its values of a matrix."""

    blocks: tuple[Block, ...]
    axes: dict[str, Any]


class Selection(Value):
    """The targets in the order in which they can be built, and the groups that were asked for with theirs."""

    targets: tuple[Target, ...]
    groups: dict[str, tuple[str, ...]]


def select(definition: Definition, names: Sequence[str], overrides: Iterable[str] = ()) -> Selection:
    """The targets and groups that `names` mean ("default" where there are none), with what they need.

    Raises BakeError, and ArgosyError for a name that means nothing.
    """
    return _Selecting(definition, [_override(one) for one in overrides]).select(tuple(names) or ("default",))


class _Override(Value):
    pattern: str
    field: str
    key: str
    value: str


def _override(given: str) -> _Override:
    """--set TARGET.FIELD[.KEY]=VALUE."""
    left, equals, value = given.partition("=")
    pattern, dot, rest = left.partition(".")
    field, _, key = rest.partition(".")
    field = _SET_NAMES.get(field, field)
    known = {**FIELDS, **_SET_ALSO}
    if not equals or not dot or not pattern:
        raise Invalid("--set", given, "it is written TARGET.FIELD=VALUE")
    if field not in known:
        raise Invalid("--set", given, f'there is no field "{field}"{near(field, tuple(known))}')
    if (known[field] == "map") is not bool(key):
        raise Invalid("--set", given, f"{field} {'needs a' if not key else 'has no'} key: TARGET.{field}.KEY=VALUE")
    return _Override(pattern, field, key, value)


class _Selecting:
    def __init__(self, definition: Definition, overrides: list[_Override]) -> None:
        self._definition = definition
        self._overrides = overrides
        self._groups: dict[str, tuple[str, ...]] = {}
        self._blocks: dict[str, _Blocks] = {}
        self._done: dict[str, dict[str, Any]] = {}
        for name, blocks in definition.targets.items():
            self._expand(name, tuple(blocks))
        for name, blocks in definition.groups.items():
            self._groups[name] = self._group(name, blocks)

    def select(self, names: tuple[str, ...]) -> Selection:
        asked = {name: self._members(name, ()) for name in names}
        ordered: dict[str, Target] = {}
        for members in asked.values():
            for member in members:
                self._add(member, ordered, ())
        self._check_overrides(ordered)
        groups = {name: members for name, members in asked.items() if name in self._groups}
        if "default" not in groups:
            groups["default"] = tuple(dict.fromkeys(member for members in asked.values() for member in members))
        return Selection(tuple(ordered.values()), groups)

    def _check_overrides(self, ordered: dict[str, Target]) -> None:
        for override in self._overrides:
            if not fnmatch.filter(ordered, override.pattern):
                raise Invalid("--set", override.pattern, "it fits no target that is built")

    def _expand(self, name: str, blocks: tuple[Block, ...]) -> None:
        """A target, or those of its matrix and a group of them."""
        matrix = next((block.attributes["matrix"] for block in blocks[::-1] if "matrix" in block.attributes), None)
        named = next((block.attributes["name"] for block in blocks[::-1] if "name" in block.attributes), None)
        if matrix is None:
            if named is not None:
                raise BakeError(named.place, "name is for targets with a matrix", hint="the label is the name")
            self._blocks[name] = _Blocks(blocks, {})
            return
        if named is None:
            raise BakeError(matrix.place, "a matrix needs a name that is different for each of its targets")
        axes = evaluate(matrix, self._definition.scope)
        if not isinstance(axes, dict) or not all(isinstance(axis, list) and axis for axis in axes.values()):
            raise BakeError(matrix.place, "a matrix is an object of lists that are not empty")
        made = []
        for values in itertools.product(*axes.values()):
            given = dict(zip(axes, values, strict=True))
            made.append(text(evaluate(named, self._definition.scope.within(given)), named.place))
            if made[-1] in self._blocks or len(made) > _MOST_TARGETS:
                raise BakeError(named.place, f'there are two targets "{made[-1]}", or more than {_MOST_TARGETS}')
            self._blocks[made[-1]] = _Blocks(blocks, given)
        self._groups[name] = tuple(made)

    def _group(self, name: str, blocks: list[Block]) -> tuple[str, ...]:
        block = blocks[-1]
        if "targets" not in block.attributes:
            raise BakeError(block.place, f'the group "{name}" has no targets')
        node = block.attributes["targets"]
        return tuple(_strings(evaluate(node, self._definition.scope), node.place, "targets"))

    def _members(self, name: str, above: tuple[str, ...]) -> tuple[str, ...]:
        """The targets of a name, groups taken apart."""
        if name in above:
            raise ArgosyError(f"the group {name} is in itself: {' -> '.join((*above, name))}")
        if name in self._groups:
            found = (self._members(member, (*above, name)) for member in self._groups[name])
            return tuple(dict.fromkeys(itertools.chain.from_iterable(found)))
        if name in self._blocks:
            return (name,)
        raise ArgosyError(f"failed to find target {name}{near(name, (*self._groups, *self._blocks))}")

    def _add(self, name: str, ordered: dict[str, Target], above: tuple[str, ...]) -> None:
        """Add a target behind those that it needs."""
        if name in above:
            raise ArgosyError(f"targets need each other: {' -> '.join((*above, name))}")
        if name in ordered:
            return
        target = Target(name, self._fields(name))
        for needed in target.needs:
            if needed not in self._blocks:
                raise ArgosyError(
                    f"failed to find target {needed}, a context of {name}{near(needed, tuple(self._blocks))}"
                )
            self._add(needed, ordered, (*above, name))
        ordered[name] = target

    def _fields(self, name: str) -> dict[str, Any]:
        found = dict(self._inherited(name, ()))
        touched: set[str] = set()
        for override in self._overrides:
            if fnmatch.fnmatchcase(name, override.pattern):
                _set(found, override, fresh=override.field not in touched)
                touched.add(override.field)
        return found

    def _inherited(self, name: str, above: tuple[str, ...]) -> dict[str, Any]:
        if name in above:
            raise ArgosyError(f"targets inherit from each other: {' -> '.join((*above, name))}")
        if name in self._done:
            return self._done[name]
        own = self._blocks.get(name)
        if own is None:
            raise ArgosyError(
                f"failed to find target {name}, which {above[-1]} inherits{near(name, tuple(self._blocks))}"
            )
        scope = self._definition.scope.within(own.axes) if own.axes else self._definition.scope
        found: dict[str, Any] = {}
        for parent in _parents(own, scope):
            _merge(found, self._inherited(parent, (*above, name)))
        for block in own.blocks:
            _merge(found, _evaluated(block, scope))
        self._done[name] = found
        return found


def _parents(own: _Blocks, scope: Scope) -> list[str]:
    node = next((block.attributes["inherits"] for block in own.blocks[::-1] if "inherits" in block.attributes), None)
    return [] if node is None else _strings(evaluate(node, scope), node.place, "inherits")


def _evaluated(block: Block, scope: Scope) -> dict[str, Any]:
    if block.blocks:
        inner = block.blocks[0]
        raise BakeError(inner.place, f'a target has no block "{inner.kind}"', hint=f"write {inner.kind} = {{ ... }}")
    found = {}
    for name, node in block.attributes.items():
        if name in _OWN:
            continue
        if name not in FIELDS:
            raise BakeError(node.place, f'a target has no "{name}"{near(name, (*FIELDS, *_OWN))}')
        value = evaluate(node, scope)
        if value is not None:
            found[name] = _READERS[FIELDS[name]](value, node.place, name)
    return found


def _strings(value: Any, place: Place, name: str) -> list[str]:
    """A list of strings; objects become KEY=VALUE with commas between them, null is left out."""
    if not isinstance(value, list):
        raise BakeError(place, f"{name} is a list, not {kind(value)}")
    found = []
    for item in value:
        if isinstance(item, dict):
            pairs = ((key, one) for key, one in item.items() if one is not None)
            found.append(",".join(f"{key}={text(one, place)}" for key, one in pairs))
        elif item is not None:
            found.append(text(item, place))
    return found


def _pairs(value: Any, place: Place, name: str) -> dict[str, str]:
    if not isinstance(value, dict):
        raise BakeError(place, f"{name} is an object, not {kind(value)}")
    return {key: text(one, place) for key, one in value.items() if one is not None}


def _text(value: Any, place: Place, _name: str) -> str:
    return text(value, place)


def _flag(value: Any, place: Place, name: str) -> bool:
    if value in (True, "true", 1):
        return True
    if value in (False, "false", 0):
        return False
    raise BakeError(place, f"{name} is true or false")


_READERS = {"list": _strings, "more": _strings, "map": _pairs, "text": _text, "flag": _flag}


def _merge(found: dict[str, Any], more: dict[str, Any]) -> None:
    for name, value in more.items():
        what = FIELDS[name]
        if what == "map":
            found[name] = {**found.get(name, {}), **value}
        elif what == "more":
            found[name] = list(dict.fromkeys((*found.get(name, ()), *value)))
        else:
            found[name] = value


def _set(found: dict[str, Any], override: _Override, *, fresh: bool) -> None:
    """Carry one --set out; several of a list make a list, in place of that of the file."""
    what = {**FIELDS, **_SET_ALSO}[override.field]
    if what == "map":
        found[override.field] = {**found.get(override.field, {}), override.key: override.value}
    elif what == "flag":
        found[override.field] = _flag(override.value, Place("--set", 1, 1), override.field)
    elif what == "text":
        found[override.field] = override.value
    else:
        values = override.value.split(",") if override.field == "platforms" else [override.value]
        found[override.field] = values if fresh else [*found[override.field], *values]

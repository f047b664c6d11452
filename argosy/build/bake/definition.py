"""All files together: variables, functions, groups and targets, the later file over the earlier one."""

from __future__ import annotations

import os

from argosy.build.bake import hcl, jsonfiles
from argosy.build.bake.evaluate import Scope, evaluate, kind, number
from argosy.build.bake.expressions import BakeError, Block, ListOf, Place, Variable
from argosy.build.bake.functions import FUNCTIONS
from argosy.build.dockerfile.errors import near
from argosy.errors import ArgosyError, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

DEFAULT_FILES = ("docker-bake.json", "docker-bake.hcl", "docker-bake.override.json", "docker-bake.override.hcl")
_KINDS = ("variable", "function", "group", "target")
_KNOWN = {
    "variable": ("default", "description", "sensitive", "type"),
    "function": ("params", "variadic_params", "result"),
    "group": ("targets", "description"),
}
_TRUE = ("1", "t", "T", "true", "TRUE", "True")
_FALSE = ("0", "f", "F", "false", "FALSE", "False")


def read(paths: Iterable[str]) -> list[Block]:
    """The bodies of the files; none named means those of DEFAULT_FILES that are there.  Raises NotFound, BakeError."""
    paths = tuple(paths) or tuple(name for name in DEFAULT_FILES if os.path.exists(name))
    if not paths:
        raise NotFound(
            "bake file", DEFAULT_FILES[1], hint=f"name one with --file; looked for: {', '.join(DEFAULT_FILES)}"
        )
    return [_body(path) for path in paths]


def _body(path: str) -> Block:
    try:
        if path == "-":
            with open(0, "rb", closefd=False) as stdin:
                data = stdin.read(hcl.SIZE_LIMIT + 1)
        else:
            with open(path, "rb") as file:
                data = file.read(hcl.SIZE_LIMIT + 1)
    except OSError as error:
        raise ArgosyError(f"cannot read {path}: {str(error.strerror).lower()}") from error
    if path.endswith(".json") or (path == "-" and data.lstrip()[:1] == b"{"):
        return jsonfiles.parse(data, path)
    try:
        return hcl.parse(data.decode(), path)
    except UnicodeDecodeError as error:
        raise BakeError(Place(path, 1, 1), "it is not UTF-8") from error


class Definition:
    """What the files say.  `groups` and `targets` have their blocks by name, the first file's first."""

    def __init__(self, bodies: Iterable[Block], environ: Mapping[str, str], given: Mapping[str, str]) -> None:
        self._environ = {**environ, **given}
        self._values: dict[str, Any] = {}
        self._under_way: set[str] = set()
        self.variables: dict[str, Block] = {}
        self._attributes: dict[str, Any] = {}
        self.groups: dict[str, list[Block]] = {}
        self.targets: dict[str, list[Block]] = {}
        functions: dict[str, Callable[..., Any]] = dict(FUNCTIONS)
        self.scope = Scope(self._variable, functions, lambda: (*self.variables, *self._attributes))
        for body in bodies:
            self._attributes.update(body.attributes)
            for block in body.blocks:
                self._take(block, functions)

    def _take(self, block: Block, functions: dict[str, Callable[..., Any]]) -> None:
        if block.kind not in _KINDS:
            raise BakeError(block.place, f'unknown block "{block.kind}"{near(block.kind, _KINDS)}')
        if len(block.labels) != 1:
            raise BakeError(block.place, f"a {block.kind} has one name")
        known = _KNOWN.get(block.kind)
        for name in block.attributes if known else ():
            if name not in (known or ()):
                raise BakeError(block.place, f'a {block.kind} has no "{name}"{near(name, known or ())}')
        (name,) = block.labels
        if block.kind == "variable":
            self.variables[name] = block
        elif block.kind == "function":
            functions[name] = self._function(block, name)
        else:
            (self.groups if block.kind == "group" else self.targets).setdefault(name, []).append(block)

    def _variable(self, name: str) -> Any:
        if name in self._values:
            return self._values[name]
        block, attribute = self.variables.get(name), self._attributes.get(name)
        if block is None and attribute is None:
            if name == "BAKE_LOCAL_PLATFORM":
                from argosy.oci import platform

                return str(platform.host())
            if name == "BAKE_CMD_CONTEXT":
                return "cwd://"
            raise KeyError(name)
        place = block.place if block is not None else attribute.place  # type: ignore[union-attr]  # one is there
        if name in self._under_way:
            raise BakeError(place, f'the variable "{name}" depends on itself')
        self._under_way.add(name)
        try:
            node = block.attributes.get("default") if block is not None else attribute
            value = None if node is None else evaluate(node, self.scope)
        finally:
            self._under_way.discard(name)
        if block is not None and name in self._environ:
            value = _typed(self._environ[name], value, name, place)
        if block is not None:
            self._validate(block, name, value)
        self._values[name] = value
        return value

    def _validate(self, block: Block, name: str, value: Any) -> None:
        for inner in block.blocks:
            if inner.kind != "validation" or "condition" not in inner.attributes:
                raise BakeError(inner.place, f'a variable has no block "{inner.kind}", or it has no condition')
            scope = self.scope.within({name: value})
            if evaluate(inner.attributes["condition"], scope) is not True:
                said = inner.attributes.get("error_message")
                why = evaluate(said, scope) if said is not None else f"its value is {value!r}"
                raise BakeError(inner.place, f'the variable "{name}" is not valid: {why}')

    def _function(self, block: Block, name: str) -> Callable[..., Any]:
        params, result = block.attributes.get("params"), block.attributes.get("result")
        if not isinstance(params, ListOf) or result is None:
            raise BakeError(block.place, f'the function "{name}" needs params and result')
        if not all(isinstance(param, Variable) for param in params.items):
            raise BakeError(params.place, "params is a list of names")
        names = [param.name for param in params.items]
        rest = block.attributes.get("variadic_params")

        def call(*arguments: Any) -> Any:
            if len(arguments) < len(names) or (rest is None and len(arguments) > len(names)):
                raise TypeError(f"it takes {len(names)} arguments, and got {len(arguments)}")
            given = dict(zip(names, arguments, strict=False))
            if isinstance(rest, Variable):
                given[rest.name] = list(arguments[len(names) :])
            return evaluate(result, self.scope.within(given))

        return call


def _typed(text: str, default: Any, name: str, place: Place) -> Any:
    """A variable of the environment, as its default is."""
    if isinstance(default, bool):
        if text not in (*_TRUE, *_FALSE):
            raise BakeError(place, f"{name}={text} in the environment is neither true nor false")
        return text in _TRUE
    if isinstance(default, (int, float)):
        return number(text, place)
    if isinstance(default, list):
        return [part.strip() for part in text.split(",")] if text else []
    if isinstance(default, dict):
        raise BakeError(place, f"{kind(default)} cannot be given in the environment")
    return text

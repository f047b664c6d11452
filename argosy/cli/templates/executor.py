"""A parsed template and data to text."""

from __future__ import annotations

from argosy.cli.flags import quoted
from argosy.cli.templates import values
from argosy.cli.templates.functions import FUNCTIONS, LAZY, Function
from argosy.cli.templates.lexer import TemplateError
from argosy.cli.templates.parser import Node, Operand, Parser, Pipeline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

_MAX_DEPTH = 100_000  # templates that call themselves; Go's limit
_LONGEST_OUTPUT = 64 << 20  # characters; all is evaluated before anything is written
_ABSENT = object()


class _Break(Exception):
    pass


class _Continue(Exception):
    pass


class Executor:
    """One run of a template over `data`, whose Go type is called `type_name` in messages."""

    def __init__(self, parsed: Parser, data: object, type_name: str) -> None:
        self._parsed = parsed
        self._data = data
        self._type_name = type_name
        self._out: list[str] = []
        self._length = 0
        self._variables: list[tuple[str, object]] = [("$", data)]
        self._name = parsed.name
        self._depth = 0

    def run(self) -> str:
        """The text.  Raises TemplateError where the template does not fit the data."""
        self._nodes(self._parsed.body, self._data)
        return "".join(self._out)

    def _fail(self, message: str, at: int, shown: str) -> TemplateError:
        text = self._parsed.text
        line = text.count("\n", 0, at) + 1
        column = at - (text.rfind("\n", 0, at) + 1)
        return TemplateError(
            f"template: {self._parsed.name}:{line}:{column}: executing {quoted(self._name)} at <{shown}>: {message}"
        )

    def _write(self, text: str) -> None:
        self._out.append(text)
        self._length += len(text)
        if self._length > _LONGEST_OUTPUT:
            name = self._parsed.name
            raise TemplateError(f"template: {name}: the output is longer than {_LONGEST_OUTPUT >> 20} MiB")

    def _nodes(self, nodes: Iterable[Node], dot: object) -> None:
        for node in nodes:
            if node.kind == "text":
                self._write(node.text)
            elif node.kind == "break":
                raise _Break
            elif node.kind == "continue":
                raise _Continue
            elif node.kind == "template":
                self._template(node, dot)
            elif node.kind == "action":
                self._action(node, dot)
            else:
                self._scoped(node, dot)

    def _action(self, node: Node, dot: object) -> None:
        assert node.pipeline is not None
        value = self._pipeline(node.pipeline, dot)
        if not node.pipeline.variables:
            self._write(values.text(value))

    def _scoped(self, node: Node, dot: object) -> None:
        scope = len(self._variables)
        try:
            if node.kind == "range":
                self._range(node, dot)
                return
            assert node.pipeline is not None
            value = self._pipeline(node.pipeline, dot)
            if values.truth(value):
                self._nodes(node.body, value if node.kind == "with" else dot)
            else:
                self._nodes(node.otherwise, dot)
        finally:
            del self._variables[scope:]

    def _range(self, node: Node, dot: object) -> None:
        pipeline = node.pipeline
        assert pipeline is not None
        pairs = self._pairs(self._pipeline(pipeline.replace(variables=()), dot), pipeline)
        scope = len(self._variables)
        for pair in pairs:
            for name, one in zip(pipeline.variables, pair[2 - len(pipeline.variables) :], strict=True):
                self._set(name, one, assign=pipeline.assigns)
            try:
                self._nodes(node.body, pair[1])
            except _Continue:
                pass
            except _Break:
                break
            finally:
                del self._variables[scope:]
        if not pairs:
            self._nodes(node.otherwise, dot)

    def _pairs(self, value: object, pipeline: Pipeline) -> list[tuple[object, object]]:
        if isinstance(value, values.Map):
            return [(key, value[key]) for key in sorted(value)]
        if isinstance(value, (list, tuple)):
            return list(enumerate(value))
        if value is None or value is values.NIL:
            return []
        raise self._fail(f"range can't iterate over {values.text(value)}", pipeline.at, pipeline.text)

    def _template(self, node: Node, dot: object) -> None:
        body = self._parsed.defined.get(node.text)
        shown = f"{{{{template {quoted(node.text)}}}}}"
        if body is None:
            raise self._fail(f"template {quoted(node.text)} not defined", node.at, shown)
        if self._depth >= _MAX_DEPTH:
            raise self._fail(f"exceeded maximum template depth ({_MAX_DEPTH})", node.at, shown)
        data = None if node.pipeline is None else self._pipeline(node.pipeline, dot)
        outer = self._variables, self._name
        self._variables, self._name = [("$", data)], node.text
        self._depth += 1
        self._nodes(body, data)
        self._depth -= 1
        self._variables, self._name = outer

    def _set(self, name: str, value: object, *, assign: bool) -> None:
        if assign:
            place = max(at for at, (known, _) in enumerate(self._variables) if known == name)
            self._variables[place] = (name, value)
        else:
            self._variables.append((name, value))

    def _pipeline(self, pipeline: Pipeline, dot: object) -> object:
        value: object = _ABSENT
        for command in pipeline.commands:
            value = self._command(command, dot, value)
        for name in pipeline.variables:
            self._set(name, value, assign=pipeline.assigns)
        return value

    def _command(self, command: Sequence[Operand], dot: object, final: object) -> object:
        first, rest = command[0], command[1:]
        if first.kind == "name":
            return self._fields(self._call(command, dot, final), first)
        if first.kind == "nil":
            raise self._fail("nil is not a command", first.at, "nil")
        value = self._value(first, dot)
        if isinstance(value, values.Method):
            return self._invoke(value, command, dot, final)
        if rest or final is not _ABSENT:
            if first.kind in ("field", "variable") and first.fields:
                message = f"{first.fields[-1]} has arguments but cannot be invoked as function"
            else:
                message = f"can't give argument to non-function {first.text}"
            raise self._fail(message, first.at, first.text)
        return value

    def _operand(self, operand: Operand, dot: object) -> object:
        """The value of a word that is an argument."""
        value = self._value(operand, dot)
        return self._invoke(value, (operand,), dot, _ABSENT) if isinstance(value, values.Method) else value

    def _value(self, operand: Operand, dot: object) -> object:
        """The value of a word that stands alone; a method is not called yet."""
        if operand.kind == "name":
            return self._fields(self._call((operand,), dot, _ABSENT), operand)
        if operand.kind in ("constant", "nil"):
            return operand.value
        if operand.kind == "dot":
            return dot
        if operand.kind == "pipe":
            assert isinstance(operand.value, Pipeline)
            return self._fields(self._pipeline(operand.value, dot), operand)
        if operand.kind == "variable":
            value = next(value for name, value in reversed(self._variables) if name == operand.value)
            return self._fields(value, operand)
        return self._fields(dot, operand)

    def _invoke(self, method: values.Method, command: Sequence[Operand], dot: object, final: object) -> object:
        """Call a method with the words behind it and what the pipeline brings."""
        first, *rest = command
        given = [self._operand(operand, dot) for operand in rest] + ([] if final is _ABSENT else [final])
        if len(given) != 1:
            name = first.fields[-1]
            raise self._fail(f"wrong number of args for {name}: want 1 got {len(given)}", first.at, first.text)
        word = rest[0] if rest else first
        self._check(given[0], "string", word.at, word.text, constant=word.kind == "constant")
        return method.call(str(given[0]))

    def _fields(self, value: object, operand: Operand) -> object:
        for name in operand.fields:
            value = self._field(value, name, operand)
        return value

    def _field(self, value: object, name: str, operand: Operand) -> object:
        if value is None:
            return None
        if value is values.NIL:
            raise self._fail(f"nil pointer evaluating *struct.{name}", operand.at, operand.text)
        if isinstance(value, values.Map):
            return value.get(name)
        if isinstance(value, dict):
            found = value.get(name, _ABSENT)
            if found is _ABSENT and isinstance(value, values.Struct):
                found = value.methods.get(name, _ABSENT)
            if found is _ABSENT:
                found = _other_case(value, name)
            if found is not _ABSENT:
                return found() if callable(found) else found
        elif isinstance(value, Heading):
            return value.below(name)
        elif name in getattr(value, "methods", ()):
            return value.methods[name]  # type: ignore[attr-defined]  # of a moment
        shown = self._type_name if value is self._data and self._type_name else values.type_name(value)
        raise self._fail(f"can't evaluate field {name} in type {shown}", operand.at, operand.text)

    def _call(self, command: Sequence[Operand], dot: object, final: object) -> object:
        name, at = str(command[0].value), command[0].at
        function: Function = FUNCTIONS[name]
        count = len(command) - 1 + (final is not _ABSENT)
        least = len(function.parameters)
        if count < least or (count > least and not function.more):
            wanted = f"at least {least}" if function.more else str(least)
            raise self._fail(f"wrong number of args for {name}: want {wanted} got {count}", at, name)
        if name in LAZY:
            return self._lazy(name, command[1:], dot, final)
        shown = self._parsed.text[at : command[-1].end]
        given: list[Any] = []
        for position, operand in enumerate(command[1:]):
            value = self._operand(operand, dot)
            self._check(
                value, _parameter(function, position), operand.at, operand.text, constant=operand.kind == "constant"
            )
            given.append(value)
        if final is not _ABSENT:
            self._check(final, _parameter(function, len(given)), at, shown)
            given.append(final)
        try:
            return function.call(*given)
        except (ValueError, TypeError, OverflowError) as error:
            raise self._fail(f"error calling {name}: {error}", at, shown) from error

    def _lazy(self, name: str, operands: Sequence[Operand], dot: object, final: object) -> object:
        value: object = None
        for operand in operands:
            value = self._operand(operand, dot)
            if values.truth(value) == (name == "or"):
                return value
        return value if final is _ABSENT else final

    def _check(self, value: object, wanted: str, at: int, shown: str, *, constant: bool = False) -> None:
        if wanted == "any":
            return
        fits = {
            "string": isinstance(value, str),
            "int": isinstance(value, int) and not isinstance(value, bool),
            "[]string": isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value),
        }[wanted]
        if not fits:
            message = f"wrong type for value; expected {wanted}; got {values.type_name(value)}"
            if value is None:
                message = f"cannot assign nil to {wanted}"
            elif constant and wanted.startswith("["):
                message = f"can't handle {shown} for arg of type {wanted}"
            elif constant:
                message = f"expected {'integer' if wanted == 'int' else wanted}; found {shown}"
            raise self._fail(message, at, shown)


class Heading(str):
    """The heading of a field; fields of it are headings too."""

    __slots__ = ()

    def below(self, name: str) -> Heading:
        """The heading of a field within this one."""
        return Heading(f"{self}.{heading(name)}")


def heading(name: str) -> str:
    """What podman makes of a field's name where it has no heading for it: `CreatedAt` gives `CREATED AT`."""
    out = ""
    for position, char in enumerate(name):
        after_lower = position > 0 and char.isupper() and not name[position - 1].isupper()
        before_lower = position > 0 and char.isupper() and name[position + 1 : position + 2].islower()
        out += " " + char if after_lower or before_lower else char
    return out.upper()


def _parameter(function: Function, position: int) -> str:
    return function.parameters[position] if position < len(function.parameters) else function.more


def _other_case(value: dict[str, Any], name: str) -> object:
    """The one field that differs from `name` in case alone: the peers disagree on Id and ID, Cpu and CPU.

    Or in how it joins words: Go's field CreatedBy is created_by in the specification's JSON.
    """
    found = [key for key in value if key.replace("_", "").lower() == name.lower()]
    return value[found[0]] if len(found) == 1 else _ABSENT

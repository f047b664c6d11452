"""HCL as bake files use it (hashicorp/hcl, hclsyntax/spec.md): attributes, blocks, expressions and templates.

Strict: what is not understood is an error with its position.  Template directives (`%{if}`) are not known.
"""

from __future__ import annotations

from argosy.build.bake.expressions import (
    BakeError,
    Block,
    Call,
    Conditional,
    For,
    Index,
    ListOf,
    Literal,
    ObjectOf,
    Operation,
    Place,
    Splat,
    Variable,
)
from argosy.build.bake.scanner import Scanner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

SIZE_LIMIT = 4 << 20
_DEPTH_LIMIT = 40
_CHAIN_LIMIT = 100  # of operators on one level, and of keys behind a value
# Operators that take two operands, those that bind least first.
_LEVELS = (("||",), ("&&",), ("==", "!="), ("<=", ">=", "<", ">"), ("+", "-"), ("*", "/", "%"))
_CONSTANTS = {"true": True, "false": False, "null": None}


def parse(text: str, path: str) -> Block:
    """The body of a file.  Raises BakeError."""
    if len(text) > SIZE_LIMIT:
        raise BakeError(Place(path, 1, 1), f"the file has more than {SIZE_LIMIT >> 20} MiB")
    return _Parser(text, path).file()


def template(text: str, path: str, line: int = 1) -> Any:
    """A string of a JSON file, which is a template without quotes."""
    parser = _Parser(text, path, line)
    return parser.template_text()


class _Parser(Scanner):
    def __init__(self, text: str, path: str, line: int = 1) -> None:
        super().__init__(text, path, line)
        self._depth = 0

    # Bodies.

    def file(self) -> Block:
        """The whole file as a block without a kind."""
        return self._body(Place(self._path, 1, 1), "", (), ends="")

    def _body(self, place: Place, kind: str, labels: tuple[str, ...], *, ends: str) -> Block:
        attributes: dict[str, Any] = {}
        blocks: list[Block] = []
        while True:
            self._blank(lines=True)
            if ends and self._next() == ends:
                self._at += 1
                return Block(kind, labels, place, attributes, tuple(blocks))
            if self._at >= len(self._text):
                if ends:
                    raise BakeError(place, f"the block {kind} is not closed")
                return Block(kind, labels, place, attributes, tuple(blocks))
            self._entry(attributes, blocks)

    def _entry(self, attributes: dict[str, Any], blocks: list[Block]) -> None:
        place = self._place()
        name = self._word()
        if not name:
            raise self._fail(f"expected a name, found {self._next()}")
        self._blank(lines=False)
        if self._next() == "=" and self._next(2) != "==":
            self._at += 1
            if name in attributes:
                raise BakeError(place, f"{name} is set a second time")
            attributes[name] = self.expression()
            self._end_of_line()
            return
        labels = []
        while self._next() != "{":
            label = self._word()
            if not label and self._next() == '"':
                value = self._quoted()
                if not isinstance(value, Literal):
                    raise self._fail("a label cannot hold ${}")
                label = value.value
            if not label:
                raise self._fail(f"expected = or {{ behind {name}")
            labels.append(label)
            self._blank(lines=False)
        self._at += 1
        inside, self._inside = self._inside, 0
        self._go_deeper()
        blocks.append(self._body(place, name, tuple(labels), ends="}"))
        self._depth -= 1
        self._inside = inside
        self._end_of_line()

    def _end_of_line(self) -> None:
        self._blank(lines=False)
        if self._at < len(self._text) and self._next() not in ("\n", "}"):
            raise self._fail(f"expected the end of the line, found {self._next()}")

    # Expressions.

    def expression(self) -> Any:
        self._go_deeper()
        self._blank()
        place = self._place()
        found = self._binary(0)
        if self._take("?"):
            yes = self.expression()
            self._expect(":")
            found = Conditional(place, found, yes, self.expression())
        self._depth -= 1
        return found

    def _go_deeper(self) -> None:
        self._depth += 1
        if self._depth > _DEPTH_LIMIT:
            raise self._fail(f"expressions are nested more than {_DEPTH_LIMIT} deep")

    def _binary(self, level: int) -> Any:
        if level == len(_LEVELS):
            return self._unary()
        place = self._place()
        found = self._binary(level + 1)
        for _ in range(_CHAIN_LIMIT):
            self._blank()
            operator = next((one for one in _LEVELS[level] if self._text.startswith(one, self._at)), "")
            if not operator:
                return found
            self._at += len(operator)
            self._blank()
            found = Operation(place, operator, (found, self._binary(level + 1)))
        raise self._fail(f"more than {_CHAIN_LIMIT} operators in one expression")

    def _unary(self) -> Any:
        self._blank()
        place = self._place()
        if self._next() in ("!", "-"):
            operator = self._next()
            self._at += 1
            self._go_deeper()
            found = Operation(place, operator, (self._unary(),))
            self._depth -= 1
            return found
        return self._behind(self._term())

    def _behind(self, found: Any) -> Any:
        """`[key]`, `.name` and splats behind a term."""
        for _ in range(_CHAIN_LIMIT):
            place = self._place()
            if self._next() == "[":
                self._at += 1
                if self._within(lambda: self._take("*")):
                    self._expect("]")
                    found = Splat(place, found, self._splat_path())
                    continue
                found = Index(place, found, self._bracketed(self.expression, "]"))
            elif self._next() == "." and self._next(3) != "...":
                self._at += 1
                if self._next() == "*":
                    self._at += 1
                    found = Splat(place, found, self._splat_path())
                    continue
                found = Index(place, found, self._key())
            else:
                return found
        raise self._fail(f"more than {_CHAIN_LIMIT} keys behind one value")

    def _splat_path(self) -> tuple[Any, ...]:
        path = []
        while self._next() == ".":
            self._at += 1
            path.append(self._key())
        return tuple(path)

    def _key(self) -> Literal:
        place = self._place()
        start = self._at
        name = self._word()
        if not name:
            while self._next().isdigit():
                self._at += 1
            if self._at == start:
                raise self._fail("expected a name behind the dot")
            return Literal(place, int(self._text[start : self._at]))
        return Literal(place, name)

    def _bracketed(self, read: Callable[[], Any], end: str) -> Any:
        """What `read` gives, up to the closing bracket; lines may end within."""

        def whole() -> Any:
            found = read()
            self._expect(end)
            return found

        return self._within(whole)

    def _term(self) -> Any:
        place = self._place()
        char = self._next()
        if char == '"':
            return self._quoted()
        if self._next(2) == "<<":
            return self._heredoc()
        if char.isdigit():
            return self._number()
        if char == "(":
            self._at += 1
            return self._bracketed(self.expression, ")")
        if char == "[":
            self._at += 1
            return self._within(lambda: self._list(place))
        if char == "{":
            self._at += 1
            return self._within(lambda: self._object(place))
        name = self._word()
        if not name:
            found = "the end of the file" if not char else "the end of the line" if char == "\n" else char
            raise self._fail(f"expected a value, found {found}")
        if name in _CONSTANTS:
            return Literal(place, _CONSTANTS[name])
        if self._next() == "(":
            self._at += 1
            return self._within(lambda: self._call(place, name))
        return Variable(place, name)

    def _number(self) -> Literal:
        place = self._place()
        start = self._at
        while self._next() and (self._next().isdigit() or self._next() in ".eE"):
            self._at += 2 if self._next() in "eE" and self._next(2)[1:] in ("+", "-") else 1
        text = self._text[start : self._at]
        try:
            return Literal(place, int(text) if text.isdigit() else float(text))
        except ValueError:
            raise BakeError(place, f"{text} is no number") from None

    def _call(self, place: Place, name: str) -> Call:
        arguments = []
        expands = False
        while not self._take(")"):
            arguments.append(self.expression())
            expands = self._take("...")
            if not self._take(","):
                self._expect(")")
                break
        return Call(place, name, tuple(arguments), expands)

    def _list(self, place: Place) -> Any:
        if self._is_for():
            return self._for(place, "]")
        items = []
        while not self._take("]"):
            items.append(self.expression())
            if not self._take(","):
                self._expect("]")
                break
        return ListOf(place, tuple(items))

    def _object(self, place: Place) -> Any:
        if self._is_for():
            return self._for(place, "}")
        pairs: list[tuple[Any, Any]] = []
        while True:
            self._blank(lines=True)
            if self._take("}"):
                return ObjectOf(place, tuple(pairs))
            key = self._object_key()
            if not self._take("="):
                self._expect(":")
            inside, self._inside = self._inside, 0  # the end of a line ends a pair
            value = self.expression()
            self._blank()
            self._inside = inside
            pairs.append((key, value))
            if self._next() not in (",", "\n", "}"):
                raise self._fail(f"expected , or }}, found {self._next() or 'the end of the file'}")
            self._at += self._next() == ","

    def _object_key(self) -> Any:
        place = self._place()
        if self._next() == "(":
            self._at += 1
            return self._bracketed(self.expression, ")")
        if self._next() == '"':
            return self._quoted()
        start = self._at
        while self._next() and (self._next().isalnum() or self._next() in "_-."):
            self._at += 1
        if self._at == start:
            raise self._fail(f"expected a key, found {self._next() or 'the end of the file'}")
        return Literal(place, self._text[start : self._at])

    def _is_for(self) -> bool:
        self._blank(lines=True)
        return self._text.startswith("for", self._at) and self._text[self._at + 3 : self._at + 4].isspace()

    def _for(self, place: Place, end: str) -> For:
        self._at += 3
        self._blank()
        names = [self._word()]
        if self._take(","):
            self._blank()
            names.append(self._word())
        if not all(names):
            raise self._fail("expected a name behind for")
        self._expect("in")
        source = self.expression()
        self._expect(":")
        key, item = None, self.expression()
        groups = False
        if end == "}":
            self._expect("=>")
            key, item = item, self.expression()
            groups = self._take("...")
        condition = self.expression() if self._take("if") else None
        self._expect(end)
        return For(place, tuple(names), source, key, item, condition, groups)

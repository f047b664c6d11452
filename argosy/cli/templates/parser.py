"""Tokens to a tree: what a template says, before any data is seen."""

from __future__ import annotations

from argosy.cli.flags import quoted
from argosy.cli.templates.lexer import Lexer, TemplateError, Token
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container


class Operand(Value):
    """A word of a command: `kind` is dot, field, variable, name, constant, nil or pipe; `fields` stand behind it.

    `at` is where Go's messages place it, `end` where its text ends.
    """

    kind: str
    at: int
    end: int
    text: str
    value: object = None
    fields: tuple[str, ...] = ()


class Pipeline(Value):
    """Commands joined by `|`, and the variables (one, or two in a range) that are declared or set to the result."""

    at: int
    text: str
    commands: tuple[tuple[Operand, ...], ...]
    variables: tuple[str, ...] = ()
    assigns: bool = False


class Node(Value):
    """A piece of a template: `kind` is text, action, if, with, range, template, break or continue."""

    kind: str
    at: int
    text: str = ""
    pipeline: Pipeline | None = None
    body: tuple[Node, ...] = ()
    otherwise: tuple[Node, ...] = ()


class Parser:
    """Parses one text; afterwards `body` is the template and `defined` holds those that it defines by name."""

    def __init__(self, text: str, name: str, functions: Container[str]) -> None:
        self._lexer = Lexer(text, name)
        self._tokens = self._lexer.tokens
        self._next = 0
        self._functions = functions
        self._variables = ["$"]
        self._loops = 0
        self.name = name
        self.text = text
        self.defined: dict[str, tuple[Node, ...]] = {}
        self.body, word = self._list(top=True)
        if word is not None:
            raise self._fail(f"unexpected {{{{{word.text}}}}}", word)

    def _fail(self, message: str, token: Token | None = None) -> TemplateError:
        return self._lexer.fail(message, token.at if token else len(self.text))

    def _take(self) -> Token:
        if self._next >= len(self._tokens):
            raise self._fail("unexpected EOF")
        self._next += 1
        return self._tokens[self._next - 1]

    def _peek(self, ahead: int = 0) -> Token:
        return self._tokens[self._next + ahead]  # an action always ends with a close token

    def _list(self, *, top: bool = False) -> tuple[tuple[Node, ...], Token | None]:
        """Nodes up to `{{end}}` or `{{else`, whose keyword is returned; up to the end of the text for the top."""
        nodes: list[Node] = []
        while self._next < len(self._tokens):
            token = self._take()
            if token.kind == "text":
                nodes.append(Node("text", token.at, token.text))
                continue
            word = self._peek()
            if word.kind == "keyword" and word.text in ("end", "else"):
                self._take()
                return tuple(nodes), word
            if word.kind == "keyword" and word.text != "nil":
                nodes += self._control(self._take(), top=top)
            else:
                pipeline = self._pipeline("command")
                nodes.append(Node("action", pipeline.at, pipeline=pipeline))
        if not top:
            raise self._fail("unexpected EOF")
        return tuple(nodes), None

    def _control(self, word: Token, *, top: bool) -> list[Node]:
        if word.text in ("if", "with", "range"):
            return [self._branch(word)]
        if word.text in ("break", "continue"):
            if not self._loops:
                raise self._fail(f"{{{{{word.text}}}}} outside {{{{range}}}}", word)
            self._close(word.text)
            return [Node(word.text, word.at)]
        name = self._take()
        if name.kind != "constant" or not isinstance(name.value, str):
            raise self._fail(f"unexpected {_shown(name)} in {word.text} clause", name)
        if word.text == "define":
            if not top:
                raise self._fail("unexpected {{define}}", word)
            self._close("define clause")
            self._define(name.value)
            return []
        closed = self._peek().kind == "close"
        pipeline = None if closed and word.text == "template" else self._pipeline(word.text)
        if pipeline is None:
            self._take()
        if word.text == "block":
            self._define(name.value)
        return [Node("template", name.at, name.value, pipeline)]

    def _define(self, name: str) -> None:
        outer, self._variables = self._variables, ["$"]
        loops, self._loops = self._loops, 0
        self.defined[name] = self._body()
        self._variables, self._loops = outer, loops

    def _body(self) -> tuple[Node, ...]:
        body, word = self._list()
        if word is None or word.text != "end":
            raise self._fail("expected end; found {{else}}", word)
        self._close("end")
        return body

    def _branch(self, word: Token) -> Node:
        scope = len(self._variables)
        pipeline = self._pipeline(word.text)
        self._loops += word.text == "range"
        body, end = self._list()
        self._loops -= word.text == "range"
        otherwise: tuple[Node, ...] = ()
        if end is not None and end.text == "else":
            otherwise = self._else(word)
        else:
            self._close("end")
        del self._variables[scope:]
        return Node(word.text, word.at, "", pipeline, body, otherwise)

    def _else(self, word: Token) -> tuple[Node, ...]:
        following = self._peek()
        if following.text == word.text and word.text in ("if", "with"):
            return (self._branch(self._take()),)  # shares the one {{end}}
        self._close("else")
        return self._body()

    def _close(self, context: str) -> None:
        token = self._take()
        if token.kind != "close":
            raise self._fail(f"unexpected {_shown(token)} in {context}", token)

    def _pipeline(self, context: str, end: str = "close") -> Pipeline:
        start = self._peek()
        variables, assigns = self._declaration(context)
        commands = []
        while True:
            commands.append(self._command(context, end))
            if self._take().kind == end:
                break
            if self._peek().kind in (end, "|"):
                raise self._fail(f"missing value for {context}", self._peek())
        for position, command in enumerate(commands[1:], 2):
            if command[0].kind in ("constant", "nil", "dot"):
                raise self._lexer.fail(f"non executable command in pipeline stage {position}", command[0].at)
        if not assigns:
            self._variables += variables
        text = self.text[start.at : self._tokens[self._next - 2].end]
        return Pipeline(start.at, text, tuple(commands), variables, assigns)

    def _declaration(self, context: str) -> tuple[tuple[str, ...], bool]:
        first = self._peek()
        if first.kind != "variable":
            return (), False
        mark = self._peek(1)
        if mark.kind in (":=", "="):
            self._next += 2
            if mark.kind == "=":
                self._known(first)
            return (first.text,), mark.kind == "="
        if mark.kind == "," and self._peek(2).kind == "variable" and (context != "range" or self._peek(3).kind == ","):
            raise self._fail(f"too many declarations in {context}", first)
        if context == "range" and mark.kind == "," and self._peek(2).kind == "variable":
            second, mark = self._peek(2), self._peek(3)
            if mark.kind not in (":=", "="):
                raise self._fail("range can only initialize variables", first)
            self._next += 4
            return (first.text, second.text), mark.kind == "="
        return (), False

    def _known(self, token: Token) -> None:
        if token.text not in self._variables:
            raise self._fail(f"undefined variable {quoted(token.text)}", token)

    def _command(self, context: str, end: str) -> tuple[Operand, ...]:
        operands: list[Operand] = []
        while self._peek().kind not in (end, "|"):
            token = self._take()
            if operands and not token.spaced:
                raise self._fail(f"unexpected {_shown(token)} in operand", token)
            operands.append(self._operand(token, context))
        if not operands and self._peek().kind == "|":
            raise self._fail(f'unexpected "|" in {context}', self._peek())
        if not operands:
            raise self._fail(f"missing value for {context}", self._peek())
        return tuple(operands)

    def _operand(self, token: Token, context: str) -> Operand:
        kind, value = token.kind, token.value
        fields: list[str] = []
        if kind == "field":
            fields = [token.text[1:]]
        elif kind == "variable":
            self._known(token)
            value = token.text
        elif kind == "name":
            if token.text not in self._functions:
                raise self._fail(f"function {quoted(token.text)} not defined", token)
            value = token.text
        elif kind == "(":
            kind, value = "pipe", self._pipeline("parenthesized pipeline", ")")
        elif kind == "keyword" and token.text == "nil":
            kind = "nil"
        elif kind not in ("dot", "constant"):
            raise self._fail(f"unexpected {_shown(token)} in {context}", token)
        at = token.at
        while self._peek().kind == "field" and not self._peek().spaced:
            if kind in ("constant", "nil", "dot"):
                raise self._fail(f"unexpected . after term {quoted(token.text)}", token)
            following = self._take()
            at = following.at if at == token.at else at  # Go's parser places a chain of fields at its second word
            fields.append(following.text[1:])
        end = self._tokens[self._next - 1].end
        return Operand(kind, at, end, self.text[token.at : end], value, tuple(fields))


def _shown(token: Token) -> str:
    """The token as Go's parser quotes it."""
    return f"<{token.text}>" if token.kind in ("keyword", "dot") else quoted(token.text)

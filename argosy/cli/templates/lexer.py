"""Template text to tokens, by the rules of Go's text/template/parse."""

from __future__ import annotations

from argosy.cli.flags import quoted
from argosy.errors import ArgosyError
from argosy.values import Value

KEYWORDS = ("block", "break", "continue", "define", "else", "end", "if", "nil", "range", "template", "with")
_SPACES = " \t\r\n"
_SIMPLE_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_SMALLEST, _LARGEST = -(1 << 63), (1 << 63) - 1  # Go's int
_DEEPEST = 1000  # parentheses; each level keeps its text for messages
_NUMBERED_ESCAPES = {"x": 2, "u": 4, "U": 8}


class TemplateError(ArgosyError):
    """A template that cannot be parsed, or does not fit the data."""


class Token(Value):
    """`kind` is text, open, close, field, dot, variable, name, keyword, constant, or the mark itself (`|`, `:=`)."""

    kind: str
    text: str
    at: int
    end: int
    value: object = None
    spaced: bool = False  # blanks stood before it


class Lexer:
    """Walks over the template once; `tokens` is all of it."""

    def __init__(self, text: str, name: str) -> None:
        self.text = text
        self.name = name
        self.tokens: list[Token] = []
        self._at = 0
        self._depth = 0
        while self._at < len(text):
            self._literal()

    def fail(self, message: str, at: int) -> TemplateError:
        """The error for the place `at`, in the words that Go's parser has for it."""
        return TemplateError(f"template: {self.name}:{self.text.count(chr(10), 0, at) + 1}: {message}")

    def _literal(self) -> None:
        """Text up to the next action, trimmed where the actions beside it say so, then that action."""
        start = self._at
        at = self.text.find("{{", start)
        end = len(self.text) if at < 0 else at
        literal = self.text[start:end]
        trim = at >= 0 and self.text[at + 2 : at + 3] == "-" and self.text[at + 3 : at + 4] in tuple(_SPACES)
        if trim:
            literal = literal.rstrip(_SPACES)
        if literal:
            self.tokens.append(Token("text", literal, start, end))
        self._at = end
        if at >= 0:
            self._at = at + (3 if trim else 2)
            if self.text[self._at :].lstrip(_SPACES if trim else "").startswith("/*"):
                self._comment()
            else:
                self.tokens.append(Token("open", "{{", at, self._at))
                self._action()

    def _comment(self) -> None:
        close = self.text.find("*/", self._at)
        if close < 0:
            raise self.fail("unclosed comment", self._at)
        self._at = close + 2
        if not self._close():
            raise self.fail("comment ends before closing delimiter", self._at)

    def _close(self) -> bool:
        """Step over `}}` or ` -}}` (and then the blanks after it), if that is next."""
        rest = self.text[self._at : self._at + 4]
        if rest.startswith("}}"):
            self._at += 2
            return True
        if rest[:1] in tuple(_SPACES) and rest[1:] == "-}}":
            self._at += 4
            while self.text[self._at : self._at + 1] in tuple(_SPACES):
                self._at += 1
            return True
        return False

    def _action(self) -> None:
        opened = self._at
        self._depth = 0
        spaced = False
        while True:
            at = self._at
            if self._close():
                if self._depth:
                    raise self.fail("unclosed left paren", at)
                self.tokens.append(Token("close", "}}", at, self._at))
                return
            if at >= len(self.text):
                raise self.fail("unclosed action", opened)
            if self.text[at] in _SPACES:
                self._at += 1
                spaced = True
                continue
            self.tokens.append(self._token(at).replace(spaced=spaced))
            spaced = False

    def _token(self, at: int) -> Token:
        char = self.text[at]
        following = self.text[at + 1 : at + 2]
        if char in "\"'`":
            return self._quoted(at, char)
        if _is_digit(char) or (char in "+-." and _is_digit(following)):
            return self._number(at)
        if char in ".$" or char == "_" or char.isalpha():
            return self._word(at, char)
        if self.text.startswith(":=", at):
            return self._mark(":=", at)
        if char in "|=,()":
            self._depth += {"(": 1, ")": -1}.get(char, 0)
            if self._depth > _DEEPEST:
                raise self.fail(f"more than {_DEEPEST} parentheses within each other", at)
            if self._depth < 0:
                raise self.fail('unexpected ")" in command', at)
            return self._mark(char, at)
        raise self.fail(f"unexpected {quoted(char)} in command" if char.isprintable() else "bad character", at)

    def _mark(self, text: str, at: int) -> Token:
        self._at = at + len(text)
        return Token(text, text, at, self._at)

    def _word(self, at: int, char: str) -> Token:
        end = at + 1
        while end < len(self.text) and (self.text[end] == "_" or self.text[end].isalnum()):
            end += 1
        text = self.text[at:end]
        self._at = end
        if char == ".":
            return Token("field" if end > at + 1 else "dot", text, at, end)
        if char == "$":
            return Token("variable", text, at, end)
        if text in ("true", "false"):
            return Token("constant", text, at, end, text == "true")
        return Token("keyword" if text in KEYWORDS else "name", text, at, end)

    def _number(self, at: int) -> Token:
        end = at + 1
        while end < len(self.text) and (
            self.text[end].isalnum()
            or self.text[end] in "._"
            or (self.text[end] in "+-" and self.text[end - 1] in "eE")
        ):
            end += 1
        text = self.text[at:end]
        self._at = end
        value: int | float
        try:
            octal = len(text) > 1 and text[0] == "0" and text.isdigit()
            value = int(text, 8) if octal else int(text, 0)
            if not _SMALLEST <= value <= _LARGEST:
                raise self.fail(f"integer overflow: {quoted(text)}", at)
        except ValueError:
            value = self._float(text, at)
        return Token("constant", text, at, end, value)

    def _float(self, text: str, at: int) -> float:
        hexadecimal = text.lstrip("+-")[:2] in ("0x", "0X")
        try:
            value = float.fromhex(text) if hexadecimal and "p" in text.lower() else float(text)
        except (ValueError, OverflowError):
            raise self.fail(f"bad number syntax: {quoted(text)}", at) from None
        if value in (float("inf"), -float("inf")):
            raise self.fail(f"illegal number syntax: {quoted(text)}", at)
        return value

    def _quoted(self, at: int, mark: str) -> Token:
        end = at + 1
        kind = {'"': "quoted string", "'": "character constant", "`": "raw quoted string"}[mark]
        while self.text[end : end + 1] != mark:
            if end >= len(self.text) or (mark != "`" and self.text[end] == "\n"):
                raise self.fail(f"unterminated {kind}", at)
            end += 2 if self.text[end] == "\\" and mark != "`" else 1
        self._at = end + 1
        inner = self.text[at + 1 : end]
        value: str | int = inner if mark == "`" else self._unescape(inner, at)
        if mark == "'":
            if len(str(value)) != 1:
                raise self.fail(f"malformed character constant: {self.text[at : end + 1]}", at)
            value = ord(str(value))
        return Token("constant", self.text[at : end + 1], at, end + 1, value)

    def _unescape(self, text: str, at: int) -> str:
        out = bytearray()
        place = 0
        while place < len(text):
            char = text[place]
            place += 1
            if char != "\\":
                out += char.encode("utf-8", "surrogateescape")
                continue
            letter = text[place : place + 1]
            place += 1
            if letter in _SIMPLE_ESCAPES:
                out += _SIMPLE_ESCAPES[letter].encode()
            elif letter in ("\\", '"', "'"):
                out += letter.encode()
            else:
                digits = _NUMBERED_ESCAPES.get(letter, 3)
                if letter not in _NUMBERED_ESCAPES:
                    place -= 1
                out += self._numbered(letter, text[place : place + digits], digits, at)
                place += digits
        return out.decode("utf-8", "surrogateescape")

    def _numbered(self, letter: str, digits: str, count: int, at: int) -> bytes:
        try:
            if len(digits) != count:
                raise ValueError
            number = int(digits, 16 if letter in _NUMBERED_ESCAPES else 8)
            return bytes([number]) if letter not in ("u", "U") else chr(number).encode()
        except ValueError:
            raise self.fail("invalid syntax", at) from None


def _is_digit(char: str) -> bool:
    return char.isascii() and char.isdigit()

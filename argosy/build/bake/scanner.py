"""The texts of HCL: places, blanks and comments, words, and strings with what is to be replaced in them."""

from __future__ import annotations

from argosy.build.bake.expressions import BakeError, Literal, Place, Template

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}


class Scanner:
    """Reads at one place of a text, which is `_at`; the parser of expressions is built upon it."""

    def __init__(self, text: str, path: str, line: int = 1) -> None:
        self._text = text.replace("\r\n", "\n")
        self._path = path
        self._first_line = line
        self._at = 0
        self._inside = 0  # how many brackets are open: within them lines do not end anything

    # Places and blanks.

    def _place(self) -> Place:
        before = self._text[: self._at]
        return Place(self._path, self._first_line + before.count("\n"), self._at - (before.rfind("\n") + 1) + 1)

    def _fail(self, what: str) -> BakeError:
        return BakeError(self._place(), what)

    def _next(self, count: int = 1) -> str:
        return self._text[self._at : self._at + count]

    def _blank(self, *, lines: bool | None = None) -> None:
        """Pass over blanks and comments, and over ends of lines where they mean nothing."""
        lines = bool(self._inside) if lines is None else lines
        while self._at < len(self._text):
            char = self._next()
            if char in " \t" or (char == "\n" and lines):
                self._at += 1
            elif char == "#" or self._next(2) == "//":
                end = self._text.find("\n", self._at)
                self._at = len(self._text) if end < 0 else end
            elif self._next(2) == "/*":
                end = self._text.find("*/", self._at)
                if end < 0:
                    raise self._fail("a comment has no end")
                self._at = end + 2
            else:
                return

    def _take(self, text: str) -> bool:
        self._blank()
        if self._text.startswith(text, self._at):
            self._at += len(text)
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._take(text):
            found = self._next() or "the end of the file"
            shown = "the end of the line" if found == "\n" else found
            raise self._fail(f"expected {text}, found {shown}")

    def _word(self) -> str:
        start = self._at
        while self._at < len(self._text) and (self._next().isalnum() or self._next() in "_-"):
            self._at += 1
        if self._at == start or not (self._text[start].isalpha() or self._text[start] == "_"):
            self._at = start
            return ""
        return self._text[start : self._at]

    def _within(self, read: Callable[[], Any]) -> Any:
        self._inside += 1
        try:
            return read()
        finally:
            self._inside -= 1

    def expression(self) -> Any:
        """The expression that begins here."""
        raise NotImplementedError

    # Strings.

    def _quoted(self) -> Any:
        place = self._place()
        self._at += 1
        found = self._parts(place, '"')
        self._at += 1
        return found

    def template_text(self) -> Any:
        """The whole text as a template."""
        return self._parts(self._place(), "")

    def _parts(self, place: Place, end: str) -> Any:
        """Texts and expressions up to `end`, which stays; "" is the end of the text."""
        parts: list[Any] = []
        while self._at < len(self._text) or end:
            char = self._next()
            if end and char == end:
                break
            if not char or (end and char == "\n"):
                raise BakeError(place, "the string has no end")
            piece = self._piece(char, escapes=bool(end))
            if isinstance(piece, str) and parts and isinstance(parts[-1], str):
                parts[-1] += piece
            else:
                parts.append(piece)
        if all(isinstance(part, str) for part in parts):
            return Literal(place, "".join(parts))
        return Template(place, tuple(parts))

    def _piece(self, char: str, *, escapes: bool) -> Any:
        """One character, what stands for one, or an expression."""
        if char == "\\" and escapes:
            return self._escape()
        if self._next(3) in ("$${", "%%{"):
            self._at += 3
            return char + "{"
        if self._next(2) == "${":
            self._at += 2
            self._at += self._next() == "~"
            return self._within(self._interpolated)
        if self._next(2) == "%{":
            raise self._fail("template directives (%{...}) are not supported")
        self._at += 1
        return char

    def _interpolated(self) -> Any:
        found = self.expression()
        self._take("~")
        self._blank(lines=True)
        if self._next() != "}":
            raise self._fail(f"expected }}, found {self._next() or 'the end of the file'}")
        self._at += 1
        return found

    def _escape(self) -> str:
        char = self._text[self._at + 1 : self._at + 2]
        if char in _ESCAPES:
            self._at += 2
            return _ESCAPES[char]
        digits = {"u": 4, "U": 8}.get(char, 0)
        code = self._text[self._at + 2 : self._at + 2 + digits]
        try:
            if len(code) != digits or not digits:
                raise ValueError
            found = chr(int(code, 16))
        except (ValueError, OverflowError):
            raise self._fail(f"\\{char} is no escape") from None
        self._at += 2 + digits
        return found

    def _heredoc(self) -> Any:
        place = self._place()
        self._at += 2
        indented = self._next() == "-"
        self._at += indented
        mark = self._word()
        if not mark or self._next() != "\n":
            raise self._fail("expected a name and the end of the line behind <<")
        self._at += 1
        lines = []
        while True:
            end = self._text.find("\n", self._at)
            line = self._text[self._at : end if end >= 0 else len(self._text)]
            if line.strip() == mark:
                self._at += len(line)
                break
            if end < 0:
                raise BakeError(place, f"the heredoc has no end: {mark} does not come")
            lines.append(line)
            self._at = end + 1
        if indented:
            widths = [len(line) - len(line.lstrip()) for line in lines if line.strip()]
            lines = [line[min(widths, default=0) :] for line in lines]
        text = "".join(f"{line}\n" for line in lines)
        return type(self)(text, self._path, place.line + 1).template_text()

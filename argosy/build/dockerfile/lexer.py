"""A Dockerfile's bytes to statements: parser directives, comments, continuation lines and heredocs.

The rules are BuildKit's, the odd ones too: a comment line inside a statement vanishes, an empty line there vanishes
with a warning, an escape that is itself escaped continues nothing, and blanks may follow one that does.
"""

from __future__ import annotations

import re

from argosy.build.dockerfile import words
from argosy.build.dockerfile.errors import DockerfileError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from argosy.build.dockerfile.words import HeredocMark

SIZE_LIMIT = 32 << 20
_DIRECTIVES = ("syntax", "escape", "check")
_DIRECTIVE = re.compile(r"#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*")
_CONTINUED = {mark: re.compile(rf"(?:^|(?<=[^{re.escape(mark)}])){re.escape(mark)}[ \t]*$") for mark in "\\`"}
_TAKE_HEREDOCS = frozenset(("ADD", "COPY", "RUN"))


class Heredoc(Value):
    """The text of a heredoc, line ends included; `expands` and `chomps` as in HeredocMark."""

    name: str
    content: str
    expands: bool = True
    chomps: bool = False
    descriptor: int = 0

    @property
    def text(self) -> str:
        """The content as the file or the shell gets it."""
        if not self.chomps:
            return self.content
        return "".join(line.lstrip("\t") for line in self.content.splitlines(keepends=True))


class Directive(Value):
    """`# name=value` at the top of the file."""

    name: str
    value: str
    line: int


class Statement(Value):
    """An instruction before its arguments are understood.

    `keyword` is in capitals, `written` as it stands there; `text` is the whole joined line and `rest` what follows
    keyword and flags.  Lines count from 1; `comments` stand directly above.  `empty_continuation` is the line of an
    empty line within, or 0.
    """

    keyword: str
    written: str
    flags: tuple[str, ...]
    rest: str
    text: str
    line: int
    last_line: int
    heredocs: tuple[Heredoc, ...] = ()
    comments: tuple[str, ...] = ()
    empty_continuation: int = 0


class Lexed(Value):
    """A whole file."""

    statements: tuple[Statement, ...]
    directives: tuple[Directive, ...]
    escape: str


def lex(data: bytes, path: str = "Dockerfile") -> Lexed:
    """The statements of a file named `path` in errors.  Raises DockerfileError."""
    if len(data) > SIZE_LIMIT:
        raise DockerfileError(f"it is larger than {SIZE_LIMIT >> 20} MiB", path=path)
    if b"\0" in data:
        raise DockerfileError("it holds a NUL byte: this is no text", path=path)
    text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    lines = text.split("\n")
    directives = tuple(_directives(lines, path))
    escape = next((found.value for found in directives if found.name == "escape"), "\\")
    statements = tuple(_Lines(lines, escape, path).statements())
    return Lexed(statements, directives, escape)


def split_statement(text: str, escape: str) -> tuple[str, tuple[str, ...], str]:
    """Keyword as written, flags, and the rest of one joined line."""
    written, rest = words.split_first(text.strip())
    flags, rest = words.take_flags(rest, escape)
    return written, tuple(flags), rest.strip()


def _directives(lines: list[str], path: str) -> Iterator[Directive]:
    seen: set[str] = set()
    for number, line in enumerate(lines, 1):
        found = _DIRECTIVE.fullmatch(line.strip())
        if found is None or found[1].lower() not in _DIRECTIVES:
            return
        name, value = found[1].lower(), found[2]
        if name in seen:
            raise DockerfileError(f"only one {name} parser directive can be used", line=number, text=line, path=path)
        if name == "escape" and value not in _CONTINUED:
            why = f"invalid ESCAPE '{value}'. Must be ` or \\"
            raise DockerfileError(why, line=number, text=line, path=path)
        seen.add(name)
        yield Directive(name, value, number)


class _Lines:
    """Walks over the lines once."""

    def __init__(self, lines: list[str], escape: str, path: str) -> None:
        self._lines = lines
        self._next = 0
        self._escape = escape
        self._continued = _CONTINUED[escape]
        self._path = path
        self._empty = 0

    def statements(self) -> Iterator[Statement]:
        comments: list[str] = []
        while self._next < len(self._lines):
            line = self._take().lstrip()
            if line.startswith("#"):
                comment = line[1:].strip()
                comments = [*comments, comment] if comment else []
                continue
            start = self._next
            text, continues = self._without_mark(line)
            if not text and not continues:
                continue
            if continues:
                text = self._continuation(text)
            if text.strip():
                yield self._statement(text, start, tuple(comments))
                comments = []

    def _take(self) -> str:
        self._next += 1
        return self._lines[self._next - 1].removesuffix("\r")

    def _without_mark(self, line: str) -> tuple[str, bool]:
        found = self._continued.search(line)
        return (line, False) if found is None else (line[: found.start()], True)

    def _continuation(self, text: str) -> str:
        """`text` with the lines that continue it."""
        parts = [text]
        self._empty = 0
        while self._next < len(self._lines):
            line = self._take()
            bare = line.strip()
            if bare.startswith("#"):
                continue
            if not bare:
                if self._next < len(self._lines):  # what follows the last line break is no line
                    self._empty = self._empty or self._next
                continue
            line, continues = self._without_mark(line)
            parts.append(line)
            if not continues:
                break
        return "".join(parts)

    def _statement(self, text: str, start: int, comments: tuple[str, ...]) -> Statement:
        empty, self._empty = self._empty, 0
        written, flags, rest = split_statement(text, self._escape)
        try:
            heredocs = tuple(self._heredocs(written.upper(), rest, text))
        except DockerfileError as error:
            raise error.at(self._path, start, text) from None
        return Statement(
            written.upper(), written, flags, rest, text, start, self._next, heredocs, comments, empty_continuation=empty
        )

    def _heredocs(self, keyword: str, rest: str, text: str) -> Iterator[Heredoc]:
        if keyword == "ONBUILD":
            written, _, rest = split_statement(rest, self._escape)
            keyword = written.upper()
        if keyword not in _TAKE_HEREDOCS or words.json_array(rest) is not None:
            return
        for mark in words.heredoc_marks(text):
            yield self._heredoc(mark)

    def _heredoc(self, mark: HeredocMark) -> Heredoc:
        content: list[str] = []
        while self._next < len(self._lines):
            line = self._lines[self._next]
            last = self._next + 1 == len(self._lines)
            self._next += 1
            bare = line.removesuffix("\r")
            if (bare.lstrip("\t") if mark.chomps else bare) == mark.name:
                return Heredoc(mark.name, "".join(content), mark.expands, mark.chomps, mark.descriptor)
            content.append(line if last else f"{line}\n")
        raise DockerfileError("unterminated heredoc", hint=f"end it with a line that holds {mark.name} alone")

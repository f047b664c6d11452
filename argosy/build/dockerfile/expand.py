"""Variables, quotes and escapes in a word, as BuildKit's shell lexer takes them.

`$NAME`, `${NAME}` and the modifiers `:-` `-` `:+` `+` `:?` `?` `#` `##` `%` `%%` `/` `//`.  Single quotes keep all,
double quotes all but `$` and an escaped `"`, `$` or escape.  What a word grows to is bounded: a variable that doubles
itself line by line ends in an error, not in the machine's memory.
"""

from __future__ import annotations

from argosy.build.dockerfile.errors import DockerfileError
from argosy.build.dockerfile.pattern import Pattern
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST = 1 << 20  # characters
DEEPEST = 50  # ${...} within each other
_SPECIAL = "@*#?-$!0"


class Rules(Value):
    """How a word is read.  `raw_quotes` and `raw_escapes` keep the marks; with `quotes_are_text` they have no meaning.

    `keep_unset` leaves a variable that is not set as it is written.
    """

    escape: str = "\\"
    raw_quotes: bool = False
    raw_escapes: bool = False
    quotes_are_text: bool = False
    keep_unset: bool = False


class Expanded(Value):
    """A word after expansion, the words it falls into at blanks outside quotes, and the names that it asked for."""

    text: str
    words: tuple[str, ...]
    used: frozenset[str]
    unset: frozenset[str]


def expand(text: str, variables: Mapping[str, str], rules: Rules = Rules()) -> Expanded:  # noqa: B008 -- frozen
    """`text` with its variables replaced.  Raises DockerfileError, which knows the word and not the place."""
    reader = _Reader(text, variables, rules)
    try:
        found, words = reader.until("", raw_escapes=rules.raw_escapes)
    except DockerfileError as error:
        raise DockerfileError(f"failed to process {_shown(text)}: {error.why}") from None
    return Expanded(found, tuple(words), frozenset(reader.used), frozenset(reader.unset))


def _shown(text: str) -> str:
    return f'"{text[:100]}"' if len(text) <= 100 else f'"{text[:100]}..."'


class _Words:
    """Gathers words: a blank ends one, unless it came from within quotes or behind an escape."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._parts: list[str] = []

    def add(self, text: str, *, raw: bool) -> None:
        if raw:
            self._parts.append(text)
            return
        for char in text:
            if char.isspace():
                self.end()
            else:
                self._parts.append(char)

    def end(self) -> None:
        word = "".join(self._parts)
        self._parts.clear()
        if word:
            self.found.append(word)


class _Reader:
    """Walks over one word."""

    def __init__(self, text: str, variables: Mapping[str, str], rules: Rules) -> None:
        self._text = text
        self._at = 0
        self._variables = variables
        self._rules = rules
        self._raw_escapes = rules.raw_escapes
        self._depth = 0
        self._length = 0
        self.used: set[str] = set()
        self.unset: set[str] = set()

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _next(self) -> str:
        char = self._peek()
        self._at += 1
        return char

    def until(self, stop: str, *, raw_escapes: bool) -> tuple[str, list[str]]:
        """Read up to the character `stop`, which is stepped over; to the end where it is empty."""
        outer, self._raw_escapes = self._raw_escapes, raw_escapes
        self._depth += 1
        if self._depth > DEEPEST:
            raise DockerfileError(f"more than {DEEPEST} substitutions within each other")
        try:
            return self._until(stop)
        finally:
            self._depth -= 1
            self._raw_escapes = outer

    def _until(self, stop: str) -> tuple[str, list[str]]:
        parts: list[str] = []
        words = _Words()
        while char := self._peek():
            if char == stop:
                self._at += 1
                words.end()
                return "".join(parts), words.found
            text, raw = self._piece(char)
            self._length += len(text)
            if self._length > LONGEST:
                raise DockerfileError(f"it grows to more than {LONGEST} characters")
            parts.append(text)
            words.add(text, raw=raw)
        if stop:
            raise DockerfileError(f"unexpected end of statement while looking for matching {stop}")
        words.end()
        return "".join(parts), words.found

    def _piece(self, char: str) -> tuple[str, bool]:
        """The next piece, and whether its blanks belong to the word."""
        if char == "$":
            return self._dollar(), False
        if not self._rules.quotes_are_text:
            if char == "'":
                return self._single(), True
            if char == '"':
                return self._double(), True
        self._at += 1
        if char != self._rules.escape:
            return char, False
        kept = char if self._raw_escapes else ""
        return kept + self._next(), True

    def _single(self) -> str:
        end = self._text.find("'", self._at + 1)
        if end < 0:
            raise DockerfileError("unexpected end of statement while looking for matching single-quote")
        outer = self._text[self._at : end + 1]
        self._at = end + 1
        return outer if self._rules.raw_quotes else outer[1:-1]

    def _double(self) -> str:
        self._at += 1
        parts = ['"'] if self._rules.raw_quotes else []
        while (char := self._peek()) != '"':
            if not char:
                raise DockerfileError("unexpected end of statement while looking for matching double-quote")
            parts.append(self._dollar() if char == "$" else self._quoted(self._next()))
        self._at += 1
        if self._rules.raw_quotes:
            parts.append('"')
        return "".join(parts)

    def _quoted(self, char: str) -> str:
        """A character within double quotes, where an escape counts only before `"`, `$` and itself."""
        if char != self._rules.escape:
            return char
        kept = char if self._raw_escapes else ""
        following = self._peek()
        if not following:
            return kept
        if following in ('"', "$", self._rules.escape):
            return kept + self._next()
        return kept + char

    def _dollar(self) -> str:
        self._at += 1
        if self._peek() != "{":
            name = self._name()
            if not name:
                return "$"
            value = self._value(name)
            return f"${name}" if value is None and self._rules.keep_unset else value or ""
        self._at += 1
        following = self._peek()
        if not following:
            raise DockerfileError("syntax error: missing '}'")
        if following in "{}:":
            raise DockerfileError("syntax error: bad substitution")
        return self._braced(self._name())

    def _braced(self, name: str) -> str:
        mark = self._next()
        if mark == "}":
            value = self._value(name)
            return f"${{{name}}}" if value is None and self._rules.keep_unset else value or ""
        if mark == "/":
            return self._replaced(name)
        marks = mark
        if mark == ":":
            marks += self._next()
        if marks[-1:] not in tuple("+-?#%") or (len(marks) == 2 and marks[1] in "#%"):
            raise DockerfileError(f"unsupported modifier ({marks}) in substitution")
        word = self._operand("}", raw_escapes=marks[-1] in "#%")
        value = self._value(name)
        if value is None and self._rules.keep_unset:
            return f"${{{name}{marks}{word}}}"
        return _modified(name, value, marks, word)

    def _operand(self, stop: str, *, raw_escapes: bool) -> str:
        try:
            return self.until(stop, raw_escapes=raw_escapes)[0]
        except DockerfileError as error:
            if self._at >= len(self._text) and error.why.startswith("unexpected end of statement"):
                raise DockerfileError(f"syntax error: missing '{stop}'" + (" in ${}" * (stop == "/"))) from None
            raise

    def _replaced(self, name: str) -> str:
        every = self._peek() == "/"
        self._at += every
        pattern = self._operand("/", raw_escapes=True)
        replacement = self._operand("}", raw_escapes=True)
        value = self._value(name)
        if value is None:
            return f"${{{name}/{pattern}/{replacement}}}" if self._rules.keep_unset else ""
        return Pattern(pattern).replace(value, replacement, every=every, limit=LONGEST)

    def _name(self) -> str:
        start = self._at
        if self._peek().isdigit():
            while self._peek().isdigit():
                self._at += 1
        elif self._peek() and self._peek() in _SPECIAL:
            self._at += 1
        else:
            while (char := self._peek()) == "_" or char.isalnum():
                self._at += 1
        return self._text[start : self._at]

    def _value(self, name: str) -> str | None:
        value = self._variables.get(name)
        (self.unset if value is None else self.used).add(name)
        return value


def _modified(name: str, value: str | None, marks: str, word: str) -> str:
    missing = value is None or (marks[0] == ":" and not value)
    mark = marks[-1]
    if mark == "-":
        return word if missing else value or ""
    if mark == "+":
        return "" if missing else word
    if mark == "?":
        if missing:
            state = "unset" if value is None else "empty"
            raise DockerfileError(f"{name}: {word or f'is not allowed to be {state}'}")
        return value or ""
    greedy = word.startswith(mark)
    pattern = Pattern(word[greedy:])
    if mark == "%":
        return pattern.without_suffix(value or "", greedy=greedy)
    return pattern.without_prefix(value or "", greedy=greedy)

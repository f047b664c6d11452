"""The WWW-Authenticate header (RFC 9110, section 11.6.1): which credentials a registry asks for."""

from __future__ import annotations

from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_LENGTH_LIMIT = 16384
_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_TOKEN68 = _TOKEN | frozenset("/=")


class Challenge(Value):
    """One scheme that would be accepted.  Names of the scheme and of parameters are in lower case."""

    scheme: str
    parameters: dict[str, str]


def parse(headers: Iterable[str]) -> tuple[Challenge, ...]:
    """The challenges in the values of all such headers.  What is malformed ends the header that it is in."""
    found: list[Challenge] = []
    for header in headers:
        _Scanner(header[:_LENGTH_LIMIT]).challenges(found)
    return tuple(found)


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def challenges(self, found: list[Challenge]) -> None:
        """Append what stands in the text.  A comma separates both challenges and parameters: a name before '=' is one
        of the latter."""
        self._skip(" \t,")
        while self.at < len(self.text):
            scheme = self._run(_TOKEN)
            if not scheme:
                return
            challenge = Challenge(scheme.lower(), {})
            found.append(challenge)
            self._skip(" \t")
            if not self._parameters(challenge.parameters):
                return

    def _parameters(self, parameters: dict[str, str]) -> bool:
        """Read `name=value` pairs up to the next scheme; false at a fault, where reading ends."""
        self._skip(" \t,")
        while self.at < len(self.text):
            start = self.at
            name = self._run(_TOKEN)
            self._skip(" \t")
            if not name:
                return False
            if not self._take("="):
                self.at = start
                return bool(parameters) or self._opaque()
            self._skip(" \t")
            quoted = self.text[self.at : self.at + 1] == '"'
            value = self._value()
            if value is None:
                self.at = start
                return not quoted and self._opaque()
            parameters.setdefault(name.lower(), value)
            self._skip(" \t")
            if self.at < len(self.text) and not self._take(","):
                return False
            self._skip(" \t,")
        return True

    def _opaque(self) -> bool:
        """Pass over the single word that some schemes (Negotiate) have in place of parameters.

        A word with blanks and another word behind it is no such thing but the next challenge.
        """
        start = self.at
        self._run(_TOKEN68)
        self._skip(" \t")
        if self.at < len(self.text) and not self._take(","):
            self.at = start
            return True
        self._skip(" \t,")
        return True

    def _value(self) -> str | None:
        if not self._take('"'):
            return self._run(_TOKEN) or None
        out: list[str] = []
        while self.at < len(self.text):
            character = self.text[self.at]
            self.at += 1
            if character == '"':
                return "".join(out)
            if character == "\\" and self.at < len(self.text):
                character = self.text[self.at]
                self.at += 1
            out.append(character)
        return None

    def _run(self, characters: frozenset[str]) -> str:
        start = self.at
        while self.at < len(self.text) and self.text[self.at] in characters:
            self.at += 1
        return self.text[start : self.at]

    def _skip(self, characters: str) -> None:
        while self.at < len(self.text) and self.text[self.at] in characters:
            self.at += 1

    def _take(self, character: str) -> bool:
        if self.text[self.at : self.at + 1] != character:
            return False
        self.at += 1
        return True

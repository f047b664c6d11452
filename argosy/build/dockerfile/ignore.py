"""`.dockerignore`: which files of a context a build does not see, by moby's patternmatcher.

The last pattern that fits decides, and a path is also matched by what matches a directory above it.  `**` is any number
of directories, `!` takes a path back in.  Patterns are cleaned as paths first, so that `/a/`, `./a` and `a/.` are `a`.
"""

from __future__ import annotations

import posixpath
import re

from argosy.errors import Invalid
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_WHAT = "ignore pattern"


class _Pattern(Value):
    """`suffix` is the text behind a leading `**` where nothing else in the pattern is special."""

    excepts: bool
    regex: re.Pattern[str] | None
    suffix: str = ""

    def matches(self, path: str) -> bool:
        if self.regex is not None:
            return self.regex.fullmatch(path) is not None
        return path.endswith(self.suffix) or (self.suffix.startswith("/") and path == self.suffix[1:])


def read(data: bytes) -> list[str]:
    """The patterns in the file: no comments, no empty lines, each cleaned as a path."""
    found = []
    for line in data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape").splitlines():
        if line.startswith("#") or not line.strip():
            continue
        pattern = line.strip()
        mark = "!" if pattern.startswith("!") else ""
        pattern = pattern[len(mark) :].strip()
        if pattern:
            pattern = _clean(pattern)
            pattern = pattern[1:] if len(pattern) > 1 and pattern[0] == "/" else pattern
        found.append(mark + pattern)
    return found


class Ignore:
    """Answers which paths are ignored; paths are relative to the context, with slashes.  Raises Invalid."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._patterns: list[_Pattern] = []
        for text in patterns:
            pattern = text.strip()
            if pattern:
                self._patterns.append(_compile(_clean(pattern), pattern))

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def ignores(self, path: str) -> bool:
        """Whether the path is hidden from the build."""
        parts = path.split("/")
        ways = ["/".join(parts[: count + 1]) for count in range(len(parts))]
        ignored = False
        for pattern in self._patterns:
            if pattern.excepts == ignored:
                ignored = ignored != any(pattern.matches(way) for way in ways)
        return ignored

    @property
    def has_exceptions(self) -> bool:
        """Whether below an ignored directory there may be something that is not: then it has to be walked."""
        return any(pattern.excepts for pattern in self._patterns)


def _clean(path: str) -> str:
    """Go's filepath.Clean, for which `//a` is `/a`."""
    mark = ""
    if path.startswith("!"):
        mark, path = "!", path[1:]
        if not path:
            return mark
    cleaned = posixpath.normpath(path)
    return mark + ("/" + cleaned.lstrip("/") if cleaned.startswith("/") else cleaned)


def _compile(pattern: str, written: str) -> _Pattern:
    excepts = pattern.startswith("!")
    pattern = pattern[excepts:]
    if not pattern:
        raise Invalid(_WHAT, written, "it names nothing to take back in")
    if pattern.startswith("**") and not any(char in "*?[\\" for char in pattern[2:]):
        return _Pattern(excepts, None, pattern[2:])
    return _Pattern(excepts, re.compile("".join(_pieces(pattern, written)), re.DOTALL))


def _pieces(pattern: str, written: str) -> Iterable[str]:
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if pattern.startswith("**", at):
            at += 2
            at += pattern.startswith("/", at)
            yield ".*" if at == len(pattern) else "(?:.*/)?"
            continue
        at += 1
        if char == "*":
            yield "[^/]*"
        elif char == "?":
            yield "[^/]"
        elif char == "[":
            piece, at = _class(pattern, at, written)
            yield piece
        elif char == "\\":
            if at == len(pattern):
                raise Invalid(_WHAT, written, "it ends in an escape")
            yield re.escape(pattern[at])
            at += 1
        else:
            yield re.escape(char)


def _class(pattern: str, at: int, written: str) -> tuple[str, int]:
    """A set of characters after `[`, and where it ends: `a-z`, `^` in front for all others, `\\` before a mark."""
    parts = ["[^" if pattern.startswith("^", at) else "["]
    at += pattern.startswith("^", at)
    start = at
    while pattern[at : at + 1] != "]" or at == start:
        char = pattern[at : at + 1]
        if char == "\\":
            at += 1
            char = pattern[at : at + 1]
        elif char == "-" and at != start:
            parts.append("-")
            at += 1
            continue
        if not char or (char in "]-" and pattern[at - 1 : at] != "\\"):
            raise Invalid(_WHAT, written, "the set of characters in [] is not complete")
        parts.append(re.escape(char))
        at += 1
    return _checked("".join((*parts, "]")), written), at + 1


def _checked(piece: str, written: str) -> str:
    try:
        re.compile(piece)
    except re.error:
        raise Invalid(_WHAT, written, "the set of characters in [] is none") from None
    return piece

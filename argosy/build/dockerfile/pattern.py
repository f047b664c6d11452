"""The patterns of `${NAME#pattern}` and its kin: `?` is one character, `*` any number, none a line break.

Matching takes time in proportion to the text.  Between two stars the first place that fits is as good as any other, so
nothing is ever tried twice, as a backtracking regular expression would.
"""

from __future__ import annotations

import re

from argosy.build.dockerfile.errors import DockerfileError


class Pattern:
    """One pattern; `\\` may stand before `*`, `?`, `\\`, `}` and `/`.  Raises DockerfileError for another escape."""

    def __init__(self, text: str) -> None:
        self._pieces = _pieces(text)

    def without_prefix(self, value: str, *, greedy: bool) -> str:
        """`value` without the shortest beginning that matches, the longest when `greedy`."""
        end = _match(self._pieces, value, 0, greedy=greedy)
        return value if end is None else value[end:]

    def without_suffix(self, value: str, *, greedy: bool) -> str:
        """`value` without the shortest end that matches, the longest when `greedy`."""
        reversed_pieces = [piece[::-1] for piece in reversed(self._pieces)]
        end = _match(reversed_pieces, value[::-1], 0, greedy=greedy)
        return value if end is None else value[: len(value) - end]

    def replace(self, value: str, replacement: str, *, every: bool, limit: int) -> str:
        """`value` with the first match, or `every` one, replaced.  Raises DockerfileError when it outgrows `limit`."""
        parts: list[str] = []
        done = at = 0
        length = len(value)
        while (found := self._search(value, at)) is not None:
            start, end = found
            if end > start or start != done or not parts:
                parts += (value[done:start], replacement)
                done = end
                length += len(replacement) - (end - start)
            if length > limit:
                raise DockerfileError(f"it grows to more than {limit} characters")
            at = end if end > start else end + 1
            if not every or at > len(value):
                break
        return "".join((*parts, value[done:]))

    def _search(self, value: str, at: int) -> tuple[int, int] | None:
        """Where the first match from `at` on starts, and the furthest that it ends."""
        first = _compiled(self._pieces[0])
        while (found := first.search(value, at)) is not None:
            end = _match(self._pieces, value, found.start(), greedy=True)
            if end is not None:
                return found.start(), end
            # What follows the first piece is not in the rest of this line, wherever the piece itself is found.
            line_end = value.find("\n", found.end())
            if line_end < 0:
                return None
            at = max(line_end, found.start() + 1)
        return None


_Piece = tuple[str | None, ...]  # None is `?`


def _pieces(text: str) -> list[_Piece]:
    """What stands between the stars."""
    pieces: list[list[str | None]] = [[]]
    chars = iter(text)
    for char in chars:
        if char == "*":
            pieces.append([])
        elif char == "?":
            pieces[-1].append(None)
        elif char == "\\":
            escaped = next(chars, "")
            if not escaped or escaped not in "*?\\}/":
                raise DockerfileError(f"invalid pattern ({text}) in substitution: invalid escape '\\{escaped}'")
            pieces[-1].append(escaped)
        else:
            pieces[-1].append(char)
    return [tuple(piece) for piece in pieces]


def _compiled(piece: _Piece) -> re.Pattern[str]:
    return re.compile("".join("." if char is None else re.escape(char) for char in piece))


def _match(pieces: list[_Piece], value: str, at: int, *, greedy: bool) -> int | None:
    """The end of the shortest or longest match that starts at `at`."""
    first = _compiled(pieces[0]).match(value, at)
    if first is None:
        return None
    end = first.end()
    line_end = value.find("\n", end)
    line_end = len(value) if line_end < 0 else line_end
    for number, piece in enumerate(pieces[1:], 2):
        last = greedy and number == len(pieces)
        found = _last(piece, value, end, line_end) if last else _first(piece, value, end, line_end)
        if found is None:
            return None
        end = found
    return end


def _first(piece: _Piece, value: str, start: int, stop: int) -> int | None:
    found = _compiled(piece).search(value, start, stop)
    return None if found is None else found.end()


def _last(piece: _Piece, value: str, start: int, stop: int) -> int | None:
    """The end of the last place of `piece`: the first one in the reversed text."""
    turned = _compiled(piece[::-1]).search(value[start:stop][::-1])
    return None if turned is None else stop - turned.start()

"""References to variables in a word, as Dockerfiles and podman's --env-merge write them: $NAME, ${NAME}, ${NAME:-word}.

`${NAME:-word}` is the word where NAME is unset or empty, `${NAME:+word}` where it is not.  A backslash keeps the next
character; single quotes keep all that is in them; quotes themselves go away.
"""

from __future__ import annotations

from argosy.spec.options import BadOption

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_DEEPEST = 100  # how far words may be nested in each other


def expand(word: str, env: Mapping[str, str]) -> str:
    """`word` with its references replaced.  Raises BadOption for a reference or a quotation that does not end."""
    text, end = _expanded(word, 0, env, "", 0)
    assert end == len(word)
    return text


def _expanded(word: str, at: int, env: Mapping[str, str], stop: str, depth: int) -> tuple[str, int]:
    """The text from `at` to the character `stop` outside of quotes, or to the end, and where that is."""
    if depth > _DEEPEST:
        raise BadOption(f"unable to process variables in {word[:80]}: they are nested too deeply")
    parts: list[str] = []
    quoted = False
    while at < len(word):
        if word[at] == stop and not quoted:
            return "".join(parts), at
        if word[at] == '"':
            quoted = not quoted
            at += 1
            continue
        text, at = _piece(word, at, env, depth, quoted=quoted)
        parts.append(text)
    if quoted:
        raise _unfinished(word, "a double quote")
    if stop:
        raise _unfinished(word, "${")
    return "".join(parts), at


def _piece(word: str, at: int, env: Mapping[str, str], depth: int, *, quoted: bool) -> tuple[str, int]:
    """What the character at `at` begins, and where that ends: a single-quoted text, a reference, or itself."""
    character = word[at]
    if character == "'" and not quoted:
        end = word.find("'", at + 1)
        if end < 0:
            raise _unfinished(word, "a single quote")
        return word[at + 1 : end], end + 1
    if character == "\\" and at + 1 < len(word) and (not quoted or word[at + 1] in '"$\\'):
        return word[at + 1], at + 2
    if character == "$":
        return _reference(word, at + 1, env, depth)
    return character, at + 1


def _reference(word: str, at: int, env: Mapping[str, str], depth: int) -> tuple[str, int]:
    """The value of the reference behind a `$`, and where it ends; a `$` before anything else stays."""
    braced = word.startswith("{", at)
    begin = end = at + braced
    while end < len(word) and word[end] in _NAME:
        end += 1
    name = word[begin:end]
    if not braced:
        return (env.get(name, ""), end) if name and not name[0].isdigit() else ("$", at)
    if word.startswith("}", end) and name:
        return env.get(name, ""), end + 1
    operator = word[end : end + 2]
    if not name or operator not in (":-", ":+"):
        raise _unfinished(word, "${")
    other, end = _expanded(word, end + 2, env, "}", depth + 1)
    value = env.get(name, "")
    chosen = (value or other) if operator == ":-" else (other if value else "")
    return chosen, end + 1


def _unfinished(word: str, what: str) -> BadOption:
    return BadOption(f"unable to process variables in {word[:80]}: {what} does not end as it should")

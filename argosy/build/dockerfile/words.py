"""How the text of a statement falls apart: words, builder flags, JSON arrays, the words that open heredocs."""

from __future__ import annotations

import re

from argosy import jsontext
from argosy.build.dockerfile import expand
from argosy.build.dockerfile.errors import DockerfileError
from argosy.errors import Invalid
from argosy.values import Value

BLANKS = " \t\v\f\r"
_BLANK_RUN = re.compile(r"[ \t\v\f\r]+")
_HEREDOC = re.compile(r"(\d*)<<(-?)\s*([^<]*)", re.DOTALL)
_LOOSE_HEREDOC = re.compile(r"(?<![^\s])(\d*<<-?)[ \t]+(?=[^\s<])")
_READ_HEREDOC = expand.Rules(raw_quotes=True, raw_escapes=True, keep_unset=True)


class HeredocMark(Value):
    """`<<NAME` in a statement: `expands` unless a part of the name is quoted, `chomps` leading tabs after `<<-`."""

    name: str
    expands: bool
    chomps: bool
    descriptor: int = 0


def split_blanks(text: str) -> list[str]:
    """The words of `text` between runs of blanks; quotes mean nothing."""
    return [word for word in _BLANK_RUN.split(text) if word]


def split_first(text: str) -> tuple[str, str]:
    """The first word, and what follows the blanks behind it."""
    found = _BLANK_RUN.search(text)
    return (text, "") if found is None else (text[: found.start()], text[found.end() :])


def split_quoted(text: str, escape: str) -> list[str]:
    """The words of `text`; quoted blanks do not part them, and quotes and escapes stay in."""
    words: list[str] = []
    parts: list[str] = []
    quote = ""
    seen_quote = False
    at = 0
    while at < len(text):
        char = text[at]
        at += 1
        if not quote and char.isspace():
            if parts or seen_quote:
                words.append("".join(parts))
            parts, seen_quote = [], False
            continue
        if char == escape and quote != "'":
            if at == len(text):
                break  # an escape at the very end escapes nothing
            parts.append(char + text[at])
            at += 1
            continue
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote, seen_quote = char, True
        parts.append(char)
    if parts or seen_quote:
        words.append("".join(parts))
    return words


def take_flags(text: str, escape: str) -> tuple[list[str], str]:
    """The `--flag` words at the start of `text`, without their quotes, and the rest.  `--` alone ends them."""
    flags: list[str] = []
    at = 0
    while True:
        while at < len(text) and text[at].isspace():
            at += 1
        if not text.startswith("--", at):
            return flags, text[at:]
        word, at = _flag(text, at, escape)
        if word == "--":
            return flags, text[at:]
        flags.append(word)


def _flag(text: str, at: int, escape: str) -> tuple[str, int]:
    """One flag, and where it ends."""
    parts: list[str] = []
    quote = ""
    while at < len(text) and (quote or not text[at].isspace()):
        char = text[at]
        at += 1
        if char == escape and at < len(text):
            parts.append(text[at])
            at += 1
        elif quote and char == quote:
            quote = ""
        elif not quote and char in "'\"":
            quote = char
        elif char != escape:
            parts.append(char)
    return "".join(parts), at


def json_array(text: str) -> tuple[str, ...] | None:
    """The strings of a JSON array; None where `text` is no array, so that it is a shell's line or plain words.

    Raises DockerfileError for an array that holds other things than strings.
    """
    text = text.strip()
    if not text.startswith("["):
        return None
    try:
        found = jsontext.decode(text)
    except Invalid:
        return None
    if not all(isinstance(item, str) for item in found):
        raise DockerfileError("when using JSON array syntax, arrays must be comprised of strings only")
    return tuple(found)


def heredoc_marks(text: str) -> list[HeredocMark]:
    """The heredocs that a line opens, in order.  What stands in quotes opens none."""
    if "<<" not in text:
        return []
    try:
        found = expand.expand(join_heredocs(text), {}, _READ_HEREDOC).words
    except DockerfileError:
        return []  # quotes that do not close are the shell's affair
    return [mark for mark in map(heredoc_mark, found) if mark is not None]


def join_heredocs(text: str) -> str:
    """`text` with the name of each heredoc right behind its `<<`.  A dash behind a blank belongs to the name."""
    return _LOOSE_HEREDOC.sub(lambda found: found[1] + "\\ ", text)


def heredoc_mark(word: str) -> HeredocMark | None:
    """The heredoc that one word opens; None for any other word.  Raises DockerfileError for a quote that is open."""
    found = _HEREDOC.fullmatch(word)
    if found is None or not found[3]:
        return None
    name = found[3].removeprefix("\\ ")
    plain = expand.expand(name, {}, expand.Rules(keep_unset=True)).words
    quoted = expand.expand(name, {}, _READ_HEREDOC.replace(raw_escapes=False)).words
    if len(plain) != 1:
        return None
    return HeredocMark(plain[0], plain == quoted, found[2] == "-", int(found[1] or 0))

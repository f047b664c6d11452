"""Documents for `--format`: JSON with indentation, and times as templates show them.

Indented here, since `import json` costs 7 ms of start-up.
"""

from __future__ import annotations

from argosy import jsontext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

_TIMES = frozenset(("Created", "StartedAt", "FinishedAt", "CheckpointedAt", "RestoredAt"))


def indented(value: Any, width: int) -> str:
    """`value` as JSON text, each level `width` blanks further in, as Go's MarshalIndent writes it."""
    return _indented(value, " " * width, "\n")


def compact(value: Any) -> str:
    """`value` as JSON on one line, as Go's Marshal writes it: safe within HTML."""
    return html_safe(_encoded(value))


def html_safe(text: str) -> str:
    """JSON with the escapes that Go's encoder puts in unless told not to; it stands for the same document."""
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def _indented(value: Any, step: str, line: str) -> str:
    inner = line + step
    if isinstance(value, dict) and value:
        members = (f"{_encoded(key)}: {_indented(item, step, inner)}" for key, item in value.items())
        return f"{{{inner}{f',{inner}'.join(members)}{line}}}"
    if isinstance(value, (list, tuple)) and value:
        return f"[{inner}{f',{inner}'.join(_indented(item, step, inner) for item in value)}{line}]"
    return _encoded(value)


def _encoded(value: Any) -> str:
    return jsontext.encode(value).decode("utf-8", "surrogatepass")


class Moment(str):
    """A time: in JSON as RFC 3339 has it, in the text of a template as Go prints it, with the methods of Go's."""

    __slots__ = ()

    type_name = "time.Time"

    @property
    def methods(self) -> dict[str, object]:
        """What templates may ask of it as they ask for a field."""
        if "T" not in self:
            return {}
        from argosy.cli import moments

        return moments.methods("".join(self))

    def __str__(self) -> str:
        date, mark, clock = "".join(self).partition("T")  # `partition` may give this object back
        if not mark:
            return date
        return f"{date} {clock.removesuffix('Z')} +0000 UTC"


def with_moments(value: Any, more: Collection[str] = ()) -> Any:
    """`value` with the times in the fields that the peers keep as times, and in `more`, made Moments, at any depth."""
    if isinstance(value, list):
        return [with_moments(item, more) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: Moment(item) if isinstance(item, str) and (key in _TIMES or key in more) else with_moments(item, more)
        for key, item in value.items()
    }

"""Go's fmt.Sprintf for the values that templates have, its `%!verb(...)` complaints included."""

from __future__ import annotations

from argosy.cli.flags import quoted
from argosy.cli.templates import values
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_FLAGS = "+-# 0"
_WIDEST = 1_000_000  # Go takes no larger width or precision


class _Directive(Value):
    """What stands between % and its verb."""

    flags: str
    width: int
    precision: int | None
    verb: str


def sprintf(pattern: str, arguments: Sequence[object]) -> str:
    """`pattern` with its verbs replaced."""
    out: list[str] = []
    at = 0
    used = 0
    while at < len(pattern):
        percent = pattern.find("%", at)
        if percent < 0:
            out.append(pattern[at:])
            break
        out.append(pattern[at:percent])
        directive, at, used = _directive(pattern, percent + 1, arguments, used)
        if not directive.verb:
            out.append("%!(NOVERB)")
        elif directive.verb == "%":
            out.append("%")
        elif used >= len(arguments):
            out.append(f"%!{directive.verb}(MISSING)")
        else:
            out.append(_formatted(directive, arguments[used]))
            used += 1
    extra = ", ".join(f"{values.type_name(item)}={values.text(item, top=False)}" for item in arguments[used:])
    return "".join(out) + (f"%!(EXTRA {extra})" if extra else "")


def _directive(pattern: str, at: int, arguments: Sequence[object], used: int) -> tuple[_Directive, int, int]:
    start = at
    while at < len(pattern) and pattern[at] in _FLAGS:
        at += 1
    flags = pattern[start:at]
    width, at, used = _number(pattern, at, arguments, used)
    precision = None
    if pattern[at : at + 1] == ".":
        precision, at, used = _number(pattern, at + 1, arguments, used)
    if width < 0:
        flags, width = flags + "-", -width
    return _Directive(flags, width, precision, pattern[at : at + 1]), at + 1, used


def _number(pattern: str, at: int, arguments: Sequence[object], used: int) -> tuple[int, int, int]:
    if pattern[at : at + 1] == "*":
        given = arguments[used] if used < len(arguments) else 0
        return (given if isinstance(given, int) and abs(given) <= _WIDEST else 0), at + 1, used + 1
    end = at
    while end < len(pattern) and pattern[end].isdigit() and pattern[end].isascii():
        end += 1
    number = int(pattern[at:end] or 0)
    return (number, end, used) if number <= _WIDEST else (0, len(pattern), used)


def _formatted(directive: _Directive, value: object) -> str:
    if isinstance(value, (list, tuple)) and directive.verb not in "vTp":
        return "[" + " ".join(_formatted(directive, item) for item in value) + "]"
    body = _body(directive, value)
    if body is None:
        return f"%!{directive.verb}({values.type_name(value)}={values.text(value, top=False)})"
    if "-" in directive.flags:
        return body.ljust(directive.width)
    if "0" in directive.flags:
        sign = body[:1] if body[:1] in ("+", "-") else ""
        return sign + body[len(sign) :].rjust(directive.width - len(sign), "0")
    return body.rjust(directive.width)


def _body(directive: _Directive, value: object) -> str | None:
    """The value by its verb; None where the verb does not fit."""
    verb = directive.verb
    if verb == "v":
        return quoted(value) if "#" in directive.flags and isinstance(value, str) else values.text(value, top=False)
    if verb == "T":
        return values.type_name(value)
    if isinstance(value, bool):
        return values.text(value) if verb == "t" else None
    if isinstance(value, str):
        return _string(directive, value)
    if isinstance(value, int):
        return _integer(directive, value)
    if isinstance(value, float):
        return _float(directive, value)
    if value is None and verb == "s":
        return "%!s(<nil>)"
    return values.text(value, top=False) if verb == "s" and isinstance(value, dict) else None


def _string(directive: _Directive, value: str) -> str | None:
    cut = value if directive.precision is None else value[: directive.precision]
    if directive.verb == "s":
        return cut
    if directive.verb == "q":
        return f"`{cut}`" if "#" in directive.flags and "`" not in cut else quoted(cut)
    if directive.verb in ("x", "X"):
        data = cut.encode("utf-8", "surrogateescape")
        digits = data.hex(" ") if " " in directive.flags else data.hex()
        return digits.upper() if directive.verb == "X" else digits
    return None


def _integer(directive: _Directive, value: int) -> str | None:
    verb = directive.verb
    if verb in ("c", "q"):
        return chr(value) if verb == "c" else quoted(chr(value), "'")
    if verb == "U":
        return f"U+{value:04X}"
    if verb not in ("d", "x", "X", "o", "b"):
        return None
    digits = format(abs(value), verb)
    if directive.precision is not None:
        digits = digits.rjust(directive.precision, "0")
    if "#" in directive.flags:
        digits = {"x": "0x", "X": "0X", "o": "0", "b": "0b"}.get(verb, "") + digits
    return _signed(directive, digits, negative=value < 0)


def _float(directive: _Directive, value: float) -> str | None:
    if directive.verb not in "eEfFgG":
        return None
    if directive.verb in "gG" and directive.precision is None:
        text = values.float_text(abs(value))
    else:
        text = format(abs(value), f".{6 if directive.precision is None else directive.precision}{directive.verb}")
    return _signed(directive, text, negative=value < 0)


def _signed(directive: _Directive, text: str, *, negative: bool) -> str:
    if negative:
        return "-" + text
    return "+" + text if "+" in directive.flags else " " + text if " " in directive.flags else text

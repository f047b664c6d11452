"""Go's fmt.Sprintf for the values that templates have, its `%!verb(...)` complaints included."""

from __future__ import annotations

import math

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
    return _Printer(pattern, arguments).run()


class _Printer:
    """One walk over a pattern: where it is, which argument is next, and whether arguments were named by number."""

    def __init__(self, pattern: str, arguments: Sequence[object]) -> None:
        self._pattern = pattern
        self._arguments = arguments
        self._at = self._used = 0
        self._reordered = False
        self._fault = ""

    def run(self) -> str:
        out: list[str] = []
        while self._at < len(self._pattern):
            percent = self._pattern.find("%", self._at)
            if percent < 0:
                out.append(self._pattern[self._at :])
                break
            out.append(self._pattern[self._at : percent])
            self._at = percent + 1
            out.append(self._one(self._directive()))
        rest = self._arguments[self._used :]
        if rest and not self._reordered:
            extra = ", ".join(map(_described, rest))
            out.append(f"%!(EXTRA {extra})")
        return "".join(out)

    def _one(self, directive: _Directive) -> str:
        verb = directive.verb
        if not verb:
            return "%!(NOVERB)"
        if verb == "%":
            return "%"
        if self._fault == "BADINDEX":
            return f"%!{verb}(BADINDEX)"
        if self._used >= len(self._arguments):
            return f"%!{verb}(MISSING)"
        self._used += 1
        return self._fault + _formatted(directive, self._arguments[self._used - 1])

    def _directive(self) -> _Directive:
        self._fault = ""
        start = self._at
        while self._at < len(self._pattern) and self._pattern[self._at] in _FLAGS:
            self._at += 1
        flags = self._pattern[start : self._at]
        self._number_of_argument()
        width = self._number("BADWIDTH")
        precision = None
        if self._pattern[self._at : self._at + 1] == ".":
            self._at += 1
            self._number_of_argument()
            precision = self._number("BADPREC")
        self._number_of_argument()
        if width < 0:
            flags, width = flags + "-", -width
        verb = self._pattern[self._at : self._at + 1]
        self._at += 1
        return _Directive(flags, width, precision, verb)

    def _number_of_argument(self) -> None:
        """`[2]`: the argument that is next from here on."""
        if self._pattern[self._at : self._at + 1] != "[":
            return
        self._reordered = True
        end = self._pattern.find("]", self._at)
        digits = self._pattern[self._at + 1 : end] if end > 0 else ""
        self._at = end + 1 if end > 0 else self._at + 1
        if digits.isascii() and digits.isdigit() and len(digits) < 7 and 1 <= int(digits) <= len(self._arguments):
            self._used = int(digits) - 1
        else:
            self._fault = "BADINDEX"

    def _number(self, fault: str) -> int:
        if self._pattern[self._at : self._at + 1] == "*":
            self._at += 1
            given = self._arguments[self._used] if self._used < len(self._arguments) else None
            self._used += 1
            if isinstance(given, int) and not isinstance(given, bool) and abs(given) <= _WIDEST:
                return given
            self._fault = self._fault or f"%!({fault})"
            return 0
        end = self._at
        while end < len(self._pattern) and self._pattern[end].isdigit() and self._pattern[end].isascii():
            end += 1
        digits, self._at = self._pattern[self._at : end], end
        if len(digits) > 7 or int(digits or 0) > _WIDEST:
            self._at = len(self._pattern)
            return 0
        return int(digits or 0)


def _described(value: object) -> str:
    return "<nil>" if value is None else f"{values.type_name(value)}={values.text(value, top=False)}"


def _formatted(directive: _Directive, value: object) -> str:
    if isinstance(value, (list, tuple)) and directive.verb not in "vTp":
        return "[" + " ".join(_formatted(directive, item) for item in value) + "]"
    if isinstance(value, values.Map) and directive.verb not in "vTp":
        pairs = (f"{_formatted(directive, key)}:{_formatted(directive, value[key])}" for key in sorted(value))
        return "map[" + " ".join(pairs) + "]"
    body = _body(directive, value)
    if body is None:
        return f"%!{directive.verb}({_described(value)})"
    if "-" in directive.flags:
        return body.ljust(directive.width)
    if "0" in directive.flags:
        sign = body[:1] if body[:1] in ("+", "-", " ") and not isinstance(value, str) else ""
        return sign + body[len(sign) :].rjust(directive.width - len(sign), "0")
    return body.rjust(directive.width)


def _body(directive: _Directive, value: object) -> str | None:
    """The value by its verb; None where the verb does not fit."""
    verb = directive.verb
    if verb == "v":
        return _plain(directive, value)
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


def _plain(directive: _Directive, value: object) -> str:
    """%v, %+v and %#v."""
    if "#" in directive.flags:
        return _source(value)
    if isinstance(value, float) and directive.precision is not None:
        return _float(directive.replace(verb="g"), value) or ""
    return values.named(value) if "+" in directive.flags else values.text(value, top=False)


def _source(value: object) -> str:
    """The value as it stands in a Go program."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, (list, tuple)):
        return f"{values.type_name(value)}{{{', '.join(map(_source, value))}}}"
    if isinstance(value, values.Map):
        return f"{values.type_name(value)}{{{', '.join(f'{quoted(k)}:{_source(value[k])}' for k in sorted(value))}}}"
    return values.text(value, top=False)


def _string(directive: _Directive, value: str) -> str | None:
    cut = value if directive.precision is None else value[: directive.precision]
    if directive.verb == "s":
        return cut
    if directive.verb == "q":
        if "#" in directive.flags and "`" not in cut:
            return f"`{cut}`"
        return _ascii(quoted(cut)) if "+" in directive.flags else quoted(cut)
    if directive.verb in ("x", "X"):
        data = cut.encode("utf-8", "surrogateescape")
        digits = data.hex(" ") if " " in directive.flags else data.hex()
        digits = f"0x{digits}" if "#" in directive.flags and digits else digits
        return digits.upper() if directive.verb == "X" else digits
    return None


def _ascii(text: str) -> str:
    return "".join(
        char if char.isascii() else f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"
        for char in text
    )


def _integer(directive: _Directive, value: int) -> str | None:
    verb = directive.verb
    if verb in ("c", "q", "U"):
        char = chr(value) if 0 <= value < 0x110000 and not 0xD800 <= value < 0xE000 else "\ufffd"
        if verb == "U":
            return f"U+{value:04X}" + (f" '{char}'" if "#" in directive.flags and char.isprintable() else "")
        return char if verb == "c" else quoted(char, "'")
    if verb not in ("d", "x", "X", "o", "O", "b"):
        return None
    digits = format(abs(value), verb.lower() if verb == "O" else verb)
    if verb == "O":
        digits = f"0o{digits}"
    if directive.precision is not None:
        digits = digits.rjust(directive.precision, "0")
    if "#" in directive.flags:
        digits = {"x": "0x", "X": "0X", "o": "0", "b": "0b"}.get(verb, "") + digits
    return _signed(directive, digits, negative=value < 0)


def _float(directive: _Directive, value: float) -> str | None:
    if directive.verb in "xXb" and directive.precision is None and math.isfinite(value):
        return _signed(directive, _binary(directive.verb, abs(value)), negative=value < 0)
    if directive.verb not in "eEfFgG":
        return None
    if directive.verb in "gG" and directive.precision is None:
        text = values.float_text(abs(value))
        text = text.upper() if directive.verb == "G" else text
    else:
        text = format(abs(value), f".{6 if directive.precision is None else directive.precision}{directive.verb}")
    return _signed(directive, text, negative=value < 0)


def _binary(verb: str, value: float) -> str:
    """A float's own digits: `0x1.8p+00`, or for %b `6755399441055744p-52`."""
    if verb == "b":
        mantissa, exponent = math.frexp(value)
        return f"{int(mantissa * (1 << 53))}p{exponent - 53:+d}"
    digits, _, power = value.hex().partition("p")
    text = f"{digits.rstrip('0').rstrip('.') if '.' in digits else digits}p{int(power):+03d}"
    return text.upper() if verb == "X" else text


def _signed(directive: _Directive, text: str, *, negative: bool) -> str:
    if negative:
        return "-" + text
    return "+" + text if "+" in directive.flags else " " + text if " " in directive.flags else text

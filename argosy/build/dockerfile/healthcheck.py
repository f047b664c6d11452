"""HEALTHCHECK: its options, and the durations in them."""

from __future__ import annotations

import re

from argosy.build.dockerfile import words
from argosy.build.dockerfile.commandline import command_line
from argosy.build.dockerfile.errors import DockerfileError
from argosy.build.dockerfile.flags import TEXT, Flags
from argosy.build.dockerfile.instructions import Healthcheck, Instruction

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.build.dockerfile.lexer import Statement

_LEAST_NS = 1_000_000  # docker's container.MinimumDuration
_LARGEST = (1 << 63) - 1
_UNITS_NS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_DURATION_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_TIMES = ("interval", "timeout", "start-period", "start-interval")


def parse_healthcheck(statement: Statement, _escape: str, place: dict[str, Any]) -> Instruction:
    """`HEALTHCHECK [options] CMD command`, or `HEALTHCHECK NONE`."""
    kind, rest = words.split_first(statement.rest)
    if not kind:
        raise DockerfileError("HEALTHCHECK requires at least one argument")
    if kind.upper() == "NONE":
        if rest:
            raise DockerfileError("HEALTHCHECK NONE takes no arguments")
        Flags(statement.flags, {})
        return Healthcheck(**place)
    flags = Flags(statement.flags, {**dict.fromkeys(_TIMES, TEXT), "retries": TEXT})
    if kind.upper() != "CMD":
        raise DockerfileError(f'unknown type "{kind.upper()}" in HEALTHCHECK (try CMD)')
    command = command_line(statement.replace(rest=rest))
    if not command.words:
        raise DockerfileError("missing command after HEALTHCHECK CMD")
    times: dict[str, Any] = {name.replace("-", "_") + "_ns": _time_ns(name, flags.text(name)) for name in _TIMES}
    return Healthcheck(**place, command=command, retries=_retries(flags.text("retries")), **times)


def duration_ns(text: str) -> int:
    """A duration as Go writes it (`1h30m`, `1.5s`), in nanoseconds.  Raises DockerfileError."""
    sign = -1 if text.startswith("-") else 1
    bare = text[1:] if text[:1] in ("+", "-") else text
    if bare == "0":
        return 0
    from fractions import Fraction

    total = Fraction(0)
    at = 0
    while at < len(bare):
        found = _DURATION_PART.match(bare, at)
        if found is None:
            raise DockerfileError(f'invalid duration "{text}"', hint="write it as 30s, 1m30s or 500ms")
        total += Fraction(found[1]) * _UNITS_NS[found[2]]
        at = found.end()
    if not bare or total > _LARGEST:
        raise DockerfileError(f'invalid duration "{text}"', hint="write it as 30s, 1m30s or 500ms")
    return sign * int(total)


def _time_ns(name: str, text: str) -> int:
    found = duration_ns(text) if text and text != "0" else 0
    if found and found < _LEAST_NS:
        raise DockerfileError(f'interval "{name}" cannot be less than 1ms')
    return found


def _retries(text: str) -> int:
    if not text:
        return 0
    try:
        number = int(text)
    except ValueError:
        raise DockerfileError(f"--retries must be a number, not {text}") from None
    if number < 0:
        raise DockerfileError(f"--retries cannot be negative ({number})")
    if number >= 1 << 31:
        raise DockerfileError(f"--retries is too large ({number})")
    return number

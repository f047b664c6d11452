"""What a registry says about how often it may be asked: RateLimit-Limit and RateLimit-Remaining, `COUNT;w=SECONDS`.

Docker Hub's form; draft-ietf-httpapi-ratelimit-headers has the same names.
"""

from __future__ import annotations

from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_FEW = 5


class RateLimit(Value):
    """So many requests are left of `limit` in each window; None where the registry does not say."""

    limit: int | None = None
    remaining: int | None = None
    window_s: int | None = None

    def __str__(self) -> str:
        left = "" if self.remaining is None else f", {self.remaining} left"
        window = "" if self.window_s is None else f" in {_duration(self.window_s)}"
        return "" if self.limit is None else f"{self.limit} requests{window}{left}"

    @property
    def is_short(self) -> bool:
        """Whether few are left."""
        return self.remaining is not None and self.remaining <= _FEW


def read(header: Callable[[str], str]) -> RateLimit:
    """What the headers of an answer say."""
    limit, window = _parse(header("RateLimit-Limit"))
    remaining, own_window = _parse(header("RateLimit-Remaining"))
    return RateLimit(limit, remaining, window if window is not None else own_window)


def _parse(text: str) -> tuple[int | None, int | None]:
    count, _, parameters = text.partition(";")
    window = next((part.strip()[2:] for part in parameters.split(";") if part.strip().startswith("w=")), "")
    return _number(count), _number(window)


def _number(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 12 else None


def _duration(seconds: int) -> str:
    if seconds % 3600 == 0:
        return f"{seconds // 3600} h"
    return f"{seconds // 60} min" if seconds % 60 == 0 else f"{seconds} s"

"""The mount option idmap: whom the files of a mount belong to, by a map of their own.

`uids=0-1000-1#1-2000-10;gids=0-1000-1`: what belongs to 0 on disk is seen as 1000's.  The form is crun's.
"""

from __future__ import annotations

from argosy import numbers
from argosy.spec.options import BadOption

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_ID = (1 << 32) - 2


def parse(text: str) -> dict[str, tuple[tuple[int, int, int], ...]]:
    """The ranges (from, to, count) of "uids" and "gids".  Raises BadOption."""
    found = {}
    for part in text.split(";"):
        key, _, values = part.partition("=")
        if key not in ("uids", "gids") or key in found:
            raise _bad(text)
        found[key] = tuple(_ranges(text, values))
    if len(found) != 2:
        raise _bad(text)
    return found


def _ranges(text: str, values: str) -> Iterator[tuple[int, int, int]]:
    for item in values.split("#"):
        try:
            first, second, count = (numbers.natural(number) for number in item.split("-"))
        except ValueError:
            raise _bad(text) from None
        if not count or max(first, second) + count - 1 > _MAX_ID:
            raise _bad(text)
        yield first, second, count


def _bad(text: str) -> BadOption:
    hint = "write idmap=uids=ID-ID-COUNT;gids=ID-ID-COUNT, with # between several ranges"
    return BadOption(f'invalid mapping specified "{text}": invalid mount option', hint=hint)

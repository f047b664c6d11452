"""Range of a download (RFC 9110, 14.2), Content-Range of an upload (distribution-spec, "Pushing a blob in chunks")."""

from __future__ import annotations

from argosy.numbers import natural


class Unsatisfiable(Exception):
    """The range begins behind the end, or is none."""


def requested(header: str, size: int) -> tuple[int, int] | None:
    """Offset and length of the part that Range asks for; None for the whole.  Raises Unsatisfiable.

    Several ranges, other units and what cannot be read count as none, as the RFC has it.
    """
    unit, _, text = header.partition("=")
    first, dash, last = text.strip().partition("-")
    if unit.strip().lower() != "bytes" or not dash or "," in text:
        return None
    try:
        if not first:
            length = min(natural(last), size)
            if not length:
                raise Unsatisfiable
            return size - length, length
        start = natural(first)
        end = natural(last) if last else size - 1
    except ValueError:
        return None
    if last and end < start:
        return None
    if start >= size:
        raise Unsatisfiable
    return start, min(end, size - 1) - start + 1


def uploaded(header: str) -> tuple[int, int]:
    """First byte and length of the chunk that Content-Range announces.  Raises Unsatisfiable.

    The API writes START-END; `bytes START-END/SIZE`, as HTTP does, is taken as well.
    """
    text = header.strip()
    if text.lower().startswith("bytes"):
        text = text[5:].lstrip(" =").partition("/")[0]
    first, dash, last = text.partition("-")
    try:
        start, end = natural(first), natural(last)
    except ValueError:
        raise Unsatisfiable from None
    if not dash or end < start:
        raise Unsatisfiable
    return start, end - start + 1

"""What is wrong with an archive."""

from __future__ import annotations

import os

from argosy.errors import ArgosyError, shown


class BadArchive(ArgosyError):
    """An archive that breaks its format, or asks for what no layer may do.

    `entry` is the path as the archive gives it, `offset` the byte (of the uncompressed archive, or for compressed data
    of the compressed) at which the trouble was met.
    """

    def __init__(self, why: str, *, entry: bytes = b"", offset: int | None = None, hint: str = "") -> None:
        name = os.fsdecode(entry)
        where = f"entry {shown(name)}" if entry else "bad archive"
        at = "" if offset is None else f" (at byte {offset})"
        super().__init__(f"{where}{at}: {why}", hint=hint)
        self.why = why
        self.entry = name
        self.offset = offset

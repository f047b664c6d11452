"""--digestfile: the digest of what was written, for scripts."""

from __future__ import annotations

from argosy.errors import ArgosyError


def write_digest(path: str, digest: str) -> None:
    """Write the digest to the file."""
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(digest)
    except OSError as error:
        raise ArgosyError(f"cannot write the digest to {path}: {error.strerror}", hint="see --digestfile") from error

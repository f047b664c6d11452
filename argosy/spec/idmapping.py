"""The mount option idmap: whom the files of a mount belong to, by a map of their own.

`uids=0-1000-1#1-2000-10;gids=0-1000-1`: what belongs to 0 on disk is seen as 1000's by the container's user namespace.
The form is crun's; runc, from 1.2 on, gets the same as `uidMappings` and `gidMappings` of the OCI specification.
"""

from __future__ import annotations

from argosy.spec.options import BadOption

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_MAX_ID = (1 << 32) - 2


def parse(text: str) -> dict[str, list[dict[str, int]]]:
    """`uidMappings` and `gidMappings`.  Raises BadOption."""
    found = {}
    for part in text.split(";"):
        key, _, values = part.partition("=")
        if key not in ("uids", "gids") or f"{key[:-1]}Mappings" in found:
            raise _bad(text)
        found[f"{key[:-1]}Mappings"] = list(_ranges(text, values))
    if len(found) != 2:
        raise _bad(text)
    return found


def _ranges(text: str, values: str) -> Iterator[dict[str, int]]:
    for item in values.split("#"):
        numbers = item.split("-")
        if len(numbers) != 3 or not all(number.isascii() and number.isdecimal() for number in numbers):
            raise _bad(text)
        first, second, count = map(int, numbers)
        if not count or max(first, second) + count - 1 > _MAX_ID:
            raise _bad(text)
        yield {"containerID": first, "hostID": second, "size": count}


def _bad(text: str) -> BadOption:
    hint = "write idmap=uids=ID-ID-COUNT;gids=ID-ID-COUNT, with # between several ranges"
    return BadOption(f'invalid mapping specified "{text}": invalid mount option', hint=hint)


def apply(mount: dict[str, Any], text: str, dialect: str) -> None:
    """Put the map into a mount of the OCI specification, for a runtime that speaks `dialect`."""
    if dialect == "crun":
        mount["options"].append(f"idmap={text}")
    else:
        mount |= parse(text)
        mount["options"].append("idmap")

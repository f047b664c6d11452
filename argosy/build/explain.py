"""Why a step is not taken from the cache: what it depends on is compared with what the same step depended on before.

    <root>/buildcache/.steps/<digest of context, Dockerfile, stage and number>    JSON: {label: digest}

Labels are words for people ("argument VERSION", "file src/main.c"); digests stand for values, which may be secret.
"""

from __future__ import annotations

from argosy import jsontext
from argosy.errors import ArgosyError
from argosy.linux import files
from argosy.oci import digest as digests

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

DIRECTORY = ".steps"
_SHOWN = 3
_LIMIT_BYTES = 64 << 20


class Explanations:
    """What the steps of one Dockerfile depended on when they were last made."""

    def __init__(self, root: str, place: str) -> None:
        self._directory = f"{root}/buildcache/{DIRECTORY}"
        self._place = place

    def reason(self, step: str, parts: Mapping[str, str]) -> str:
        """What has changed since, in words.  `step` is its stage and number."""
        before = self._read(step)
        if before is None:
            return "it has not been built before"
        now = {label: _digest(value) for label, value in parts.items()}
        changed = [f"{label} has changed" for label in now if label in before and before[label] != now[label]]
        changed += [f"{label} is new" for label in now if label not in before]
        changed += [f"{label} is gone" for label in before if label not in now]
        if not changed:
            return "it is not in the cache any more"
        more = f", and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else ""
        return ", ".join(changed[:_SHOWN]) + more

    def keep(self, step: str, parts: Mapping[str, str]) -> None:
        """Remember what the step depends on; a memory that cannot be written is no loss."""
        try:
            files.make_directories(self._directory)
            data = jsontext.encode({label: _digest(value) for label, value in parts.items()})
            files.write_atomic(self._path(step), data)
        except OSError:
            pass

    def _read(self, step: str) -> dict[str, str] | None:
        try:
            found = jsontext.decode(files.read(self._path(step), _LIMIT_BYTES))
        except (OSError, ArgosyError):
            return None
        return found if isinstance(found, dict) else None

    def _path(self, step: str) -> str:
        return f"{self._directory}/{_digest(f'{self._place}:{step}')}"


def _digest(value: str) -> str:
    return digests.of_bytes(value.encode("utf-8", "surrogateescape")).hex[:32]

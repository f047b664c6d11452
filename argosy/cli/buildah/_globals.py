"""buildah's own global flags: what they say holds for the commands that have such a flag, and did not get it."""

from __future__ import annotations

from argosy.cli.podman import _build_userns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

    from argosy.cli.flags import Parsed

FLAGS = tuple(flag for flag in _build_userns.FLAGS if flag.name in ("userns-gid-map", "userns-uid-map"))
_KEYS = frozenset(flag.key for flag in FLAGS)


def hand_on(settings: dict[str, Any], parsed: Parsed, own: Collection[str]) -> None:
    """Move them out of `settings`, to what was given to a command whose flags are `own`."""
    for key in _KEYS.intersection(settings):
        value = settings.pop(key)
        if key in own:
            parsed.values.setdefault(key, value)

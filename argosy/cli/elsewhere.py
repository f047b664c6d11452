"""Global flags and settings that name another engine, or parts that Argosy's store has not: refused, never ignored.

Imported when such a flag was given.
"""

from __future__ import annotations

from argosy.errors import Unsupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

# Keys of the flags that name another engine, as they are spelled.
_REMOTE = {
    "tls": "--tls",
    "tlsverify": "--tlsverify",
    "tlscacert": "--tlscacert",
    "tlscert": "--tlscert",
    "tlskey": "--tlskey",
}
_ELSEWHERE = {
    "namespace": ("--namespace", "argosy's containers and pods have no namespaces", "Name another store with --root."),
}


def refuse(settings: Mapping[str, Any]) -> None:
    """Raise Unsupported for the first of the global flags that asks for what Argosy does not do."""
    for key, flag in _REMOTE.items():
        given = settings.get(key)
        if not given:
            continue
        named = "another engine" if given is True else f'another engine ("{_shown(given)}")'
        raise Unsupported(
            f"{flag} names {named}, and argosy reaches others over ssh:// only",
            hint=f"Leave {flag} out, or call it with --host ssh://HOST.",
        )
    for key, (flag, why, hint) in _ELSEWHERE.items():
        given = settings.get(key)
        if any(given) if isinstance(given, tuple) else given:
            raise Unsupported(f"{flag} is not supported: {why}", hint=hint)


def _shown(given: Any) -> str:
    return ", ".join(given) if isinstance(given, tuple) else str(given)

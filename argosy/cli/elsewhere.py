"""Global flags and settings that name another engine, or parts that Argosy's store has not: refused, never ignored.

Imported when such a flag was given, and when called as docker, whose configuration may choose a context.
"""

from __future__ import annotations

import os

from argosy import jsontext
from argosy.errors import ArgosyError, Invalid, Unsupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_CONFIG_LIMIT = 4 << 20
# Keys of the flags that name another engine, as they are spelled.
_REMOTE = {
    "docker_context": "--context",
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
        if not given or (key == "docker_context" and given == "default"):
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


def refuse_context(settings: Mapping[str, Any], environ: Mapping[str, str]) -> None:
    """Raise Unsupported when docker's own settings choose a context: DOCKER_CONTEXT, else ~/.docker/config.json.

    `--context default` is this host, whatever they say.
    """
    if settings.get("docker_context"):
        return
    source, context = "DOCKER_CONTEXT", environ.get("DOCKER_CONTEXT", "")
    if not context:
        source, context = _current_context(environ)
    if context and context != "default":
        raise Unsupported(
            f'{source} chooses the docker context "{context}", and argosy has no contexts',
            hint="Call it with --context default to work here, or with --host ssh://HOST.",
        )


def _current_context(environ: Mapping[str, str]) -> tuple[str, str]:
    """currentContext in docker's configuration file, and that file's path."""
    from argosy.linux import files

    directory = environ.get("DOCKER_CONFIG", "") or os.path.join(environ.get("HOME", "") or "/", ".docker")
    path = os.path.join(directory, "config.json")
    try:
        data = files.read_regular(path, _CONFIG_LIMIT)
    except (FileNotFoundError, NotADirectoryError):
        return path, ""
    except OSError as error:
        raise ArgosyError(f"cannot read {path}", details=str(error.strerror)) from error
    try:
        found = jsontext.decode(data) if data.strip() else {}
    except Invalid as error:  # without the file's text, which holds secrets
        raise Invalid("docker configuration file", path, "it is not JSON, or repeats a key") from error.__cause__
    context = found.get("currentContext", "") if isinstance(found, dict) else None
    if not isinstance(context, str):
        raise Invalid("docker configuration file", path, "it is not an object, or its currentContext is not a string")
    return path, context

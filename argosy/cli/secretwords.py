"""Secrets on the command line: taken out of what other processes see of it, as soon as they are read.

Whoever lists processes reads the arguments from our own memory, where they can be overwritten.  For the moment before
that they are there to be seen: `login`, `--authfile` and `--password-stdin` know no such moment.
"""

from __future__ import annotations

from argosy.cli.flags import SECRET_KEYS
from argosy.errors import Unsupported
from argosy.linux import ownmemory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Any


def hide(values: Mapping[str, Any]) -> None:
    """Make the values of the secret flags among `values` unreadable in this process's command line."""
    secrets = [value for key, value in values.items() if key in SECRET_KEYS and isinstance(value, str) and value]
    ownmemory.overwrite_arguments(lambda argument: _secret_length(argument, secrets))


def _secret_length(argument: bytes, secrets: Collection[str]) -> int:
    """How many bytes at the argument's end are a secret: all of it, or what follows on a flag."""
    for secret in secrets:
        word = secret.encode(errors="surrogateescape")
        if argument == word or (argument.startswith(b"-") and argument.endswith(word)):
            return len(word)
    return 0


def refuse_elsewhere(values: Mapping[str, Any]) -> None:
    """Raise Unsupported where a secret would become an argument of ssh, and of a program on the other host."""
    for key in sorted(SECRET_KEYS.intersection(values)):
        raise Unsupported(
            f"--{key.replace('_', '-')} cannot be sent to another host",
            details="it would be in the list of processes there",
            hint="log in there: argosy login --password-stdin",
        )

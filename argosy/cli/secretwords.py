"""Secrets on the command line: taken out of what other processes see of it, as soon as they are read.

Whoever lists processes reads the arguments from our own memory, where they can be overwritten.  For the moment before
that they are there to be seen: `login`, `--authfile` and `--password-stdin` know no such moment.
"""

from __future__ import annotations

from argosy.cli.flags import HIDDEN_KEYS, SECRET_KEYS
from argosy.errors import Unsupported
from argosy.linux import ownmemory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Any

# A flag may be there twice: of its values the last counts, and none is to be read.
_FLAGS = frozenset(f"--{key.replace('_', '-')}".encode() for key in HIDDEN_KEYS)


def hide(values: Mapping[str, Any]) -> None:
    """Make the values of the secret flags among `values` unreadable in this process's command line."""
    secrets = [value for key, value in values.items() if key in SECRET_KEYS and isinstance(value, str) and value]
    follows = False

    def length(argument: bytes) -> int:
        nonlocal follows
        before, follows = follows, argument in _FLAGS
        return len(argument) if before else _secret_length(argument, secrets)

    ownmemory.overwrite_arguments(length)


def _secret_length(argument: bytes, secrets: Collection[str]) -> int:
    """How many bytes at the argument's end are a secret: all of it, or what follows on a flag."""
    flag, _, value = argument.partition(b"=")
    if flag in _FLAGS:
        return len(value)
    for secret in secrets:
        word = secret.encode(errors="surrogateescape")
        if argument == word or (argument.startswith(b"-") and argument.endswith(word)):
            return len(word)
    return 0


def refuse_elsewhere(values: Mapping[str, Any]) -> None:
    """Raise Unsupported where a secret would become an argument of ssh, and of a program on the other host."""
    passphrases = {key for key in HIDDEN_KEYS - SECRET_KEYS if any(":" in word for word in values.get(key) or ())}
    for key in sorted(passphrases.union(SECRET_KEYS.intersection(values))):
        raise Unsupported(
            f"--{key.replace('_', '-')} cannot be sent to another host",
            details="it would be in the list of processes there",
            hint="log in there: argosy login --password-stdin" if key in SECRET_KEYS else "run the command there",
        )

"""`RUN --mount=type=...,...`: what is there for one step and not in the layer."""

from __future__ import annotations

import csv

from argosy.build.dockerfile.errors import DockerfileError, near
from argosy.errors import Invalid
from argosy.spec.parse import parse_size
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

TYPES = ("bind", "cache", "tmpfs", "secret", "ssh")
SHARINGS = ("shared", "private", "locked")
_TRUE = ("1", "t", "T", "true", "TRUE", "True")
_FALSE = ("0", "f", "F", "false", "FALSE", "False")
_ALIASES = {
    "src": "source",
    "dst": "target",
    "destination": "target",
    "ro": "readonly",
    "rw": "readwrite",
}
_TEXTS = ("from", "source", "target", "id", "env")
_NUMBERS = {"mode": 8, "uid": 10, "gid": 10}
_KEYS = ("type", "readonly", "readwrite", "required", "size", "sharing", *_TEXTS, *_NUMBERS)
_ONLY_OF = {
    "required": ("secret", "ssh"),
    "size": ("tmpfs",),
    "sharing": ("cache",),
    "env": ("secret",),
    "mode": ("secret", "ssh", "cache"),
    "uid": ("secret", "ssh", "cache"),
    "gid": ("secret", "ssh", "cache"),
}


class Mount(Value):
    """One mount.  `source_from` is a stage, image or context; `mode`, `uid` and `gid` are None where not said.

    `cache_id` is a cache's or a secret's id.  `env` is the variable that a secret is put into instead of a file.
    """

    type: str = "bind"
    source_from: str = ""
    source: str = ""
    target: str = ""
    readonly: bool = True
    cache_id: str = ""
    sharing: str = "shared"
    required: bool = False
    size: int = 0
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None
    env: str = ""


def parse_mount(text: str, expand: Callable[[str], str]) -> Mount:
    """The mount that a flag's value describes; `expand` replaces the variables in what stands behind `=`.

    Raises DockerfileError.
    """
    given: dict[str, Any] = {}
    for field in _fields(text):
        key, equals, value = field.partition("=")
        name = _ALIASES.get(key.lower(), key.lower())
        if name not in _KEYS:
            raise DockerfileError(f"unexpected key '{key}' in '{field}'{near(key, (*_KEYS, *_ALIASES))}")
        if equals:
            value = expand(value)
        elif name in ("readonly", "readwrite", "required"):
            value = "true"
        else:
            raise DockerfileError(f"invalid field '{field}' must be a key=value pair")
        given[name] = _value(name, key, value)
    return _checked(given)


def _fields(text: str) -> list[str]:
    """The comma-separated fields; quotes as in CSV files."""
    try:
        rows = list(csv.reader([text], strict=True))
    except csv.Error as error:
        raise DockerfileError(f"failed to parse mount {text}: {error}") from None
    if not rows or not rows[0]:
        raise DockerfileError("a mount must not be empty")
    return rows[0]


def _value(name: str, key: str, value: str) -> Any:
    if name == "type":
        if value.lower() not in TYPES:
            raise DockerfileError(f'unsupported mount type "{value}"{near(value, TYPES)}')
        return value.lower()
    if name == "sharing":
        if value.lower() not in SHARINGS:
            raise DockerfileError(f'unsupported sharing value "{value}"{near(value, SHARINGS)}')
        return value.lower()
    if name in ("readonly", "readwrite", "required"):
        if value not in (*_TRUE, *_FALSE):
            raise DockerfileError(f"invalid value for {key}: {value}")
        return value in _TRUE
    if name in _NUMBERS:
        return _number(name, value)
    if name == "size":
        try:
            return parse_size(value)
        except Invalid:
            raise DockerfileError(f"invalid value for {key}: {value}") from None
    return value


def _number(name: str, value: str) -> int:
    digits = "01234567" if _NUMBERS[name] == 8 else "0123456789"
    number = int(value, _NUMBERS[name]) if value and not value.strip(digits) and len(value) < 12 else -1
    if not 0 <= number < 1 << 32:
        raise DockerfileError(f"invalid value {value} for {name}")
    return number


def _checked(given: dict[str, Any]) -> Mount:
    kind = given.get("type", "bind")
    for key, kinds in _ONLY_OF.items():
        if key in given and kind not in kinds:
            raise DockerfileError(f"unexpected key '{key}' for mount type '{kind}'")
    readonly = kind not in ("cache", "tmpfs")
    for key, value in given.items():  # the last one counts
        if key in ("readonly", "readwrite"):
            readonly = value == (key == "readonly")
    names = {"from": "source_from", "id": "cache_id"}
    fields = {names.get(key, key): value for key, value in given.items() if key not in ("readonly", "readwrite")}
    mount = Mount(**{**fields, "readonly": readonly})
    if kind in ("secret", "ssh"):
        if mount.source_from:
            raise DockerfileError(f"{kind} mount should not have a from")
        if mount.source and mount.cache_id:
            raise DockerfileError("both source and id can't be set")
        if kind == "secret" and not (mount.source or mount.target or mount.cache_id):
            raise DockerfileError("invalid secret mount. one of source, target required")
    elif not mount.target:
        raise DockerfileError(f"{kind} mount requires a target")
    return mount

"""--secret: NAME[,type=mount|env][,target=T][,uid=N][,gid=N][,mode=OCTAL], in podman's grammar and words."""

from __future__ import annotations

import posixpath

from argosy.spec import process
from argosy.spec.options import BadOption, SecretUse

_DIRECTORY = "/run/secrets"
_HINT = "NAME[,type=mount|env][,target=PATH or VARIABLE][,uid=N][,gid=N][,mode=OCTAL]"
_MOUNT_ONLY = ("gid", "mode", "uid")
_LARGEST = 0xFFFFFFFF - 1  # (uid_t)-1 is no id
_LARGEST_MODE = 0o7777


def parse_secret(text: str) -> SecretUse:
    """The use of a secret, whose id is found out later.  A name without options may hold anything."""
    if "," not in text:
        return _checked(text, {})
    fields: dict[str, str] = {}
    first, *rest = text.split(",")
    for number, item in enumerate((first, *rest)):
        key, equals, value = item.partition("=")
        if not equals and number == 0:
            key, value = "source", item
        elif not equals:
            raise _invalid(f"option {item} must be in form option=value")
        if key not in ("source", "target", "type", *_MOUNT_ONLY):
            raise _invalid(f"option {item} invalid")
        if key == "type" and key in fields:
            raise _invalid("cannot set more than one secret type")
        fields[key] = value
    if not fields.get("source"):
        raise _invalid(f"no source found {text}")
    if fields.get("type", "mount") not in ("env", "mount"):
        raise _invalid(f"type {fields['type']} is invalid")
    return _checked(fields.pop("source"), fields)


def _checked(name: str, fields: dict[str, str]) -> SecretUse:
    target = fields.get("target") or name
    if fields.get("type") == "env":
        if any(key in fields for key in _MOUNT_ONLY):
            raise _invalid("UID, GID, Mode options cannot be set with secret type env")
        if "=" in target:
            raise _invalid(f"target {target} is no name of a variable")
        process.check_text("secret target", [target])
        return SecretUse(name, target=target, env=True)
    place = "/" + posixpath.normpath(posixpath.join(_DIRECTORY, target)).lstrip("/")
    if place in ("/", "/run", _DIRECTORY):
        raise _invalid(f"target {target} is no place for a file")
    process.check_text("secret target", [place])
    return SecretUse(
        name,
        target=place,
        uid=_number(fields, "uid", 10, _LARGEST),
        gid=_number(fields, "gid", 10, _LARGEST),
        mode=_number(fields, "mode", 8, _LARGEST_MODE) if "mode" in fields else 0o444,
    )


def _number(fields: dict[str, str], key: str, base: int, largest: int) -> int:
    text = fields.get(key, "0")
    digits = "0123456789"[:base]
    if not text or set(text).difference(digits) or int(text, base) > largest:
        raise _invalid(f"{key if key == 'mode' else key.upper()} {text} invalid")
    return int(text, base)


def _invalid(why: str) -> BadOption:
    return BadOption(f"{why}: parsing secret", hint=_HINT)

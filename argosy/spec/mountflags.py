"""-v, --mount and --tmpfs, as text, into `Mount` values.  Raises BadOption in podman's words, Unsupported for what is
not there yet.  Imported only when one of the flags is used.
"""

from __future__ import annotations

import posixpath

from argosy.errors import Unsupported
from argosy.spec.options import BadOption, Mount

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

_NAME_START = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_NAME = _NAME_START | frozenset("_.-")
_PROPAGATION = tuple(
    recursive + kind for kind in ("shared", "private", "slave", "unbindable") for recursive in ("r", "")
)
# Options of which at most one may be given, and how podman names the group in its error.
_GROUPS = (
    (("ro", "rw"), "'rw' or 'ro'"),
    (("z", "Z", "O"), "'z', 'Z', or 'O'"),
    (("bind", "rbind"), "'[r]bind'"),
    (_PROPAGATION, "'[r]shared', '[r]private', '[r]slave' or '[r]unbindable'"),
    (("suid", "nosuid"), "'[no]suid'"),
    (("dev", "nodev"), "'[no]dev'"),
    (("exec", "noexec"), "'[no]exec'"),
    (("copy", "nocopy"), "'[no]copy'"),
    (("tmpcopyup", "notmpcopyup"), "'[no]tmpcopyup'"),
)
_FLAGS = frozenset(("ro", "rw", "suid", "nosuid", "dev", "nodev", "exec", "noexec", *_PROPAGATION, "bind", "rbind"))
_NO_EFFECT = frozenset(("", "cached", "delegated", "consistent", "default"))  # docker's, for other systems
_TMPFS_FLAGS = frozenset(("ro", "rw", "suid", "nosuid", "dev", "nodev", "exec", "noexec", "noatime", "relatime"))
_TMPFS_VALUES = ("size", "mode", "uid", "gid", "nr_inodes", "nr_blocks")
_TMPFS_UNITS = {"size": "kmg%", "nr_inodes": "kmg", "nr_blocks": "kmg"}


def parse_volume(text: str, directory: str = "/") -> Mount:
    """-v `[source:]target[:options]`.  A source with a slash in front, or a dot, is a host path (`directory` is where
    relative ones start), else the name of a volume.
    """
    parts = _split_colons(text)
    if len(parts) > 3:
        raise BadOption(
            f"{text}: incorrect volume format, should be [host-dir:]ctr-dir[:option]",
            hint="write a colon that is part of a path as \\:",
        )
    source, target = ("", parts[0]) if len(parts) == 1 else (parts[0], parts[1])
    if len(parts) > 1 and not source:
        raise BadOption("host directory cannot be empty", hint=f'"{text}" has nothing in front of the colon')
    target = _target(target)
    fields = _volume_options(parts[2].split(",") if len(parts) == 3 else [])
    if source[:1] in ("/", "."):
        fields.pop("copy_up", None)
        return Mount("bind", posixpath.normpath(posixpath.join(directory, source)), target, **fields)
    return Mount("volume", _volume_name(source), target, **fields)


def _split_colons(text: str) -> list[str]:
    """The parts between colons; `\\:` is a colon within a part."""
    return [part.replace("\0", ":") for part in text.replace("\\:", "\0").split(":")]


def _target(text: str) -> str:
    """The place in the container, absolute and without dots and double slashes."""
    if not text:
        raise BadOption("container directory cannot be empty")
    if text[0] != "/":
        raise BadOption(f'invalid container path "{text}", must be an absolute path')
    target = "/" + posixpath.normpath(text).lstrip("/")
    if target == "/":
        raise BadOption(f'invalid container path "{text}": nothing can be mounted over the root of the container')
    return target


def _volume_name(name: str) -> str:
    if name and (name[0] not in _NAME_START or not _NAME.issuperset(name)):
        raise BadOption(
            f'creating named volume "{name}": running volume create option: names must match '
            "[a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument",
            hint="a host directory is written as an absolute path, or beginning with ./",
        )
    return name


def _refuse_pairs(options: Iterable[str]) -> None:
    """At most one option of each group."""
    for group, name in _GROUPS:
        found = [option for option in options if option in group]
        if len(found) > 1:
            raise BadOption(f'invalid options "{", ".join(found)}", can only specify 1 {name} option')


def _volume_options(options: list[str]) -> dict[str, Any]:
    """The fields of Mount for the options of -v."""
    _refuse_pairs(options)
    fields: dict[str, Any] = {}
    flags = []
    for option in options:
        if option in _FLAGS:
            flags.append(option)
        elif option in ("z", "Z"):
            fields["relabel"] = "shared" if option == "z" else "private"
        elif option == "U":
            fields["chown"] = True
        elif option in ("copy", "nocopy"):
            fields["copy_up"] = option == "copy"
        elif option == "O":
            raise Unsupported("overlay volumes (:O) are not there yet", hint="mount a copy, or use :ro")
        elif option.partition("=")[0] in ("idmap", "upperdir", "workdir"):
            raise Unsupported(f'the volume option "{option}" is not there yet', hint="use :U to change the owner")
        elif option not in _NO_EFFECT:
            raise BadOption(f'invalid option type "{option}"', hint="see argosy run --help for the options of --volume")
    if flags:
        fields["options"] = tuple(flags)
    return fields


def parse_tmpfs(text: str) -> Mount:
    """--tmpfs `target[:options]`."""
    target, _, options = text.partition(":")
    return _tmpfs(_target(target), [option for option in options.split(",") if option])


def _tmpfs(target: str, options: list[str]) -> Mount:
    _refuse_pairs(options)
    copy_up = None
    kept = []
    for option in options:
        name, equals, value = option.partition("=")
        if option in ("tmpcopyup", "notmpcopyup"):
            copy_up = option == "tmpcopyup"
        elif option in _TMPFS_FLAGS or option in _PROPAGATION:
            kept.append(option)
        elif equals and name in _TMPFS_VALUES:
            _check_tmpfs_value(option, name, value)
            kept.append(option)
        else:
            hint = f"use {', '.join(sorted(_TMPFS_FLAGS))}, {'=, '.join(_TMPFS_VALUES)}=, [no]tmpcopyup"
            raise BadOption(f'unknown mount option "{option}": invalid mount option', hint=hint)
    return Mount("tmpfs", "", target, tuple(kept), copy_up=copy_up)


def _check_tmpfs_value(option: str, name: str, value: str) -> None:
    """tmpfs(5): sizes may have a unit, size also a percent sign; a mode is octal."""
    digits = value[:-1] if value and value[-1].lower() in _TMPFS_UNITS.get(name, "") else value
    allowed, what = ("01234567", "an octal number") if name == "mode" else ("0123456789", "a number")
    if not digits or set(digits) - set(allowed):
        raise BadOption(f'unknown mount option "{option}": invalid mount option', hint=f"{name} takes {what}")


def parse_mount(text: str, directory: str = "/") -> Mount:
    """--mount `type=bind|tmpfs|volume,source=...,target=...,option...`, its fields quoted as in CSV."""
    fields: dict[str, str | None] = {}
    for item in _csv(text):
        key, equals, value = item.partition("=")
        fields[key] = value if equals else None
    kind = fields.pop("type", "volume" if "=" in text else None)
    if kind is None:
        raise BadOption(
            "incorrect mount format: should be --mount type=<bind|tmpfs|volume>,[src=<host-dir|volume-name>,]"
            "target=<ctr-dir>[,options]"
        )
    if kind not in ("bind", "tmpfs", "volume"):
        if kind in ("image", "glob", "devpts", "ramfs", "artifact"):
            raise Unsupported(
                f"mounts of type {kind} are not there yet", hint="use type=bind, type=tmpfs or type=volume"
            )
        raise BadOption(f'invalid filesystem type "{kind}"', hint="use bind, tmpfs or volume")
    source = _first(fields, ("source", "src"))
    target = _first(fields, ("target", "dst", "destination"))
    if not target:
        raise BadOption("must set volume destination", hint="add target=PATH")
    options = _Options(fields)
    if kind == "tmpfs":
        if source:
            raise BadOption("source is not supported with tmpfs mounts")
        return _tmpfs(_target(target), options.tmpfs())
    values = options.volume(kind)
    if kind == "volume":
        return Mount("volume", _volume_name(source), _target(target), **values)
    if not source:
        raise BadOption("must set source directory for a bind mount", hint="add source=PATH")
    return Mount("bind", posixpath.normpath(posixpath.join(directory, source)), _target(target), **values)


def _csv(text: str) -> list[str]:
    """The comma-separated fields; a field in double quotes may hold commas, a quote in it is doubled."""
    if '"' not in text:
        return text.split(",")
    import csv

    try:
        return next(csv.reader([text], strict=True))
    except csv.Error as error:
        raise BadOption(f'invalid mount "{text}": {error}') from error


def _first(fields: dict[str, str | None], keys: tuple[str, ...]) -> str:
    """Take the value under any of `keys` out of `fields`."""
    found = [fields.pop(key) or "" for key in keys if key in fields]
    if len(found) > 1:
        raise BadOption(f"cannot pass more than one of {', '.join(keys)}: invalid mount option")
    return found[0] if found else ""


def _truth(key: str, value: str | None) -> bool:
    """A flag of --mount: bare, or with a boolean value in Go's spelling."""
    if value is None or value in ("1", "t", "T", "true", "TRUE", "True"):
        return True
    if value in ("0", "f", "F", "false", "FALSE", "False"):
        return False
    raise BadOption(f'{key}: "{value}" is neither true nor false: invalid mount option')


class _Options:
    """The options of --mount, turned into those of -v and --tmpfs, which then check them."""

    def __init__(self, fields: dict[str, str | None]) -> None:
        self._fields = fields
        self._words: list[str] = []

    def tmpfs(self) -> list[str]:
        """The words for a tmpfs."""
        for key, value in self._fields.items():
            if key in ("tmpfs-size", "tmpfs-mode"):
                self._words.append(f"{key[6:]}={value or ''}")
            elif key in ("tmpcopyup", "notmpcopyup"):
                self._words.append("tmpcopyup" if _truth(key, value) == (key == "tmpcopyup") else "notmpcopyup")
            elif not self._shared(key, value):
                raise BadOption(f"{key}: invalid mount option")
        return self._words

    def volume(self, kind: str) -> dict[str, Any]:
        """The fields of Mount for a bind mount or a volume."""
        for key, value in self._fields.items():
            own = self._bind(key, value) if kind == "bind" else self._volume(key, value)
            if not own and not self._shared(key, value):
                raise BadOption(f"{key}: invalid mount option")
        return _volume_options(self._words)

    def _shared(self, key: str, value: str | None) -> bool:
        """What every type takes; False when `key` is none of that."""
        if key in ("ro", "readonly"):
            self._words.append("ro" if _truth(key, value) else "rw")
        elif key == "rw":
            self._words.append("rw" if _truth(key, value) else "ro")
        elif key in ("U", "chown"):
            self._words += ["U"] if _truth(key, value) else []
        elif key in ("suid", "nosuid", "dev", "nodev", "exec", "noexec") and value is None:
            self._words.append(key)
        else:
            return key == "consistency"
        return True

    def _bind(self, key: str, value: str | None) -> bool:
        if key in ("bind-propagation", "propagation"):
            if value not in _PROPAGATION:
                raise BadOption(f'{key}: "{value}": invalid mount option', hint=f"use one of {', '.join(_PROPAGATION)}")
            self._words.append(value)
        elif key == "bind-nonrecursive":
            self._words.append("bind" if _truth(key, value) else "rbind")
        elif key == "relabel":
            if value not in ("shared", "private"):
                raise BadOption(f'{key}: "{value}": invalid mount option', hint="use shared or private")
            self._words.append("z" if value == "shared" else "Z")
        elif key in ("idmap", "bind-recursive"):
            raise Unsupported(f'the mount option "{key}" is not there yet')
        else:
            return False
        return True

    def _volume(self, key: str, value: str | None) -> bool:
        if key in ("volume-nocopy", "nocopy"):
            self._words += ["nocopy"] if _truth(key, value) else []
        elif key in ("idmap", "volume-opt", "volume-label", "volume-driver", "subpath", "volume-subpath"):
            if (key, value) != ("volume-driver", "local"):
                raise Unsupported(f'the mount option "{key}" is not there yet')
        else:
            return False
        return True

"""-v, --tmpfs and --volumes-from, as text, into values.  Raises BadOption in podman's words.

Imported only when one of the flags is used; --mount is read by `spec.mountfields`.
"""

from __future__ import annotations

import posixpath

from argosy.spec.options import BadOption, Mount

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

_NAME_START = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_NAME = _NAME_START | frozenset("_.-")
PROPAGATION = tuple(
    recursive + kind for kind in ("shared", "private", "slave", "unbindable") for recursive in ("r", "")
)
# Options of which at most one may be given, and how podman names the group in its error.
_GROUPS = (
    (("ro", "rw"), "'rw' or 'ro'"),
    (("z", "Z", "O"), "'z', 'Z', or 'O'"),
    (("bind", "rbind"), "'[r]bind'"),
    (PROPAGATION, "'[r]shared', '[r]private', '[r]slave' or '[r]unbindable'"),
    (("suid", "nosuid"), "'[no]suid'"),
    (("dev", "nodev"), "'[no]dev'"),
    (("exec", "noexec"), "'[no]exec'"),
    (("copy", "nocopy"), "'copy' or 'nocopy'"),
)
_TMPFS_PAIRS = (("rw", "ro"), ("nosuid", "suid"), ("nodev", "dev"), ("noexec", "exec"))
_FLAGS = frozenset(("ro", "rw", "suid", "nosuid", "dev", "nodev", "exec", "noexec", *PROPAGATION, "bind", "rbind"))
# Options that are no flags of a mount -> field of Mount, and its value.
_SETTINGS: dict[str, tuple[str, str | bool]] = {
    "z": ("relabel", "shared"),
    "Z": ("relabel", "private"),
    "U": ("chown", True),
    "O": ("overlay", True),
    "copy": ("copy_up", True),
    "nocopy": ("copy_up", False),
}
_OVERLAY_DIRECTORIES = {"upperdir": "upper", "workdir": "work"}
_NO_EFFECT = frozenset(("", "cached", "delegated", "consistent", "default"))  # docker's, for other systems
_BESIDE_OVERLAY = frozenset(("O", "U", "z", "Z", "upperdir", "workdir", *_NO_EFFECT))
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
    source, place = ("", parts[0]) if len(parts) == 1 else (parts[0], parts[1])
    if len(parts) > 1 and not source:
        raise BadOption("host directory cannot be empty", hint=f'"{text}" has nothing in front of the colon')
    place = target(place)
    words = parts[2].split(",") if len(parts) == 3 else []
    fields = _volume_options(words, directory)
    if source[:1] in ("/", "."):
        if fields.get("overlay") and any(word.partition("=")[0] not in _BESIDE_OVERLAY for word in words):
            raise BadOption("can't use 'O' with other options", hint="U, upperdir= and workdir= go with it")
        return Mount("bind", host_path(source, directory), place, **fields)
    return Mount("volume", volume_name(source), place, **fields)


def _split_colons(text: str) -> list[str]:
    """The parts between colons; `\\:` is a colon within a part."""
    return [part.replace("\0", ":") for part in text.replace("\\:", "\0").split(":")]


def host_path(text: str, directory: str) -> str:
    """A path of the host, absolute."""
    return posixpath.normpath(posixpath.join(directory, text))


def target(text: str) -> str:
    """The place in the container, absolute and without dots and double slashes."""
    if not text:
        raise BadOption("container directory cannot be empty")
    if text[0] != "/":
        raise BadOption(f'invalid container path "{text}", must be an absolute path')
    place = "/" + posixpath.normpath(text).lstrip("/")
    if place == "/":
        raise BadOption(f'invalid container path "{text}": nothing can be mounted over the root of the container')
    return place


def volume_name(name: str) -> str:
    """`name`, if it can be that of a volume."""
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


def _volume_options(options: list[str], directory: str) -> dict[str, Any]:
    """The fields of Mount for the options of -v."""
    _refuse_pairs(options)
    fields: dict[str, Any] = {}
    flags = []
    for option in options:
        name, equals, value = option.partition("=")
        if option in _FLAGS:
            flags.append(option)
        elif option in _SETTINGS:
            field, setting = _SETTINGS[option]
            fields[field] = setting
        elif name == "idmap":
            fields["idmap"] = idmap(value if equals else None)
        elif name in _OVERLAY_DIRECTORIES:
            if "O" not in options:
                raise BadOption(f'unknown mount option "{option}": invalid mount option', hint="it goes with O")
            fields[_OVERLAY_DIRECTORIES[name]] = host_path(value, directory) if value else ""
        elif option not in _NO_EFFECT:
            raise BadOption(f'invalid option type "{option}"', hint="see argosy run --help for the options of --volume")
    if bool(fields.get("upper")) != bool(fields.get("work")):
        raise BadOption("must set both `upperdir` and `workdir`")
    if flags:
        fields["options"] = tuple(flags)
    return fields


def idmap(value: str | None) -> str:
    """The option idmap: bare, or `uids=FROM-TO-COUNT[#...];gids=...`, as crun reads it."""
    if value is None or value == "true":
        return "container"
    if value == "false":
        return ""
    from argosy.spec.idmapping import parse

    parse(value)
    return value


def parse_tmpfs(text: str) -> Mount:
    """--tmpfs `target[:options]`."""
    place, _, options = text.partition(":")
    words = [option for option in options.split(",") if option]
    for pair in _TMPFS_PAIRS:
        if len([word for word in words if word in pair]) > 1:
            raise BadOption(f"only one of '{pair[0]}' and '{pair[1]}' can be used: duplicate mount option passed")
    if len([word for word in words if word in ("tmpcopyup", "notmpcopyup")]) > 1:
        raise BadOption("the 'tmpcopyup' and 'notmpcopyup' options can only be set once: duplicate mount option passed")
    return tmpfs(target(place), words)


def tmpfs(place: str, options: list[str]) -> Mount:
    """A tmpfs with options of tmpfs(5), U and [no]tmpcopyup."""
    fields: dict[str, Any] = {}
    kept = []
    for option in options:
        name, equals, value = option.partition("=")
        if option in ("tmpcopyup", "notmpcopyup"):
            fields["copy_up"] = option == "tmpcopyup"
        elif option == "U":
            fields["chown"] = True
        elif option in _TMPFS_FLAGS or option in PROPAGATION:
            kept.append(option)
        elif equals and name in _TMPFS_VALUES:
            _check_tmpfs_value(option, name, value)
            kept.append(option)
        elif option in ("bind", "rbind"):
            raise BadOption("the 'bind' and 'rbind' options are not allowed with tmpfs mounts: invalid mount option")
        else:
            hint = f"use {', '.join(sorted(_TMPFS_FLAGS))}, {'=, '.join(_TMPFS_VALUES)}=, U, [no]tmpcopyup"
            raise BadOption(f'unknown mount option "{option}": invalid mount option', hint=hint)
    return Mount("tmpfs", "", place, tuple(kept), **fields)


def _check_tmpfs_value(option: str, name: str, value: str) -> None:
    """tmpfs(5): sizes may have a unit, size also a percent sign; a mode is octal."""
    digits = value[:-1] if value and value[-1].lower() in _TMPFS_UNITS.get(name, "") else value
    allowed, what = ("01234567", "an octal number") if name == "mode" else ("0123456789", "a number")
    if not digits or set(digits) - set(allowed):
        raise BadOption(f'unknown mount option "{option}": invalid mount option', hint=f"{name} takes {what}")


def parse_volumes_from(text: str) -> tuple[str, tuple[str, ...]]:
    """--volumes-from `container[:options]`: the container, and the options (ro, rw, z) in place of the mounts' own."""
    name, _, options = text.partition(":")
    words = tuple(word for word in options.split(",") if word)
    for word in words:
        if word not in ("ro", "rw", "z"):
            raise BadOption(
                f'invalid option "{word}" specified - volumes from another container can only use z,ro,rw options'
            )
    if len([word for word in words if word in ("ro", "rw")]) > 1:
        raise BadOption("cannot set ro or rw options more than once")
    if words.count("z") > 1:
        raise BadOption("cannot set :z more than once in mount options")
    return name, words


def parse_image_volume(text: str) -> str:
    """--image-volume: "anonymous", "tmpfs" or "ignore"; containers.conf of podman says anonymous for bind."""
    found = {"bind": "anonymous", "anonymous": "anonymous", "tmpfs": "tmpfs", "ignore": "ignore"}.get(text)
    if found is None:
        raise BadOption(f'invalid image volume mode "{text}" required value: bind, tmpfs, ignore')
    return found


def parse_rootfs(text: str, directory: str) -> tuple[str, str]:
    """--rootfs `directory[:O]`, also `[:idmap[=...]]`: the absolute path, and what is behind the colon ("" if nothing).

    A colon that is not followed by one of the two belongs to the path, as with podman.
    """
    path, _, option = text.rpartition(":")
    if path and (option == "O" or option.partition("=")[0] == "idmap"):
        if option != "O":
            idmap(option.partition("=")[2] or None)
        return host_path(path, directory), option
    return host_path(text, directory), ""

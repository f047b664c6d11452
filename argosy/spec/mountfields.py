"""--mount, as text, into a `Mount`.  Raises BadOption in podman's words.  Imported only when the flag is used.

What podman 4.3 does not have yet is as newer ones and docker spell it (glob, ramfs, subpath, volume-nocopy).
"""

from __future__ import annotations

from argosy.errors import Unsupported
from argosy.spec import mountflags
from argosy.spec.options import BadOption, Mount

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_KINDS = ("bind", "volume", "tmpfs", "image", "devpts", "ramfs", "glob")
_NEEDS_VALUE = "must provide an argument for option"
_ACCESS = ("ro", "rw", "readonly")
_PAIRS = (("nosuid", "suid"), ("nodev", "dev"), ("noexec", "exec"))
_FILES = ("U", "chown", *_ACCESS, *(word for pair in _PAIRS for word in pair))
_BIND = (
    *("src", "source", "bind-nonrecursive", "bind-recursive", "bind-propagation", "propagation", "relabel", "z", "Z"),
    *("idmap", *mountflags.PROPAGATION, *_FILES),
)
_VOLUME = ("src", "source", "idmap", "volume-nocopy", "nocopy", "subpath", "volume-subpath", "volume-driver", *_FILES)
# What each type takes, beside target and consistency.
_TAKES: dict[str, frozenset[str]] = {
    "bind": frozenset(_BIND),
    "glob": frozenset(_BIND),
    "volume": frozenset((*_VOLUME, "volume-opt", "volume-label")),
    "tmpfs": frozenset(("tmpfs-size", "tmpfs-mode", "tmpcopyup", "notmpcopyup", *_FILES)),
    "ramfs": frozenset(word for word in _FILES if word not in ("U", "chown")),
    "image": frozenset(("src", "source", "rw", "readwrite", "subpath", "image-subpath")),
    "devpts": frozenset(("uid", "gid", "mode", "max")),
}


def parse_mount(text: str, directory: str = "/") -> Mount:
    """`type=bind,source=...,target=...,option...`, its fields quoted as in CSV.  Without a type, it is a volume."""
    items = [item.partition("=") for item in _csv(text)]
    kinds = [value for key, equals, value in items if key == "type" and equals]
    kind = kinds[-1] if kinds else "volume"
    if not kinds and "=" not in text:
        raise BadOption(
            "incorrect mount format: should be --mount type=<bind|tmpfs|volume>,[src=<host-dir|volume-name>,]"
            "target=<ctr-dir>[,options]"
        )
    if kind not in _KINDS:
        raise BadOption(f'invalid filesystem type "{kind}"', hint=f"use one of {', '.join(_KINDS)}")
    reader = _Reader(kind)
    for key, equals, value in items:
        if key != "type":
            reader.take(key, value if equals else None)
    return reader.mount(directory)


def _csv(text: str) -> list[str]:
    """The comma-separated fields; a field in double quotes may hold commas, a quote in it is doubled."""
    if '"' not in text:
        return text.split(",")
    import csv

    try:
        return next(csv.reader([text], strict=True))
    except csv.Error as error:
        raise BadOption(f'parse error in "{text}": {error}', hint="a field in double quotes ends with one") from error


def _truth(value: str | None) -> bool | None:
    """A boolean in Go's spelling, True without one; None when it is neither."""
    if value is None or value.lower() in ("1", "t", "true"):
        return True
    return False if value.lower() in ("0", "f", "false") else None


class _Reader:
    """Takes the fields one by one, and makes the mount of them."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._source = ""
        self._target = ""
        self._options: list[str] = []
        self._fields: dict[str, Any] = {}
        self._seen: set[str] = set()

    def take(self, key: str, value: str | None) -> None:
        """One field; None for one without an equals sign."""
        if key in ("target", "dst", "destination"):
            self._target = mountflags.target(self._value(key, value))
        elif key in ("src", "source") and self._kind == "tmpfs":
            raise BadOption("source is not supported with tmpfs mounts")
        elif key != "consistency":
            if key not in _TAKES[self._kind]:
                raise BadOption(f"{key}: invalid mount option", hint=self._hint())
            self._take(key, value)

    def _hint(self) -> str:
        return f"type={self._kind} takes {', '.join(sorted(_TAKES[self._kind]))}"

    def _take(self, key: str, value: str | None) -> None:
        if key in _ACTIONS:
            _ACTIONS[key](self, key, value)
        elif self._kind == "devpts":
            self._number(key, value)
        elif key in mountflags.PROPAGATION:
            self._options.append(key)
        else:
            self._pair(key)

    def _value(self, key: str, value: str | None) -> str:
        if value is None:
            raise BadOption(f"{key}: {_NEEDS_VALUE}")
        return value

    def _once(self, name: str, message: str) -> None:
        if name in self._seen:
            raise BadOption(f"{message}: {_NEEDS_VALUE}")
        self._seen.add(name)

    def source(self, key: str, value: str | None) -> None:
        """src, source."""
        self._source = self._value(key, value)
        if not self._source and self._kind != "volume":
            raise BadOption(f"host directory cannot be empty: {_NEEDS_VALUE}")

    def access(self, key: str, value: str | None) -> None:
        """ro, rw, readonly; of an image rw and readwrite."""
        truth = _truth(value)
        if self._kind == "image":
            if truth is None:
                raise BadOption(f'invalid rw value "{value}": invalid mount option')
            self._options.append("rw" if truth else "ro")
            return
        self._once("access", "cannot pass 'readonly', 'ro', or 'rw' options more than once")
        if truth is None:
            raise BadOption(
                f"'readonly', 'ro', or 'rw' must be set to true or false, instead received \"{value}\": {_NEEDS_VALUE}"
            )
        self._options.append("rw" if truth == (key == "rw") else "ro")

    def _pair(self, key: str) -> None:
        pair = next(pair for pair in _PAIRS if key in pair)
        self._once(pair[0], f"cannot pass '{pair[0]}' and '{pair[1]}' options more than once")
        self._options.append(key)

    def chown(self, _key: str, value: str | None) -> None:
        """U, chown."""
        truth = _truth(value)
        if truth is None:
            raise BadOption(
                f"'U' or 'chown' must be set to true or false, instead received \"{value}\": {_NEEDS_VALUE}"
            )
        self._once("chown", "cannot pass 'U' or 'chown' option more than once")
        self._fields["chown"] = truth

    def relabel(self, key: str, value: str | None) -> None:
        """relabel=shared, relabel=private, z, Z."""
        self._once("relabel", "cannot pass 'relabel' option more than once")
        label = {"z": "shared", "Z": "private"}.get(key, value)
        if label not in ("shared", "private"):
            raise BadOption("relabel mount option must be 'private' or 'shared': invalid mount option")
        self._fields["relabel"] = label

    def propagation(self, key: str, value: str | None) -> None:
        """bind-propagation."""
        kind = self._value(key, value)
        if kind not in mountflags.PROPAGATION:
            raise BadOption(f'invalid option type "{kind}"', hint=f"use one of {', '.join(mountflags.PROPAGATION)}")
        self._options.append(kind)

    def recursion(self, key: str, value: str | None) -> None:
        """podman's bind-nonrecursive, docker's bind-recursive."""
        if key == "bind-nonrecursive":
            truth = _truth(value)
        elif value in ("writable", "readonly"):
            raise Unsupported(f'the mount option "{key}={value}" is not there yet', hint="use enabled or disabled")
        else:
            truth = {"enabled": False, "disabled": True}.get(value or "")
        if truth is None:
            raise BadOption(f'invalid {key} value "{value}": invalid mount option')
        self._options.append("bind" if truth else "rbind")

    def idmap(self, _key: str, value: str | None) -> None:
        """idmap, idmap=true, idmap=uids=...;gids=..."""
        self._fields["idmap"] = mountflags.idmap(value)

    def subpath(self, key: str, value: str | None) -> None:
        """What is mounted of a volume or an image."""
        self._fields["subpath"] = self._value(key, value).strip("/")

    def copy_up(self, key: str, value: str | None) -> None:
        """tmpcopyup, notmpcopyup, volume-nocopy."""
        if key.endswith("tmpcopyup"):
            self._once("tmpcopyup", "cannot pass 'tmpcopyup' and 'notmpcopyup' options more than once")
        truth = _truth(value)
        if truth is None:
            raise BadOption(f'invalid {key} value "{value}": invalid mount option')
        self._fields["copy_up"] = truth == (key == "tmpcopyup")

    def tmpfs(self, key: str, value: str | None) -> None:
        """tmpfs-size, tmpfs-mode."""
        self._options.append(f"{key[6:]}={self._value(key, value)}")

    def _number(self, key: str, value: str | None) -> None:
        """uid, gid, mode, max of devpts."""
        allowed = "01234567" if key == "mode" else "0123456789"
        if not self._value(key, value) or set(value or "") - set(allowed):
            hint = f"{key} takes {'an octal number' if key == 'mode' else 'a number'}"
            raise BadOption(f'invalid {key} value "{value}": invalid mount option', hint=hint)
        self._options.append(f"{key}={value}")

    def driver(self, key: str, value: str | None) -> None:
        """volume-opt, and docker's volume-driver and volume-label: how a volume that is not there yet is made."""
        if key == "volume-driver":
            if value != "local":
                raise Unsupported(
                    f'volumes of the driver "{value}" cannot be made', hint="the driver local is all there is"
                )
            return
        if key == "volume-opt" and "=" not in (value or ""):
            raise BadOption("cannot parse driver opts: invalid mount option")
        field = "volume_options" if key == "volume-opt" else "volume_labels"
        self._fields[field] = (*self._fields.get(field, ()), self._value(key, value))

    def mount(self, directory: str) -> Mount:
        """What all fields together ask for."""
        kind, source, place = self._kind, self._source, self._target
        if kind == "image" and not (source and place):
            raise BadOption("must set source and destination for image volume")
        if kind == "glob" and not source:
            raise BadOption("must set source with type=glob", hint="add source=PATTERN")
        if not place and kind != "glob":
            raise BadOption("must set volume destination", hint="add target=PATH")
        if kind == "tmpfs":
            return mountflags.tmpfs(place, self._options).replace(**self._fields)
        if kind in ("bind", "glob"):
            source = mountflags.host_path(source or place, directory)
        elif kind == "volume":
            source = mountflags.volume_name(source)
        return Mount(kind, source, place, tuple(self._options), **self._fields)


_ACTIONS: dict[str, Callable[[_Reader, str, str | None], None]] = {
    **dict.fromkeys(("src", "source"), _Reader.source),
    **dict.fromkeys((*_ACCESS, "readwrite"), _Reader.access),
    **dict.fromkeys(("U", "chown"), _Reader.chown),
    **dict.fromkeys(("relabel", "z", "Z"), _Reader.relabel),
    **dict.fromkeys(("bind-propagation", "propagation"), _Reader.propagation),
    **dict.fromkeys(("bind-nonrecursive", "bind-recursive"), _Reader.recursion),
    "idmap": _Reader.idmap,
    **dict.fromkeys(("subpath", "volume-subpath", "image-subpath"), _Reader.subpath),
    **dict.fromkeys(("tmpcopyup", "notmpcopyup", "volume-nocopy", "nocopy"), _Reader.copy_up),
    **dict.fromkeys(("tmpfs-size", "tmpfs-mode"), _Reader.tmpfs),
    **dict.fromkeys(("volume-driver", "volume-opt", "volume-label"), _Reader.driver),
}

"""storage.conf(5): where the store is, how it is made, and the options of the storage driver.

Argosy's store has a format of its own.  Where the file moves podman's store (`graphroot`, `runroot`, or without
privilege `rootless_storage_path`), Argosy's goes along, into a directory `argosy` of the same place.  With --root none
of that counts, nor do the options, as with podman.  The parsed file is kept until it changes.
"""

from __future__ import annotations

import os

from argosy.config import containers
from argosy.config.locations import SYSTEM_STORAGE_FILES, default_run, home_directory, storage_conf
from argosy.config.storageopts import SYNCED, Option, StorageOptions, parse, split
from argosy.errors import Invalid
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, ClassVar

# podman's names for the drivers that there are, and ours.
DRIVERS = {"overlay": ("overlay", "fuse_overlay"), "overlay2": ("overlay", "fuse_overlay"), "vfs": ("vfs",)}
_OURS = "argosy"
_WHAT = "storage.conf"
_DRIVER_KEYS = ("mount_program", "mountopt", "ignore_chown_errors", "skip_mount_home", "force_mask", "size", "inodes")


class StorageConf(Value):
    """`path` is the file that was read, "" for the defaults.

    `auto_userns_user` is whose ranges root's --userns=auto takes; the sizes are the least and the most ids that it
    gives to a container which does not say how many.

    `graphroot` and `runroot` are podman's; `root` and `run` Argosy's where they differ from its own default, else "".
    An empty `driver` means the first of `driver_priority` that works, and where that is empty the best that the host
    has.  The options are as they stand in the file: who uses them parses them.
    """

    path: str = ""
    driver: str = ""
    driver_priority: tuple[str, ...] = ()
    graphroot: str = "/var/lib/containers/storage"
    runroot: str = "/run/containers/storage"
    root: str = ""
    run: str = ""
    transient_store: bool = False
    auto_userns_user: str = "containers"
    auto_userns_min_size: int = 1024
    auto_userns_max_size: int = 65536
    options: tuple[Option, ...] = ()

    _nested: ClassVar[dict[str, type[Value]]] = {"options": Option}

    @property
    def drivers(self) -> tuple[str, ...]:
        """Argosy's drivers that a new store may have, the first that works; all where none are named."""
        names = (self.driver,) if self.driver else self.driver_priority
        return tuple(dict.fromkeys(driver for name in names for driver in DRIVERS[name]))


def load(environ: Mapping[str, str], *, uid: int, rootless: bool) -> StorageConf:
    """The one storage.conf that counts, with STORAGE_DRIVER over it.

    `uid` is the user's, outside any namespace.  Raises Invalid that names the file and the line or key.
    """
    path = storage_conf(environ, rootless=rootless)
    conf = _defaults(environ, uid) if rootless else StorageConf()
    if path:
        conf = _kept(path, conf, environ, uid, rootless=rootless)
    driver = environ.get("STORAGE_DRIVER", "")
    if driver:
        _check_driver(driver, "STORAGE_DRIVER")
        conf = conf.replace(driver=driver)
    return conf


def _defaults(environ: Mapping[str, str], uid: int) -> StorageConf:
    data = environ.get("XDG_DATA_HOME", "") or os.path.join(home_directory(environ, uid), ".local/share")
    run = environ.get("XDG_RUNTIME_DIR", "") or f"/run/user/{uid}"
    return StorageConf(graphroot=os.path.join(data, "containers/storage"), runroot=os.path.join(run, "containers"))


def _kept(path: str, defaults: StorageConf, environ: Mapping[str, str], uid: int, *, rootless: bool) -> StorageConf:
    cache = os.path.join(default_run(uid, environ, rootless=rootless), "cache", "storage.conf.json")
    names = {"HOME": home_directory(environ, uid), "USER": environ.get("USER", ""), "UID": str(uid)}
    places = (path, defaults.graphroot, defaults.runroot, *names.values())
    found = containers.read_kept(cache, StorageConf, places)
    if found is not None:
        return found
    from argosy.config import tomlfile

    stamps = [containers.stamp(path)]
    own = not rootless or path not in SYSTEM_STORAGE_FILES
    conf = _File(path, names, own=own, rootless=rootless).laid_over(defaults, tomlfile.read(path, _WHAT))
    containers.keep(cache, conf, places, stamps)
    return conf


def options(environ: Mapping[str, str], given: Sequence[str] | None, conf: StorageConf | None = None) -> StorageOptions:
    """The options that count: those of --storage-opt, else of STORAGE_OPTS, else those of `conf`.

    `given` is None where the flag was not given; an empty one sets the others aside.
    """
    if given is not None:
        return parse(split(given, "--storage-opt"))
    texts = environ.get("STORAGE_OPTS", "")
    if texts:
        return parse(split(texts.split(","), "STORAGE_OPTS"))
    return parse(conf.options if conf is not None else ())


def _check_driver(name: str, source: str) -> None:
    if name not in DRIVERS:
        hint = f"use one of overlay, vfs in {source}, or leave it out"
        raise Invalid("storage driver", name, "argosy has no such driver", hint=hint)


class _File:
    """A file being read.  `own` says that graphroot and runroot of it count: not for a user in the system's file."""

    def __init__(self, path: str, names: Mapping[str, str], *, own: bool, rootless: bool) -> None:
        self._path = path
        self._names = names
        self._own = own
        self._rootless = rootless

    def laid_over(self, conf: StorageConf, tables: dict[str, Any]) -> StorageConf:
        storage = self._table(tables, "storage")
        options = self._table(storage, "storage.options")
        driver = self._text(storage, "storage.driver")
        priority = self._texts(storage, "storage.driver_priority")
        for key, names in (("driver", (driver,) if driver else ()), ("driver_priority", priority)):
            for name in names:
                _check_driver(name, f"{self._path}{self._line(f'storage.{key}')}")
        least, most = (self._number(options, f"storage.options.auto-userns-{end}-size") for end in ("min", "max"))
        return self._moved(conf, storage).replace(
            auto_userns_user=self._text(options, "storage.options.root-auto-userns-user") or conf.auto_userns_user,
            auto_userns_min_size=least or conf.auto_userns_min_size,
            auto_userns_max_size=most or conf.auto_userns_max_size,
            path=self._path,
            driver=driver,
            driver_priority=priority,
            transient_store=self._flag(storage, "storage.transient_store"),
            options=tuple(self._options(options, driver)),
        )

    def _moved(self, conf: StorageConf, storage: dict[str, Any]) -> StorageConf:
        """With the places that the file names; Argosy's where they are not podman's usual ones."""
        graphroot = self._place(storage, "storage.graphroot") if self._own else ""
        if self._rootless and not graphroot:
            graphroot = self._place(storage, "storage.rootless_storage_path")
        runroot = self._place(storage, "storage.runroot") if self._own else ""
        found: dict[str, str] = {}
        if graphroot:
            found["graphroot"] = graphroot
            if graphroot != conf.graphroot:
                found["root"] = os.path.join(graphroot, _OURS)
        if runroot:
            found["runroot"] = runroot
            if runroot != conf.runroot:
                found["run"] = os.path.join(runroot, _OURS)
        return conf.replace(**found)

    def _options(self, options: dict[str, Any], driver: str) -> Iterator[Option]:
        """The options that concern the driver; keys that podman's drivers here do not know are left alone."""
        for key in ("additionalimagestores", "additionallayerstores"):
            for store in self._texts(options, f"storage.options.{key}"):
                yield self._option(f"storage.options.{key}", key.removesuffix("s"), store)
        tables = [("storage.options", options)]
        tables += [(f"storage.options.{name}", self._table(options, f"storage.options.{name}")) for name in DRIVERS]
        if self._flag(options, "storage.options.disable-volatile"):
            yield self._option("storage.options.disable-volatile", "mountopt", SYNCED)
        for where, table in tables:
            if where.rpartition(".")[2] == "vfs" and driver != "vfs":
                continue
            for key in _DRIVER_KEYS:
                value = self._text(table, f"{where}.{key}")
                if value:
                    yield self._option(f"{where}.{key}", key, value)

    def _option(self, place: str, key: str, value: str) -> Option:
        return Option(key, self._expanded(value), f"{self._path}{self._line(place)}", of_a_file=True)

    def _place(self, table: dict[str, Any], key: str) -> str:
        found = self._expanded(self._text(table, key))
        if found and not os.path.isabs(found):
            raise self._fault(key, f"must be an absolute path, not {found!r}")
        return os.path.normpath(found) if found else ""

    def _expanded(self, text: str) -> str:
        """`text` with $HOME, $USER and $UID filled in, as storage.conf(5) allows."""
        for name, value in self._names.items():
            text = text.replace(f"${name}", value)
        return text

    def _text(self, table: dict[str, Any], key: str) -> str:
        value = table.get(key.rpartition(".")[2], "")
        if not isinstance(value, str):
            raise self._fault(key, f"must be a string, not {value!r}")
        return self._without_nul(value, key)

    def _texts(self, table: dict[str, Any], key: str) -> tuple[str, ...]:
        value = table.get(key.rpartition(".")[2], [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._fault(key, f"must be an array of strings, not {value!r}")
        return tuple(self._without_nul(item, key) for item in value)

    def _flag(self, table: dict[str, Any], key: str) -> bool:
        value = table.get(key.rpartition(".")[2], False)
        if not isinstance(value, bool):
            raise self._fault(key, f"must be true or false, not {value!r}")
        return value

    def _number(self, table: dict[str, Any], key: str) -> int:
        value = table.get(key.rpartition(".")[2], 0)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 32:
            raise self._fault(key, f"must be a number of ids, not {value!r}")
        return value

    def _without_nul(self, value: str, key: str) -> str:
        if "\0" in value:
            raise self._fault(key, "must not hold a NUL byte")
        return value

    def _table(self, tables: dict[str, Any], key: str) -> dict[str, Any]:
        table = tables.get(key.rpartition(".")[2], {})
        if not isinstance(table, dict):
            raise self._fault(key, "must be a table")
        return table

    def _fault(self, key: str, why: str) -> Invalid:
        from argosy.config import tomlfile

        return tomlfile.fault(_WHAT, self._path, key, why)

    def _line(self, key: str) -> str:
        from argosy.config import tomlfile

        return tomlfile.at_line(self._path, key)

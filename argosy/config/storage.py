"""storage.conf(5): what of it concerns Argosy, and where podman's own store is.

Argosy's store has its own place and format, so most of the file does not apply.  `driver` and `mount_program` are taken
when a store is made (the store then records them); `graphroot`, `runroot` and `additional_image_stores` say where a
store of podman's is.  Never read on the path of `run`.
"""

from __future__ import annotations

import os

from argosy.config.containers import configuration_home
from argosy.config.locations import home_directory
from argosy.errors import Invalid
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

DRIVERS = ("overlay", "vfs")


class StorageConf(Value):
    """`path` is the file that was read, "" for the defaults.  An empty `driver` means: the best that the host has."""

    path: str = ""
    driver: str = ""
    mount_program: str = ""
    mount_options: tuple[str, ...] = ()
    ignore_chown_errors: bool = False
    graphroot: str = "/var/lib/containers/storage"
    runroot: str = "/run/containers/storage"
    additional_image_stores: tuple[str, ...] = ()


def load(environ: Mapping[str, str], *, uid: int, rootless: bool) -> StorageConf:
    """The one storage.conf that counts, with STORAGE_DRIVER over it.

    Raises Invalid that names the file and the line or key.
    """
    conf = StorageConf()
    if rootless:
        data = environ.get("XDG_DATA_HOME", "") or os.path.join(home_directory(environ), ".local/share")
        run = environ.get("XDG_RUNTIME_DIR", "") or f"/run/user/{uid}"
        conf = conf.replace(graphroot=os.path.join(data, "containers/storage"), runroot=os.path.join(run, "containers"))
    path = _file(environ, rootless=rootless)
    if path:
        from argosy.config import tomlfile

        conf = _read(conf, path, tomlfile.read(path, "storage.conf"), rootless=rootless)
        if rootless:
            conf = conf.replace(graphroot=_expanded(conf.graphroot, environ, uid))
    driver = environ.get("STORAGE_DRIVER", "") or conf.driver
    if driver and driver not in DRIVERS:
        source = "STORAGE_DRIVER"
        if not environ.get(source):
            from argosy.config import tomlfile

            source = path + tomlfile.at_line(path, "storage.driver")
        hint = f"use one of {', '.join(DRIVERS)} in {source}, or leave it out"
        raise Invalid("storage driver", driver, "argosy has no such driver", hint=hint)
    return conf.replace(driver=driver)


def wanted_driver(environ: Mapping[str, str], *, uid: int, rootless: bool) -> str:
    """The driver of a new store that storage.conf or STORAGE_DRIVER wants; "" for the best.

    "overlay" is that: it may be the kernel's or FUSE's.
    """
    conf = load(environ, uid=uid, rootless=rootless)
    if conf.driver == "vfs":
        return "vfs"
    return "fuse_overlay" if conf.mount_program else ""


def _file(environ: Mapping[str, str], *, rootless: bool) -> str:
    given = environ.get("CONTAINERS_STORAGE_CONF", "")
    if given:
        if not os.path.exists(given):
            raise Invalid("CONTAINERS_STORAGE_CONF", given, "there is no such file")
        return given
    places = ["/etc/containers/storage.conf", "/usr/share/containers/storage.conf"]
    if rootless:
        places.insert(0, os.path.join(configuration_home(environ), "containers/storage.conf"))
    from argosy.config import tomlfile

    return next((place for place in places if tomlfile.present(place)), "")


def _read(conf: StorageConf, path: str, tables: dict[str, Any], *, rootless: bool) -> StorageConf:
    from argosy.config import tomlfile

    storage = _table(path, tables, "storage")
    options = _table(path, storage, "storage.options")
    overlay = _table(path, options, "storage.options.overlay")
    found: dict[str, Any] = {"path": path}

    def take(field: str, table: dict[str, Any], key: str, where: str = "storage") -> None:
        value = table.get(key)
        if value in (None, ""):
            return
        if not isinstance(value, str):
            raise tomlfile.fault("storage.conf", path, f"{where}.{key}", f"must be a string, not {value!r}")
        if "\0" in value:
            raise tomlfile.fault("storage.conf", path, f"{where}.{key}", "must not hold a NUL byte")
        found[field] = value

    take("driver", storage, "driver")
    if rootless:
        take("graphroot", storage, "rootless_storage_path")
    else:
        take("graphroot", storage, "graphroot")
        take("runroot", storage, "runroot")
    for where, table in (("storage.options", options), ("storage.options.overlay", overlay)):
        take("mount_program", table, "mount_program", where)
        take("mount_options", table, "mountopt", where)
        take("ignore_chown_errors", table, "ignore_chown_errors", where)
    if "mount_options" in found:
        found["mount_options"] = tuple(option.strip() for option in found["mount_options"].split(","))
    if "ignore_chown_errors" in found:
        found["ignore_chown_errors"] = found["ignore_chown_errors"].lower() in ("true", "1")
    stores = options.get("additionalimagestores", [])
    if not isinstance(stores, list) or not all(isinstance(store, str) for store in stores):
        key = "storage.options.additionalimagestores"
        raise tomlfile.fault("storage.conf", path, key, f"must be an array of strings, not {stores!r}")
    found["additional_image_stores"] = tuple(stores)
    return conf.replace(**found)


def _expanded(path: str, environ: Mapping[str, str], uid: int) -> str:
    """`path` with $HOME, $USER and $UID filled in, as storage.conf(5) allows."""
    names = {"HOME": home_directory(environ), "USER": environ.get("USER", ""), "UID": str(uid)}
    for name, value in names.items():
        path = path.replace(f"${name}", value)
    return path


def _table(path: str, tables: dict[str, Any], key: str) -> dict[str, Any]:
    table = tables.get(key.rpartition(".")[2], {})
    if not isinstance(table, dict):
        from argosy.config import tomlfile

        raise tomlfile.fault("storage.conf", path, key, "must be a table")
    return table

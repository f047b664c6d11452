"""Connections: hosts by name, where a command can run instead of here.

They stand in podman-connections.json, as podman 5 writes it, and in containers.conf under [engine] (active_service,
service_destinations).  Only the first is ever written: containers.conf is people's own.
"""

from __future__ import annotations

import os

from argosy import jsontext
from argosy.errors import ArgosyError, Invalid
from argosy.linux import files, locks
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from argosy.config.containers import ContainersConf

_LIMIT = 4 << 20


class Connection(Value):
    """A host: its URI, and the file with the private key for it, "" for what ssh takes by itself."""

    uri: str
    identity: str = ""


class Connections(Value):
    """What is known, in the order in which it was added, and the name of the one to take where none is named."""

    default: str
    entries: Mapping[str, Connection]

    def named(self, name: str) -> Connection:
        """The connection of this name.  Raises ArgosyError in podman's words."""
        if name not in self.entries:
            raise undefined(name)
        return self.entries[name]


def undefined(name: str) -> ArgosyError:
    """What podman says of a name that is not there."""
    return ArgosyError(f'"{name}" destination is not defined. See "argosy system connection add ..." to create one')


def load(conf: ContainersConf, environ: Mapping[str, str]) -> Connections:
    """Those of containers.conf, then those of the file; the file's default counts before that of containers.conf."""
    kept = read(environ)
    configured = {name: Connection(*pair) for name, pair in conf.connections.items()}
    return Connections(kept.default or conf.active_service, {**configured, **kept.entries})


def path(environ: Mapping[str, str]) -> str:
    """Where the file is: PODMAN_CONNECTIONS_CONF names another one."""
    home = environ.get("XDG_CONFIG_HOME", "") or os.path.join(environ.get("HOME", "") or "/", ".config")
    return environ.get("PODMAN_CONNECTIONS_CONF", "") or f"{home}/containers/podman-connections.json"


def read(environ: Mapping[str, str]) -> Connections:
    """The file alone.  Raises Invalid for one that is broken."""
    place = path(environ)
    try:
        data = files.read_regular(place, _LIMIT)
    except (FileNotFoundError, NotADirectoryError):
        return Connections("", {})
    except OSError as error:
        raise ArgosyError(f"cannot read {place}", details=str(error.strerror)) from error
    try:
        section = jsontext.decode(data).get("Connection") or {} if data.strip() else {}
        entries = {
            str(name): Connection(str(entry["URI"]), str(entry.get("Identity") or ""))
            for name, entry in (section.get("Connections") or {}).items()
        }
        return Connections(str(section.get("Default") or ""), entries)
    except (Invalid, AttributeError, KeyError, TypeError) as error:
        raise Invalid(
            "file of connections", place, 'no {"Connection": {"Default": ..., "Connections": ...}}'
        ) from error


class Change:
    """The file under a lock, in a `with` block: what `entries` and `default` hold at its end is what is written."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._place = path(environ)
        self._environ = environ
        self.entries: dict[str, Connection] = {}
        self.default = ""

    def __enter__(self) -> Change:
        try:
            files.make_directories(os.path.dirname(self._place) or ".")
            self._lock = locks.acquire(f"{self._place}.lock", create=True)
            assert self._lock is not None
        except OSError as error:
            raise self._failed(error) from error
        try:
            kept = read(self._environ)
        except BaseException:
            self._lock.release()
            raise
        self.entries, self.default = dict(kept.entries), kept.default
        return self

    def __exit__(self, kind: object, *_rest: object) -> None:
        try:
            if kind is None:
                self._write()
        finally:
            assert self._lock is not None
            self._lock.release()

    def _write(self) -> None:
        section: dict[str, Any] = {"Default": self.default} if self.default else {}
        section["Connections"] = {
            name: {"URI": entry.uri, **({"Identity": entry.identity} if entry.identity else {})}
            for name, entry in self.entries.items()
        }
        try:
            files.write_atomic(self._place, jsontext.encode({"Connection": section, "Farm": {}}) + b"\n")
        except OSError as error:
            raise self._failed(error) from error

    def _failed(self, error: OSError) -> ArgosyError:
        return ArgosyError(f"cannot write {self._place}", details=str(error.strerror))

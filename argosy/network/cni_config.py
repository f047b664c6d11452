"""CNI configurations: lists of plugins, as files in /etc/cni/net.d have them.

The specification is https://www.cni.dev/docs/spec/ in the versions 0.3.0 to 1.1.0.  A plugin's own configuration is
kept as it was written, and handed to the plugin with what `Plugins` adds.
"""

from __future__ import annotations

import os
import re

from argosy import jsontext
from argosy.errors import ArgosyError, Invalid, NotFound, Unsupported
from argosy.linux import files
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

DIRECTORY = "/etc/cni/net.d"
VERSIONS = ("0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0")
_SUFFIXES = (".conflist", ".conf", ".json")
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*\Z")
_LIMIT, _NAME_LIMIT = 1 << 20, 150


class NetworkList(Value):
    """A network: the plugins that a container is handed to, one after another, and the version they are spoken to in.

    `no_check` and `no_gc`: the author of the file says that CHECK and GC are not to be called.
    """

    name: str
    version: str
    plugins: tuple[Mapping[str, Any], ...]
    no_check: bool = False
    no_gc: bool = False

    def at_least(self, version: str) -> bool:
        """Whether the plugins are spoken to in this version or a later one."""
        return VERSIONS.index(self.version) >= VERSIONS.index(version)


def load(directory: str = DIRECTORY, name: str = "", *, notice: Callable[[str], None]) -> NetworkList:
    """The network of this name, or the first in the order of the file names, as the kubelet's runtimes have it.

    A file that cannot be read or makes no sense is told of and passed over.  Raises NotFound when none is left.
    """
    try:
        names = sorted(entry for entry in os.listdir(directory) if entry.endswith(_SUFFIXES))
    except FileNotFoundError:
        names = []
    for entry in names:
        path = f"{directory}/{entry}"
        try:
            found = parse(files.read(path, _LIMIT), path)
        except (ArgosyError, OSError) as error:
            notice(f"{path} is passed over: {error}")
            continue
        if name in ("", found.name):
            return found
    missing = NotFound("CNI network", name or "of any name")
    missing.hint = f"a file that ends in .conflist describes one: {directory}"
    raise missing


def parse(text: bytes, path: str) -> NetworkList:
    """The network that a file describes: a list of plugins, or (as .conf files have it) one alone.

    Raises Invalid for what is none, Unsupported for a version that we do not speak.
    """
    data = jsontext.decode(text, path)
    if not isinstance(data, dict):
        raise Invalid("CNI configuration", path, "it is not an object")
    plugins = data.get("plugins", [data] if "type" in data else [])
    if not isinstance(plugins, list) or not plugins:
        raise Invalid("CNI configuration", path, "it names no plugins")
    for plugin in plugins:
        if not isinstance(plugin, dict) or not _is_type(plugin.get("type")):
            raise Invalid("CNI configuration", path, 'a plugin has no "type" that is the name of a program')
        if not isinstance(plugin.get("capabilities") or {}, dict):
            raise Invalid("CNI configuration", path, f'"capabilities" of the plugin {plugin["type"]} is not an object')
    name = data.get("name")
    if not isinstance(name, str) or not _NAME.match(name) or len(name) > _NAME_LIMIT:
        raise Invalid(
            "CNI configuration", path, 'its "name" must match [a-zA-Z0-9][a-zA-Z0-9_.-]*, with 150 characters at most'
        )
    return NetworkList(
        name=name,
        version=_version(data, path),
        plugins=tuple(plugins),
        no_check=_flag(data, "disableCheck", path),
        no_gc=_flag(data, "disableGC", path),
    )


def check_target(container_id: str, interface: str) -> None:
    """Raise Invalid for what the specification allows neither as a container's id nor as the name of a device."""
    if not _NAME.match(container_id):
        raise Invalid("CNI container id", container_id, "it must match [a-zA-Z0-9][a-zA-Z0-9_.-]*")
    if not re.match(r"[^\s/:]{1,15}\Z", interface) or interface in (".", ".."):
        raise Invalid("interface name", interface, "1 to 15 characters without blanks, / and : are possible")


def _is_type(value: object) -> bool:
    return isinstance(value, str) and bool(value) and not {"/", "\0"} & {*value} and value not in (".", "..")


def _version(data: Mapping[str, Any], path: str) -> str:
    """The latest version that the file offers and we speak."""
    offered = data.get("cniVersions") or [data.get("cniVersion", "0.2.0")]
    if not isinstance(offered, list):
        raise Invalid("CNI configuration", path, '"cniVersions" is not a list')
    known = [version for version in VERSIONS if version in offered]
    if not known:
        words = ", ".join(map(str, offered))
        raise Unsupported(f"{path} is written for CNI {words}", hint=f"versions {VERSIONS[0]} to {VERSIONS[-1]} can be")
    return known[-1]


def _flag(data: Mapping[str, Any], key: str, path: str) -> bool:
    """true and false are written as text too, as the reference implementation has it."""
    value = data.get(key, False)
    if value in (True, False):
        return bool(value)
    if value in ("true", "false"):
        return bool(value == "true")
    raise Invalid("CNI configuration", path, f'"{key}" is neither true nor false')

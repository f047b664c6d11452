"""The slow part of `config.containers`: reading and merging the TOML files.  Imported only when the cache is stale."""

from __future__ import annotations

import os

from argosy.config import tomlfile
from argosy.config.containers import ContainersConf
from argosy.errors import Invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Where each field stands in the files; a name that differs from the field's is given as "field=key".
_TABLES = {
    "containers": """annotations apparmor_profile base_hosts_file cgroups cgroupns default_capabilities default_sysctls
        default_ulimits devices dns_options dns_searches dns_servers env env_host host_containers_internal_ip http_proxy
        init init_path ipcns label log_driver log_size_max log_tag netns no_hosts pidns pids_limit privileged read_only
        seccomp_profile shm_size tz umask userns utsns volumes""",
    "network": "default_rootless_network_cmd pasta_options",
    "engine": """cgroup_manager conmon_env_vars conmon_path detach_keys engine_env=env events_logger helper_binaries_dir
        hooks_dir image_default_format image_default_transport image_parallel_copies image_volume_mode
        network_cmd_options network_cmd_path no_pivot_root pull_policy retry runtime runtimes stop_timeout""",
}


def existing(places: tuple[str, ...]) -> list[str]:
    """The files to read, weakest first: drop-ins in the order of their names, after the file that they belong to."""
    files: list[str] = []
    for place in places:
        if place.endswith(".conf.d"):
            try:
                names = sorted(name for name in os.listdir(place) if name.endswith(".conf"))
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                raise tomlfile.unreadable(place, error) from error
            files.extend(os.path.join(place, name) for name in names)
        elif os.path.exists(place):
            files.append(place)
    return files


def merged(files: list[str]) -> ContainersConf:
    """The defaults with each of `files` laid over them in turn."""
    values: dict[str, Any] = {}
    for path in files:
        _overlay(values, path, tomlfile.read(path, "containers.conf"))
    capabilities = values.get("default_capabilities")
    if capabilities is not None:
        values["default_capabilities"] = tuple(_capability(name) for name in capabilities)
    return ContainersConf(**values)


def _capability(name: str) -> str:
    upper = name.upper()
    return upper if upper.startswith("CAP_") else f"CAP_{upper}"


def _overlay(values: dict[str, Any], path: str, tables: dict[str, Any]) -> None:
    """Put what `tables` sets into `values`: a list replaces the one before, unless it holds `{append=true}`."""
    defaults = ContainersConf()
    for table, names in _TABLES.items():
        found = tables.get(table, {})
        if not isinstance(found, dict):
            raise Invalid("containers.conf", path, f"{table} must be a table")
        for name in names.split():
            field, _, key = name.partition("=")
            key = key or field
            if key in found:
                old = values.get(field, getattr(defaults, field))
                values[field] = _checked(path, f"{table}.{key}", found[key], old)


def _checked(path: str, key: str, value: Any, old: Any) -> Any:
    """`value` in the type of `old`, the value that it replaces."""
    if isinstance(old, tuple):
        return _strings(path, key, value, old)
    if isinstance(old, dict):
        if not isinstance(value, dict):
            raise Invalid("containers.conf", path, f"{key} must be a table")
        added = {name: _strings(path, f"{key}.{name}", paths, ()) for name, paths in value.items()}
        return {**old, **added}
    if type(value) is not type(old):
        wanted = {str: "a string", int: "an integer", bool: "true or false"}[type(old)]
        raise Invalid("containers.conf", path, f"{key} must be {wanted}, not {value!r}")
    return value


def _strings(path: str, key: str, value: Any, old: tuple[str, ...]) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise Invalid("containers.conf", path, f"{key} must be an array of strings, not {value!r}")
    append = any(item == {"append": True} for item in value)
    items = tuple(item for item in value if not (isinstance(item, dict) and "append" in item))
    for item in items:
        if not isinstance(item, str):
            raise Invalid("containers.conf", path, f"{key} must be an array of strings, but holds {item!r}")
    return old + items if append else items

"""The slow part of `config.containers`: reading and merging the TOML files.  Imported only when the cache is stale."""

from __future__ import annotations

import os
import re

from argosy import durations
from argosy.config import tomlfile
from argosy.config.containers import ContainersConf
from argosy.errors import Invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_WHAT = "containers.conf"

# Where each field stands in the files; a name that differs from the field's is given as "field=key".
_TABLES = {
    "containers": """annotations apparmor_profile base_hosts_file cgroups cgroupns container_name_as_hostname
        default_capabilities default_sysctls default_ulimits devices dns_options dns_searches dns_servers env env_host
        host_containers_internal_ip http_proxy init init_path interface_name ipcns keyring label label_users log_driver
        log_path log_size_max log_tag mounts netns no_hosts oom_score_adj pidns pids_limit prepare_volume_on_create
        privileged read_only seccomp_profile shm_size tz umask userns userns_size utsns volumes""",
    "network": """cni_plugin_dirs default_host_ips default_network default_rootless_network_cmd default_subnet
        default_subnet_pools
        dns_bind_port firewall_driver netavark_plugin_dirs network_backend network_config_dir pasta_options""",
    "engine": """active_service add_compression cdi_spec_dirs cgroup_manager chown_copied_files
        compat_api_enforce_docker_hub compose_providers compose_warning_logs compression_format compression_level
        conmon_env_vars conmon_path detach_keys enable_port_reservation engine_env=env engine_init_path=init_path
        events_container_create_inspect_data events_logfile_max_size events_logfile_path events_logger
        exit_command_delay healthcheck_events helper_binaries_dir hooks_dir image_copy_tmp_dir image_default_format
        image_default_transport image_parallel_copies image_volume_mode infra_command infra_image kube_generate_type
        lock_type multi_image_archive namespace network_cmd_options network_cmd_path no_pivot_root num_locks
        platform_to_oci_runtime pod_exit_policy pull_policy remote retry retry_delay_s=retry_delay runtime
        runtime_supports_json runtime_supports_kvm runtime_supports_nocgroups runtimes connections=service_destinations
        service_timeout ssh_config static_dir stop_timeout tmp_dir volume_path volume_plugins""",
    "secrets": "secret_driver=driver secret_opts=opts",
    "configmaps": "configmap_driver=driver",
}
# The values that a key can have, where podman has a closed list.  "" is always the default.
_CHOICES = {
    "cgroups": "enabled disabled no-conmon",
    "cgroupns": "private host",
    "cgroup_manager": "cgroupfs systemd",
    "compression_format": "gzip zstd zstd:chunked",
    "default_rootless_network_cmd": "pasta slirp4netns",
    "events_logger": "file journald none",
    "firewall_driver": "iptables nftables none firewalld",
    "image_default_format": "oci v2s1 v2s2",
    "image_default_transport": "docker://",
    "image_volume_mode": "anonymous bind ignore tmpfs",
    "ipcns": "host none private shareable",
    "kube_generate_type": "pod deployment",
    "lock_type": "file shm",
    "log_driver": "k8s-file json-file journald none passthrough",
    "network_backend": "cni netavark",
    "pidns": "private host",
    "pod_exit_policy": "continue stop",
    "pull_policy": "always missing never newer ifmissing ifnewer ifnotpresent",
    "utsns": "private host",
}
# The lists whose entries are NAME=VALUE.
_PAIRS = ("annotations", "conmon_env_vars", "default_sysctls", "default_ulimits", "engine_env", "env")
_NOT_NEGATIVE = (
    *("stop_timeout", "retry", "service_timeout", "exit_command_delay", "num_locks", "image_parallel_copies"),
    *("compression_level", "userns_size"),
)
_SIZE = re.compile(r"[0-9]+(\.[0-9]+)? ?([kmgtp]i?)?b?", re.IGNORECASE)
_LEAST_LOG_SIZE = 8192


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
        elif tomlfile.present(place):
            files.append(place)
    return files


def merged(files: list[str]) -> ContainersConf:
    """The defaults with each of `files` laid over them in turn."""
    values: dict[str, Any] = {}
    for path in files:
        _overlay(values, path, tomlfile.read(path, _WHAT))
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
            raise tomlfile.fault(_WHAT, path, table, "must be a table")
        for name in names.split():
            field, _, key = name.partition("=")
            key = key or field
            if key in found:
                old = values.get(field, getattr(defaults, field))
                value = _Key(path, f"{table}.{key}").checked(field, found[key], old)
                values[field] = value


class _Key:
    """One key of one file, which its faults name."""

    def __init__(self, path: str, name: str) -> None:
        self.path = path
        self.name = name

    def fault(self, why: str, part: str = "") -> Invalid:
        return tomlfile.fault(_WHAT, self.path, f"{self.name}.{part}" if part else self.name, why)

    def checked(self, field: str, value: Any, old: Any) -> Any:
        """`value` in the type of `old`, the value that it replaces."""
        if field == "default_subnet_pools":
            return self._pools(value)
        if field == "retry_delay_s":
            return self._seconds(value)
        if isinstance(old, tuple):
            found = self._strings(value, old)
            if field == "default_host_ips":
                self._check_addresses(found)
            for item in found if field in _PAIRS else ():
                if not item.partition("=")[0] or "=" not in item:
                    raise self.fault(f"holds {item!r}, which is not NAME=VALUE")
            return found
        if isinstance(old, dict):
            if not isinstance(value, dict):
                raise self.fault("must be a table")
            return {**old, **{name: self._entry(field, name, entry) for name, entry in value.items()}}
        if type(value) is not type(old):
            wanted = {str: "a string", int: "an integer", bool: "true or false"}[type(old)]
            raise self.fault(f"must be {wanted}, not {value!r}")
        self._check_value(field, value)
        return value

    def _check_addresses(self, texts: tuple[str, ...]) -> None:
        from ipaddress import ip_address

        for text in texts:
            try:
                ip_address(text)
            except ValueError:
                raise self.fault(f"holds {text!r}, which is no IP address") from None

    def _check_value(self, field: str, value: Any) -> None:
        choices = _CHOICES.get(field, "").split()
        if choices and value and value not in choices:
            raise self.fault(f"must be one of {', '.join(choices)}, not {value!r}")
        if isinstance(value, str) and "\0" in value:
            raise self.fault("must not hold a NUL byte")
        if field == "umask" and value and not (len(value) <= 4 and set(value) <= set("01234567")):
            raise self.fault(f"must be an octal number such as 0022, not {value!r}")
        if field == "log_size_max" and 0 <= value < _LEAST_LOG_SIZE:
            raise self.fault(f"must be negative (no limit) or at least {_LEAST_LOG_SIZE}, not {value}")
        if field == "shm_size" and value and not _SIZE.fullmatch(value):
            raise self.fault(f"must be a size such as 65536k, not {value!r}")
        if field == "oom_score_adj" and not -1000 <= value <= 1000:
            raise self.fault(f"must be between -1000 and 1000, not {value}")
        if field in _NOT_NEGATIVE and value < 0:
            raise self.fault(f"must not be negative: {value}")
        if field == "default_subnet" and value and not _is_subnet(value, 31 if ":" not in value else 127):
            raise self.fault(f"must be a subnet such as 10.88.0.0/16, not {value!r}")
        if field == "dns_bind_port" and not 0 <= value < 1 << 16:
            raise self.fault(f"must be a port, not {value}")

    def _entry(self, field: str, name: str, value: Any) -> Any:
        if field == "runtimes":
            return _Key(self.path, f"{self.name}.{name}")._strings(value, ())  # noqa: SLF001 -- one class
        if field == "connections":
            uri, identity = (value.get("uri"), value.get("identity", "")) if isinstance(value, dict) else (None, "")
            if not isinstance(uri, str) or not isinstance(identity, str):
                raise self.fault("must be a table with a uri", name)
            return uri, identity
        if not isinstance(value, str):
            raise self.fault(f"must be a string, not {value!r}", name)
        return value

    def _pools(self, value: Any) -> tuple[tuple[str, int], ...]:
        if not isinstance(value, list):
            raise self.fault('must be an array of tables {"base" = "10.89.0.0/16", "size" = 24}')
        pools = []
        for pool in value:
            base, size = (pool.get("base"), pool.get("size")) if isinstance(pool, dict) else (None, None)
            if not isinstance(base, str) or type(size) is not int or not 0 < size <= 32:
                raise self.fault(f'holds {pool!r}; an entry is {{"base" = "10.89.0.0/16", "size" = 24}}')
            if ":" in base or not _is_subnet(base, size):
                raise self.fault(f"holds {pool!r}, whose base is no IPv4 subnet of at least that size")
            pools.append((base, size))
        return tuple(pools)

    def _seconds(self, value: Any) -> float | None:
        """A duration as Go writes it; None for an empty one."""
        if value == "":
            return None
        try:
            if isinstance(value, str) and value[0] not in "+-":
                return durations.seconds(value)
        except ValueError:
            pass
        raise self.fault(f"must be a duration such as 10s, not {value!r}")

    def _strings(self, value: Any, old: tuple[str, ...]) -> tuple[str, ...]:
        if not isinstance(value, list):
            raise self.fault(f"must be an array of strings, not {value!r}")
        append = any(item == {"append": True} for item in value)
        items = tuple(item for item in value if not (isinstance(item, dict) and "append" in item))
        for item in items:
            if not isinstance(item, str):
                raise self.fault(f"must be an array of strings, but holds {item!r}")
            if "\0" in item:
                raise self.fault("must not hold a NUL byte")
        return old + items if append else items


def _is_subnet(text: str, longest: int) -> bool:
    """Whether this is a range of addresses in CIDR form, whose prefix has no more than `longest` bits."""
    import ipaddress

    try:
        return "/" in text and ipaddress.ip_network(text).prefixlen <= longest
    except ValueError:
        return False

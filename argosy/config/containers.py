"""containers.conf(5): the defaults of containers and of the engine.

Parsing TOML costs 13 ms, so the merged result is kept as JSON in the run directory, keyed by the path, inode, mtime and
size of every file and drop-in directory that may take part.  With a valid cache `load` costs a few stats and one read.
Keys that are unknown here are ignored, as podman ignores them.
"""

from __future__ import annotations

import os

from argosy import jsontext
from argosy.config.locations import configuration_home
from argosy.errors import Invalid
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, TypeVar

    Conf = TypeVar("Conf", bound=Value)

DEFAULT_CAPABILITIES = (
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_NET_BIND_SERVICE",
    "CAP_SETFCAP",
    "CAP_SETGID",
    "CAP_SETPCAP",
    "CAP_SETUID",
    "CAP_SYS_CHROOT",
)
HELPER_DIRECTORIES = (
    "/usr/local/libexec/podman",
    "/usr/local/lib/podman",
    "/usr/libexec/podman",
    "/usr/lib/podman",
)
NO_PATHS: Mapping[str, tuple[str, ...]] = {}
NO_TEXTS: Mapping[str, str] = {}
DEFAULT_SUBNET_POOLS = (
    ("10.89.0.0/16", 24),
    ("10.90.0.0/15", 24),
    ("10.92.0.0/14", 24),
    ("10.96.0.0/11", 24),
    ("10.128.0.0/9", 24),
)


class ContainersConf(Value):
    """The merged files.  Lists hold the text as written; who uses an entry parses it."""

    # [containers]
    annotations: tuple[str, ...] = ()
    apparmor_profile: str = ""  # "": the engine's default profile
    base_hosts_file: str = ""  # "": /etc/hosts; else a path, "image" or "none"
    cgroups: str = "enabled"
    cgroupns: str = ""  # "": private on cgroup v2, host on v1
    container_name_as_hostname: bool = False
    default_capabilities: tuple[str, ...] = DEFAULT_CAPABILITIES
    default_sysctls: tuple[str, ...] = ("net.ipv4.ping_group_range=0 0",)
    default_ulimits: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    dns_options: tuple[str, ...] = ()
    dns_searches: tuple[str, ...] = ()
    dns_servers: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    env_host: bool = False
    host_containers_internal_ip: str = ""  # "": chosen by the engine; "none": no entry
    http_proxy: bool = True
    init: bool = False
    init_path: str = ""  # "": that of the table engine, else catatonit from the helper directories or PATH
    engine_init_path: str = ""
    interface_name: str = ""
    ipcns: str = "shareable"
    keyring: bool = True
    label: bool = True
    label_users: bool = False
    log_driver: str = ""
    log_path: str = ""
    log_size_max: int = -1
    log_tag: str = ""
    mounts: tuple[str, ...] = ()
    netns: str = "private"
    no_hosts: bool = False
    oom_score_adj: int = 0
    pidns: str = "private"
    pids_limit: int = 2048
    prepare_volume_on_create: bool = False
    privileged: bool = False
    read_only: bool = False
    seccomp_profile: str = ""  # "": our own default profile
    shm_size: str = "65536k"
    tz: str = ""
    umask: str = "0022"
    userns: str = "host"
    userns_size: int = 0  # how many ids --userns=auto gives; 0: as many as the image needs
    utsns: str = "private"
    volumes: tuple[str, ...] = ()

    # [network]
    cni_plugin_dirs: tuple[str, ...] = ()  # (): the usual places
    default_host_ips: tuple[str, ...] = ()  # where ports are published that name no address; (): everywhere
    default_network: str = "podman"
    default_rootless_network_cmd: str = ""
    default_subnet: str = "10.88.0.0/16"
    default_subnet_pools: tuple[tuple[str, int], ...] = DEFAULT_SUBNET_POOLS  # base, and size as a prefix length
    dns_bind_port: int = 0  # 0: 53
    firewall_driver: str = ""
    netavark_plugin_dirs: tuple[str, ...] = ()
    network_backend: str = ""
    network_config_dir: str = ""  # "": in the store
    pasta_options: tuple[str, ...] = ()

    # [engine]
    active_service: str = ""
    add_compression: tuple[str, ...] = ()
    cdi_spec_dirs: tuple[str, ...] = ("/etc/cdi", "/var/run/cdi")
    cgroup_manager: str = ""  # "": what the host has
    chown_copied_files: bool = True
    compat_api_enforce_docker_hub: bool = True
    compose_providers: tuple[str, ...] = ()
    compose_warning_logs: bool = True
    compression_format: str = ""
    compression_level: int = 0  # 0: the format's own default
    conmon_env_vars: tuple[str, ...] = ()
    conmon_path: tuple[str, ...] = ()
    detach_keys: str = "ctrl-p,ctrl-q"
    enable_port_reservation: bool = True
    engine_env: tuple[str, ...] = ()
    events_container_create_inspect_data: bool = False
    events_logfile_max_size: str = "1m"
    events_logfile_path: str = ""
    events_logger: str = ""
    exit_command_delay: int = 300
    healthcheck_events: bool = True
    helper_binaries_dir: tuple[str, ...] = HELPER_DIRECTORIES
    hooks_dir: tuple[str, ...] = ()
    image_copy_tmp_dir: str = "/var/tmp"
    image_default_format: str = ""
    image_default_transport: str = "docker://"
    image_parallel_copies: int = 0
    image_volume_mode: str = "anonymous"
    infra_command: str = ""
    infra_image: str = ""
    kube_generate_type: str = "pod"
    lock_type: str = ""  # ours are flocks whatever it says
    multi_image_archive: bool = False
    namespace: str = ""
    network_cmd_options: tuple[str, ...] = ()
    network_cmd_path: str = ""
    no_pivot_root: bool = False
    num_locks: int = 2048
    platform_to_oci_runtime: Mapping[str, str] = NO_TEXTS
    pod_exit_policy: str = "continue"
    pull_policy: str = "missing"
    remote: bool = False
    retry: int = 3
    retry_delay_s: float | None = None  # None: grows with each attempt
    runtime: str = ""
    runtime_supports_json: tuple[str, ...] = ("crun", "runc", "kata", "runsc", "youki", "krun")
    runtime_supports_kvm: tuple[str, ...] = ("kata", "krun")
    runtime_supports_nocgroups: tuple[str, ...] = ("crun", "krun")
    runtimes: Mapping[str, tuple[str, ...]] = NO_PATHS
    connections: Mapping[str, tuple[str, ...]] = NO_PATHS  # name to URI and identity
    service_timeout: int = 5
    ssh_config: str = ""
    static_dir: str = ""
    stop_timeout: int = 10
    tmp_dir: str = ""
    volume_path: str = ""  # "": volumes/ in the store
    volume_plugins: Mapping[str, str] = NO_TEXTS  # name to socket

    # [secrets], [configmaps]
    secret_driver: str = "file"
    secret_opts: Mapping[str, str] = NO_TEXTS
    configmap_driver: str = "file"


_DIRECTORIES = ("/usr/share/containers", "/etc/containers")
_RACY_NS = 1_000_000_000


def load(run: str, environ: Mapping[str, str], *, rootless: bool, modules: tuple[str, ...] = ()) -> ContainersConf:
    """The merged configuration; `run` is the run directory, whose `cache/` keeps the parsed form ("" keeps nothing).

    `modules` are those of --module, the strongest last.  Where no file names a seccomp profile, the administrator's
    /etc/containers/seccomp.json is it, if there is one.  Raises Invalid that names the file and line when a file is not
    TOML, and the key as well when a value has a wrong type or is none that the key can have.
    """
    places = candidates(environ, rootless=rootless, modules=modules)
    cache = os.path.join(run, "cache", "containers.conf.json")
    kept = read_kept(cache, ContainersConf, places) if run else None
    if kept is not None:
        return kept
    from argosy.config import containersfiles

    files = containersfiles.existing(places)
    override = os.path.join(_DIRECTORIES[-1], "seccomp.json")
    stamps = [stamp(path) for path in (*places, *files, override)]
    conf = containersfiles.merged(files)
    if not conf.seccomp_profile and os.path.exists(override):
        conf = conf.replace(seccomp_profile=override)
    if run:
        keep(cache, conf, places, stamps)
    return conf


def candidates(environ: Mapping[str, str], *, rootless: bool, modules: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Every file and drop-in directory that may take part, the strongest last; most of them do not exist.

    CONTAINERS_CONF replaces the usual files, modules come after them, CONTAINERS_CONF_OVERRIDE is added last.
    """
    only = environ.get("CONTAINERS_CONF", "")
    if only:
        if not os.path.exists(only):
            raise Invalid("CONTAINERS_CONF", only, "there is no such file", hint="correct or unset CONTAINERS_CONF")
        places = [os.path.abspath(only)]
    else:
        directories = list(_DIRECTORIES)
        if rootless:
            directories.append(os.path.join(configuration_home(environ), "containers"))
        places = [os.path.join(d, name) for d in directories for name in ("containers.conf", "containers.conf.d")]
    places += [_module(name, environ, rootless=rootless) for name in modules]
    override = environ.get("CONTAINERS_CONF_OVERRIDE", "")
    if override:
        places.append(os.path.abspath(override))
    return tuple(places)


def _module(name: str, environ: Mapping[str, str], *, rootless: bool) -> str:
    """The file of a module: a path from the root, or a name in one of the directories for modules."""
    directories = list(reversed(_DIRECTORIES))
    if rootless:
        directories.insert(0, os.path.join(configuration_home(environ), "containers"))
    places = [os.path.join(directory, "containers.conf.modules", name) for directory in directories]
    found = next((place for place in places if os.path.exists(place)), "")  # join: a path from the root is itself
    if not name or not found:
        looked = name if os.path.isabs(name) else ", ".join(os.path.dirname(place) for place in places)
        raise Invalid("module", name, "there is no such file", hint=f"looked for it in {looked}")
    return found


def engine_environment(conf: ContainersConf, environ: Mapping[str, str]) -> Mapping[str, str]:
    """`environ` with what env of [engine] gives, for this process and the programs that it starts.

    What is set already stays, as podman has it.
    """
    added = {}
    for item in conf.engine_env:
        name, _, value = item.partition("=")
        if name not in environ:
            added[name] = value
    if environ is os.environ:
        os.environ.update(added)
        return os.environ
    return {**environ, **added}


def stamp(path: str) -> list[Any]:
    """What changes when the file does; zeroes where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return [path, 0, 0, 0, 0]
    return [path, found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size]


def _shape(kind: type[Value]) -> str:
    """The fields that this version reads: a cache that another version wrote may lack some."""
    return " ".join(kind.__annotations__)


def read_kept(cache: str, kind: type[Conf], places: tuple[str, ...]) -> Conf | None:
    """The kept configuration, when no file that took part in it has changed, come or gone.

    `places` is all else that it depends on.
    """
    try:
        with open(cache, "rb", buffering=0) as file:
            found = os.fstat(file.fileno())
            if found.st_uid != os.geteuid() or found.st_mode & 0o022:
                return None
            kept = jsontext.decode(file.readall())
        if kept["shape"] != _shape(kind) or kept["places"] != list(places):
            return None
        if any(stamp(known[0]) != known for known in kept["stamps"]):
            return None
        return kind.from_json(kept["conf"])
    except (OSError, Invalid, KeyError, TypeError, IndexError):
        return None


def keep(cache: str, conf: Value, places: tuple[str, ...], stamps: list[list[Any]]) -> None:
    """Write the cache, if the run directory is there.  A file of this very second may change again unseen."""
    import time

    now = time.time_ns()
    directory = os.path.dirname(cache)
    if any(abs(now - known[2]) < _RACY_NS for known in stamps) or not os.path.isdir(os.path.dirname(directory)):
        return
    from argosy.linux import files

    text = {"shape": _shape(type(conf)), "places": list(places), "stamps": stamps, "conf": conf.to_json()}
    try:
        if not os.path.isdir(directory):
            os.mkdir(directory, 0o700)
        files.write_atomic(cache, jsontext.encode(text))
    except OSError:
        pass  # the next command parses the files again

"""What a user asked of a container: frozen values with a JSON form, the part of container.json that never changes.

The text of flags becomes these values in `spec.parse`; `spec.generate` turns them into a runtime specification.  `None`
means "not given", so that a default of the image or of containers.conf may still decide; an empty tuple, string or zero
was asked for.
"""

from __future__ import annotations

from argosy.errors import ArgosyError, Invalid
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import ClassVar

# The default of mappings.  Mapping, not dict, so that type checkers refuse to change the shared object.
NO_PAIRS: Mapping[str, str] = {}


class BadOption(Invalid):
    """An option that breaks a rule, said in podman's words, which scripts match on."""

    def __init__(self, brief: str, *, hint: str = "", exit_code: int | None = None) -> None:
        ArgosyError.__init__(self, brief, hint=hint, exit_code=exit_code)
        self.what, self.value, self.why = "option", "", brief


class Mount(Value):
    """One of -v, --mount, --tmpfs, an image's VOLUME, an entry of `volumes` in containers.conf, or another container's.

    `kind` is "bind" (`source`: absolute host path), "glob" (`source`: a pattern of host paths, each of which is bound
    below `target`), "volume" (`source`: the volume's name, "" for an anonymous one; in a SpecRequest: the host path of
    its data), "image" (`source`: the image's name), "tmpfs", "ramfs" or "devpts" (`source` is "").  `options` are those
    of the OCI specification (ro, nosuid, rslave, size=64m, ...).
    """

    kind: str
    source: str
    target: str
    options: tuple[str, ...] = ()
    relabel: str = ""  # SELinux: "shared" (z) or "private" (Z)
    chown: bool = False  # U: give the source to the container's user before the start
    copy_up: bool | None = None  # volume: copy the image's content at first use; tmpfs: tmpcopyup; None: the default
    overlay: bool = False  # O: what the container changes is kept from the source, and thrown away when it ends
    upper: str = ""  # with `overlay`: the host directories that keep the changes after all
    work: str = ""
    idmap: str = ""  # "container": as the container's user namespace maps; or uids=C-H-N#C-H-N;gids=C-H-N
    subpath: str = ""  # volume, image: what is mounted of it
    volume_options: tuple[str, ...] = ()  # KEY=VALUE: what `volume create --opt` takes, for a volume that is not there
    volume_labels: tuple[str, ...] = ()
    origin: str = "user"  # "user", "image" (VOLUME), "container" (--volumes-from), "conf"; "infra": a pod's own

    @property
    def read_only(self) -> bool:
        """Whether nothing can be changed through it; an image's tree is so unless it was asked for otherwise."""
        return "ro" in self.options or (self.kind == "image" and "rw" not in self.options)


class Device(Value):
    """--device: a host device (or a directory of devices), where it appears inside, and a subset of "rwm"."""

    source: str
    target: str
    permissions: str = "rwm"


class DeviceRule(Value):
    """--device-cgroup-rule: `kind` is "a", "b" or "c"; a number of None stands for all."""

    kind: str
    major: int | None
    minor: int | None
    access: str


class DeviceWeight(Value):
    """--blkio-weight-device."""

    path: str
    weight: int


class DeviceRate(Value):
    """--device-read-bps and its like: `flag` is the flag's name, `rate` in bytes or operations per second."""

    flag: str
    path: str
    rate: int


class Ulimit(Value):
    """--ulimit: `name` without RLIMIT_, in lower case; -1 is unlimited.  "host" takes this process's limits."""

    name: str
    soft: int = -1
    hard: int = -1


class RestartPolicy(Value):
    """--restart: "no", "on-failure" (at most `max_retries` times, 0: without end), "always", "unless-stopped"."""

    name: str = "no"
    max_retries: int = 0


class NetworkUse(Value):
    """A network that a container is on, as the user named it ("bridge" is the default one), and how.

    `interface` is the name of the device in the container; what is "" or () is left to us.
    """

    name: str
    addresses: tuple[str, ...] = ()
    mac: str = ""
    aliases: tuple[str, ...] = ()
    interface: str = ""


class NetworkMode(Value):
    """--network: "private" (the host's best), "bridge", "host", "none", "container", "ns", "pasta", "slirp4netns".

    `target` is the container as the user named it, or the namespace's path; `options` are those behind the colon;
    `networks` those of "bridge".
    """

    kind: str = "private"
    target: str = ""
    options: tuple[str, ...] = ()
    networks: tuple[NetworkUse, ...] = ()

    _nested: ClassVar[dict[str, type[Value]]] = {"networks": NetworkUse}


class PortMapping(Value):
    """--publish: `range` ports of the host, on one of its addresses ("": all), that lead to as many of the container.

    `protocol` is "tcp", "udp", "sctp", or several with commas between.
    """

    container_port: int
    host_port: int
    host_ip: str = ""
    protocol: str = "tcp"
    range: int = 1


class NamespaceMode(Value):
    """--pid, --ipc, --uts, --cgroupns: "private", "host", "container", "ns"; for ipc also "shareable" and "none"."""

    kind: str = "private"
    target: str = ""


class UserNamespace(Value):
    """--userns, or --uidmap and its like: "host", "private" (with maps), "keep-id", "auto", "nomap", "container", "ns".

    `target` is a container as the user named it, or the namespace's path; `uid_maps` and `gid_maps` are the text of
    --uidmap and --gidmap, or of uidmapping and gidmapping behind `auto:`; `size` 0 is as many ids as are needed.
    """

    kind: str
    target: str = ""
    uid: int | None = None
    gid: int | None = None
    size: int = 0
    uid_maps: tuple[str, ...] = ()
    gid_maps: tuple[str, ...] = ()
    subuid_name: str = ""
    subgid_name: str = ""


class SecurityOptions(Value):
    """--security-opt, all of them together."""

    seccomp: str = ""  # "": the default profile; "unconfined"; or the path of a profile
    apparmor: str = ""  # "": the default where the host enforces AppArmor; "unconfined"; or a profile's name
    label: tuple[str, ...] = ()  # SELinux: "disable", "user:U", "role:R", "type:T", "level:L", "filetype:T", "nested"
    no_new_privileges: bool = False
    mask: tuple[str, ...] = ()
    unmask: tuple[str, ...] = ()  # paths, in which * stands for any text but a slash; "ALL"
    proc_options: tuple[str, ...] = ()


class SecretUse(Value):
    """--secret: a file at `target`, or (`env`) the variable `target`.  `id` is the secret's, found out by `create`."""

    name: str
    target: str
    id: str = ""
    env: bool = False
    uid: int = 0
    gid: int = 0
    mode: int = 0o444


class StartupCheck(Value):
    """--health-startup-cmd and its like: what must succeed `successes` times (0: once) before the health check begins.

    After `retries` failures the container is started again; 0: never.
    """

    test: tuple[str, ...]
    interval_ns: int = 30_000_000_000
    timeout_ns: int = 30_000_000_000
    retries: int = 0
    successes: int = 0


class HealthCheck(Value):
    """--health-cmd and its like over the image's HEALTHCHECK.  What is empty was not given until `create` settles it.

    `test` is docker's: ("NONE",), ("CMD", program, ...) or ("CMD-SHELL", text).  `interval_ns` is `NEVER` where only
    `healthcheck run` is to check.  A `max_` of 0 is no limit.
    """

    test: tuple[str, ...] = ()
    interval_ns: int = 0
    timeout_ns: int = 0
    start_period_ns: int = 0
    start_interval_ns: int = 0
    retries: int = 0
    on_failure: str = "none"  # or "kill", "restart", "stop"
    startup: StartupCheck | None = None
    log_destination: str = "local"  # or "events_logger", or a directory
    max_log_count: int = 5
    max_log_size: int = 500

    NEVER: ClassVar[int] = -1
    _nested: ClassVar[dict[str, type[Value]]] = {"startup": StartupCheck}

    @property
    def is_active(self) -> bool:
        """Whether there is anything to run."""
        return bool(self.test) and self.test != ("NONE",)


class ContainerOptions(Value):
    """All that `run` and `create` were told, but what is the command's own: -d, --sig-proxy, --cidfile, --pull."""

    image: str  # as the user named it
    name: str = ""
    command: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None  # () clears the image's
    env: Mapping[str, str] = NO_PAIRS  # --env over --env-file, values from the environment already filled in
    env_merge: tuple[str, ...] = ()  # NAME=value, in which ${OTHER} stands for what the environment holds by then
    env_host: bool | None = None  # whether all of the caller's environment is taken; None: containers.conf decides
    host_env: Mapping[str, str] = NO_PAIRS  # what was taken of it by `create`, below that of the image
    http_proxy: bool | None = None  # None: containers.conf decides
    unset_env: tuple[str, ...] = ()
    unset_all_env: bool = False
    workdir: str = ""
    user: str = ""
    groups: tuple[str, ...] = ()  # --group-add: names and ids
    hostname: str = ""
    domainname: str = ""
    tty: bool = False
    interactive: bool = False
    remove: bool = False
    restart: RestartPolicy = RestartPolicy()
    stop_signal: str = ""
    stop_timeout_s: int | None = None
    labels: Mapping[str, str] = NO_PAIRS
    annotations: Mapping[str, str] = NO_PAIRS
    platform: str = ""
    cidfile: str = ""  # for `inspect`: who creates the container writes it
    create_command: tuple[str, ...] = ()  # the command line that made the container, for `inspect` and systemd units
    pidfile: str = ""
    conmon_pidfile: str = ""
    timezone: str = ""  # --tz: a name below /usr/share/zoneinfo, or "local"
    timeout_s: int = 0  # the container is killed after so long; 0: never
    systemd: str = ""  # "", "true", "false" or "always"
    sdnotify: str = ""  # "", "container", "conmon" or "ignore"
    personality: str = ""  # LINUX or LINUX32
    requires: tuple[str, ...] = ()  # ids of containers
    remove_image: bool = False  # --rmi
    runtime: str = ""  # the OCI runtime asked for by name or path; "" for whatever works when it starts
    pod: str = ""  # as the user named it; the pod's id once the container is made
    infra: bool = False  # whether it is what holds the namespaces of its pod
    init_ctr: str = ""  # --init-ctr: "once" or "always"

    passwd: bool = True  # whether the user is added to /etc/passwd and /etc/group where the image lacks it
    passwd_entry: str = ""
    group_entry: str = ""
    host_users: tuple[str, ...] = ()
    chroot_dirs: tuple[str, ...] = ()

    mounts: tuple[Mount, ...] = ()  # in the order given; one for each target
    secrets: tuple[SecretUse, ...] = ()
    devices: tuple[Device, ...] = ()
    cdi_devices: tuple[str, ...] = ()  # qualified names, vendor.com/class=name
    read_only: bool = False
    read_only_tmpfs: bool = True
    shm_size_bytes: int | None = None
    init: bool = False
    init_path: str = ""
    image_volume: str = ""  # --image-volume: "anonymous", "tmpfs", "ignore"; "": containers.conf decides
    volumes_from: tuple[str, ...] = ()
    rootfs: str = ""  # --rootfs: the directory that is the root, an absolute path; there is no image then
    rootfs_option: str = ""  # what was behind its colon: "O", "idmap", "idmap=..."

    network: NetworkMode | None = None
    ports: tuple[PortMapping, ...] = ()
    publish_all: bool = False  # what the image or `expose` exposes, at ports that are free
    expose: tuple[str, ...] = ()  # PORT/PROTOCOL
    pid: NamespaceMode | None = None
    ipc: NamespaceMode | None = None
    uts: NamespaceMode | None = None
    cgroupns: NamespaceMode | None = None
    userns: UserNamespace | None = None
    add_hosts: tuple[str, ...] = ()  # HOST:IP or HOST:host-gateway
    links: tuple[str, ...] = ()  # ID:ALIAS of other containers, docker's --link
    no_hosts: bool | None = None  # None: containers.conf decides
    dns: tuple[str, ...] = ()  # addresses, or "none" alone: the image's own resolv.conf
    dns_options: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()

    privileged: bool = False
    cap_add: tuple[str, ...] = ()  # CAP_CHOWN or ALL, checked
    more_capabilities: tuple[str, ...] = ()  # that are usual beside containers.conf's, and may be missing: docker's
    cap_drop: tuple[str, ...] = ()
    security: SecurityOptions = SecurityOptions()
    seccomp_policy: str = ""  # "", "default" or "image"
    ulimits: tuple[Ulimit, ...] = ()
    umask: str = ""
    sysctls: Mapping[str, str] = NO_PAIRS

    memory_bytes: int = 0  # 0: no limit
    memory_swap_bytes: int = 0  # 0: not given, -1: unlimited
    memory_reservation_bytes: int = 0
    memory_swappiness: int | None = None  # None: the kernel's default
    oom_kill_disable: bool = False
    nano_cpus: int = 0
    cpu_shares: int = 0
    cpu_period_us: int = 0
    cpu_quota_us: int = 0
    cpu_rt_period_us: int = 0
    cpu_rt_runtime_us: int = 0
    cpuset_cpus: str = ""
    cpuset_mems: str = ""
    pids_limit: int | None = None  # None: the default; 0: no limit
    oom_score_adj: int | None = None
    cgroups: str = ""  # "", "enabled", "disabled", "no-conmon" or "split"
    cgroup_parent: str = ""
    cgroup_conf: Mapping[str, str] = NO_PAIRS  # files of cgroup v2
    blkio_weight: int = 0
    blkio_weight_devices: tuple[DeviceWeight, ...] = ()
    device_rates: tuple[DeviceRate, ...] = ()
    device_cgroup_rules: tuple[DeviceRule, ...] = ()

    log_driver: str = ""
    log_options: Mapping[str, str] = NO_PAIRS
    health: HealthCheck | None = None  # None: there is nothing to check

    _nested: ClassVar[dict[str, type[Value]]] = {
        "restart": RestartPolicy,
        "mounts": Mount,
        "secrets": SecretUse,
        "devices": Device,
        "blkio_weight_devices": DeviceWeight,
        "device_rates": DeviceRate,
        "device_cgroup_rules": DeviceRule,
        "network": NetworkMode,
        "ports": PortMapping,
        "pid": NamespaceMode,
        "ipc": NamespaceMode,
        "uts": NamespaceMode,
        "cgroupns": NamespaceMode,
        "userns": UserNamespace,
        "security": SecurityOptions,
        "ulimits": Ulimit,
        "health": HealthCheck,
    }

"""The table of the flags that `run` and `create` share, and the value that holds what was given for them.

What they mean is read in `_container_flags` and, for those that few calls give, in the modules that it names.
"""

from __future__ import annotations

from argosy.cli.flags import Flag
from argosy.values import Value

FLAGS = (
    Flag("add-host", kind="csv", help="Add a line to /etc/hosts (HOST:IP)"),
    Flag("annotation", kind="list", help="Add annotations to container (key=value)"),
    Flag("arch", kind="string", aliases=("override-arch",), help="Choose an image for this architecture"),
    Flag("attach", short="a", kind="csv", help="Attach to STDIN, STDOUT or STDERR"),
    Flag("authfile", kind="string", help="Path of the authentication file"),
    Flag("signature-policy", kind="string", hidden=True, help="Path of a policy.json in place of the usual one"),
    Flag("blkio-weight", kind="string", help="Relative block IO weight, 10 to 1000"),
    Flag("blkio-weight-device", kind="csv", help="Relative block IO weight for a device (DEVICE:WEIGHT)"),
    Flag("cap-add", kind="csv", help="Add capabilities to the container"),
    Flag("cap-drop", kind="csv", help="Drop capabilities from the container"),
    Flag("cgroup-conf", kind="csv", help="Set a file of cgroup v2 (KEY=VALUE)"),
    Flag("cgroup-parent", kind="string", help="Cgroup below which that of the container is made"),
    Flag("cgroupns", kind="string", help="Cgroup namespace to use"),
    Flag("cgroups", kind="string", help='Which cgroups are made ("enabled"|"disabled"|"no-conmon"|"split")'),
    Flag(
        "chrootdirs", kind="csv", help="Directories inside the container in which our files in /etc are mounted as well"
    ),
    Flag("cidfile", kind="string", help="Write the container ID to the file"),
    Flag("conmon-pidfile", kind="string", help="Write the process ID of conmon to the file"),
    Flag("cpu-period", kind="uint", help="Period of the CPU quota, in microseconds"),
    Flag("cpu-quota", kind="int", help="Time that the container may run in each period, in microseconds"),
    Flag("cpu-rt-period", kind="uint", help="Period of real-time scheduling, in microseconds"),
    Flag("cpu-rt-runtime", kind="int", help="Time for real-time tasks in each period, in microseconds"),
    Flag("cpu-shares", short="c", kind="uint", help="CPU shares (relative weight)"),
    Flag("cpus", kind="string", help="Number of CPUs"),
    Flag("cpuset-cpus", kind="string", help="CPUs in which to run (0-3, 0,1)"),
    Flag("cpuset-mems", kind="string", help="Memory nodes in which to run (0-3, 0,1)"),
    Flag("decryption-key", kind="list", help="Key to decrypt the image with"),
    Flag("device", kind="list", help="Add a host device to the container"),
    Flag("device-cgroup-rule", kind="list", help='Add a rule to the list of allowed devices ("c 89:* rwm")'),
    Flag("device-read-bps", kind="csv", help="Limit the read rate of a device (DEVICE:BYTES)"),
    Flag("device-read-iops", kind="csv", help="Limit the reads per second of a device (DEVICE:NUMBER)"),
    Flag("device-write-bps", kind="csv", help="Limit the write rate of a device (DEVICE:BYTES)"),
    Flag("device-write-iops", kind="csv", help="Limit the writes per second of a device (DEVICE:NUMBER)"),
    Flag("disable-content-trust", help="Ignored: docker has it, signatures follow policy.json"),
    Flag("dns", kind="csv", help='DNS servers of the container, or "none"'),
    Flag("dns-option", kind="csv", aliases=("dns-opt",), help="Options for its resolv.conf"),
    Flag("dns-search", kind="csv", help="DNS search domains of the container"),
    Flag("link", kind="list", only="docker", help="Add link to another container (NAME[:ALIAS])"),
    Flag("link-local-ip", kind="list", only="docker", help="Link-local address of the container (refused)"),
    Flag("domainname", kind="string", only="docker", help="Container NIS domain name"),
    Flag("entrypoint", kind="string", help="Overwrite the default ENTRYPOINT of the image"),
    Flag("env", short="e", kind="list", help="Set environment variables in container"),
    Flag("env-file", kind="csv", help="Read in a file of environment variables"),
    Flag("env-host", kind="optbool", help="Use all environment variables of the caller"),
    Flag("env-merge", kind="list", help="Set a variable from those of the image (NAME=${NAME}-more)"),
    Flag("expose", kind="csv", help="Tell that the container serves a port, for --publish-all"),
    Flag("gidmap", kind="csv", help="Map group ids ([FLAGS]INSIDE:OUTSIDE[:AMOUNT]) in a user namespace of its own"),
    Flag("gpus", kind="string", help='GPUs to add, by CDI ("all" or numbers)'),
    Flag("group-add", kind="csv", help='Additional groups of the process; "keep-groups" keeps those of the caller'),
    Flag("group-entry", kind="string", help="Line to write to /etc/group"),
    Flag("health-cmd", kind="string", help="Command that checks the health of the container"),
    Flag("health-interval", kind="string", help='Time between two checks ("disable" for none, default 30s)'),
    Flag(
        "health-log-destination",
        kind="string",
        help="Where the results go beside the container's state (local|events_logger|DIRECTORY, default local)",
    ),
    Flag(
        "health-max-log-count",
        kind="uint",
        help="How many results are kept (0: as many as half a mebibyte holds; default 5)",
    ),
    Flag(
        "health-max-log-size",
        kind="uint",
        help="How many characters of a check's output are kept (0: half a mebibyte; default 500)",
    ),
    Flag(
        "health-on-failure",
        kind="string",
        help="What to do once the container is unhealthy (none|kill|restart|stop, default none)",
    ),
    Flag("health-retries", kind="uint", help="Failures in a row that make the container unhealthy (default 3)"),
    Flag("health-start-period", kind="string", help="Time after a start in which failures do not count (default 0s)"),
    Flag("health-startup-cmd", kind="string", help="Command that must succeed before the health checks begin"),
    Flag("health-startup-interval", kind="string", help="Time between two startup checks (default 30s)"),
    Flag("health-startup-retries", kind="uint", help="Failures after which the container is started again (0: never)"),
    Flag("health-startup-success", kind="uint", help="Successes in a row that end the startup checks (0: the first)"),
    Flag("health-startup-timeout", kind="string", help="Time that a startup check may take (default 30s)"),
    Flag("health-timeout", kind="string", help="Time that a check may take before it has failed (default 30s)"),
    Flag("hostname", short="h", kind="string", help="Set container hostname"),
    Flag("hostuser", kind="csv", help="User of the host to add to /etc/passwd"),
    Flag("http-proxy", kind="optbool", help="Set the proxy variables of the caller"),
    Flag(
        "image-volume",
        kind="string",
        help='What becomes of the volumes that the image names ("anonymous"|"tmpfs"|"ignore")',
    ),
    Flag("init", help="Run an init binary inside the container that forwards signals and reaps processes"),
    Flag("init-ctr", kind="string", help='Run this as an init container of its pod ("once"|"always")'),
    Flag("init-path", kind="string", help="Path of the init binary of --init"),
    Flag("interactive", short="i", help="Keep STDIN open even if not attached"),
    Flag("ip", kind="string", help="Address of the container on its network"),
    Flag("ip6", kind="string", help="IPv6 address of the container on its network"),
    Flag("ipc", kind="string", help="IPC namespace to use"),
    Flag("isolation", kind="string", only="docker", help='Container isolation technology ("default")'),
    Flag("kernel-memory", kind="string", help="Ignored: kernels have dropped this limit"),
    Flag("label", short="l", kind="list", help="Set metadata on container"),
    Flag("label-file", kind="csv", help="Read labels from a file of lines"),
    Flag(
        "log-driver",
        kind="string",
        help='Where the output goes ("k8s-file"|"json-file"|"journald"|"none"|"passthrough")',
    ),
    Flag("log-opt", kind="csv", help="Options of the log driver (path, max-size, tag)"),
    Flag("mac-address", kind="string", help="Hardware address of the container on its network"),
    Flag("memory", short="m", kind="string", help="Memory limit (<number>[<unit>], where unit = b, k, m, or g)"),
    Flag("memory-reservation", kind="string", help="Soft limit of memory"),
    Flag("memory-swap", kind="string", help="Limit of memory and swap together; -1 is unlimited swap"),
    Flag("memory-swappiness", kind="int", help="How readily memory is swapped out (0 to 100; -1 for the default)"),
    Flag("mount", kind="list", help="Attach a filesystem mount to the container"),
    Flag("name", kind="string", help="Assign a name to the container"),
    Flag("network-alias", kind="csv", help="Another name for the container on its networks"),
    Flag("network", kind="list", aliases=("net",), help="Connect a container to a network"),
    Flag("no-healthcheck", kind="optbool", help="Disable the health check that the image defines"),
    Flag("no-hosts", kind="optbool", help="Leave /etc/hosts as the image has it"),
    Flag("oom-kill-disable", kind="optbool", help="Do not let the kernel kill when memory is short"),
    Flag(
        "oom-score-adj",
        kind="int",
        help="How readily the kernel kills the container when memory is short (-1000 to 1000)",
    ),
    Flag("os", kind="string", aliases=("override-os",), help="Choose an image for this operating system"),
    Flag("passwd", kind="optbool", help="Add the user to /etc/passwd and /etc/group where the image lacks it"),
    Flag("passwd-entry", kind="string", help="Line to write to /etc/passwd"),
    Flag("personality", kind="string", help="Execution domain (LINUX or LINUX32)"),
    Flag("pid", kind="string", help="PID namespace to use"),
    Flag("pidfile", kind="string", help="Write the container process ID to the file"),
    Flag("pids-limit", kind="string", help="Tune container pids limit (set -1 for unlimited)"),
    Flag("platform", kind="string", help="Specify the platform for selecting the image"),
    Flag("pod", kind="string", help="Run the container in a pod; new:NAME makes the pod"),
    Flag("pod-id-file", kind="string", help="Read the ID of the pod to run the container in from the file"),
    Flag("privileged", help="Give extended privileges to container"),
    Flag("publish", short="p", kind="csv", help="Lead a port of the host to one of the container"),
    Flag("publish-all", short="P", kind="optbool", help="Lead free ports of the host to all exposed ports"),
    Flag("pull", kind="string", help='Pull image policy ("always"|"missing"|"never"|"newer")'),
    Flag("quiet", short="q", help="Suppress output information when pulling images"),
    Flag("read-only", help="Make containers root filesystem read-only"),
    Flag("read-only-tmpfs", default=True, help="With --read-only, mount a tmpfs on /run, /tmp and /var/tmp"),
    Flag("replace", field="replacing", help="Remove a container that has the same name"),
    Flag("requires", kind="csv", help="Containers that are started before this one"),
    Flag("restart", kind="string", help="Restart policy to apply when a container exits"),
    Flag("rm", kind="optbool", help="Remove container and any anonymous unnamed volume associated with it after exit"),
    Flag("rootfs", kind="optbool", help="The first operand is a directory to use as the root, not an image"),
    Flag("sdnotify", kind="string", help='Who reports readiness to systemd ("container"|"conmon"|"ignore")'),
    Flag("seccomp-policy", kind="string", help='Where the seccomp profile comes from ("default"|"image")'),
    Flag("secret", kind="list", help="Give the container a secret, as a file or a variable"),
    Flag("security-opt", kind="list", help="Security Options"),
    Flag("shm-size", kind="string", help="Size of /dev/shm"),
    Flag("stop-signal", kind="string", help="Signal to stop a container"),
    Flag("stop-timeout", kind="uint", help="Timeout (in seconds) that containers stopped by user gracefully have"),
    Flag("subgidname", kind="string", help="Map the ranges that this name has in /etc/subgid"),
    Flag("subuidname", kind="string", help="Map the ranges that this name has in /etc/subuid"),
    Flag("sysctl", kind="csv", help="Set a kernel parameter of the container"),
    Flag("systemd", kind="string", help='Prepare the container for systemd ("true"|"false"|"always")'),
    Flag("timeout", kind="uint", help="Seconds after which the container is killed; 0 is never"),
    Flag("tls-verify", kind="optbool", help="Require HTTPS and verify certificates when contacting registries"),
    Flag("tmpfs", kind="list", help="Mount a temporary filesystem (tmpfs) into a container"),
    Flag("tty", short="t", help="Allocate a pseudo-TTY for container"),
    Flag("tz", kind="string", help='Time zone of the container, or "local"'),
    Flag("uidmap", kind="csv", help="Map user ids ([FLAGS]INSIDE:OUTSIDE[:AMOUNT]) in a user namespace of its own"),
    Flag("ulimit", kind="list", help="Ulimit options"),
    Flag("umask", kind="string", help="Umask of the process"),
    Flag("unsetenv", kind="list", help="Leave out an environment variable of the image or of the defaults"),
    Flag("unsetenv-all", kind="optbool", help="Leave out all environment variables of the image and of the defaults"),
    Flag(
        "use-api-socket", kind="optbool", only="docker", help="Bind the socket of the API and its credentials (refused)"
    ),
    Flag("user", short="u", kind="string", help="Username or UID (format: <name|uid>[:<group|gid>])"),
    Flag(
        "userns",
        kind="string",
        help='User namespace to use ("host"|"keep-id"|"auto"|"nomap"|"container:NAME"|"ns:PATH")',
    ),
    Flag("uts", kind="string", help="UTS namespace to use"),
    Flag(
        "variant",
        kind="string",
        aliases=("override-variant",),
        help="Choose an image for this variant of the architecture",
    ),
    Flag("volume", short="v", kind="list", help="Bind mount a volume into the container"),
    Flag("volume-driver", kind="string", only="docker", help='Driver of the named volumes ("local")'),
    Flag("volumes-from", kind="list", help="Mount the volumes of other containers"),
    Flag("workdir", short="w", kind="string", help="Working directory inside the container"),
)


# Global flags that docker has as its run's own.
DOCKER_GLOBALS = ("runtime", "storage-opt")


class CreateFlags(Value):
    """What the shared flags were given as; None where one was not."""

    operands: tuple[str, ...]
    add_host: tuple[str, ...]
    annotation: tuple[str, ...]
    arch: str | None
    attach: tuple[str, ...]
    authfile: str | None
    signature_policy: str | None
    blkio_weight: str | None
    blkio_weight_device: tuple[str, ...]
    cap_add: tuple[str, ...]
    cap_drop: tuple[str, ...]
    cgroup_conf: tuple[str, ...]
    cgroup_parent: str | None
    cgroupns: str | None
    cgroups: str | None
    chrootdirs: tuple[str, ...]
    cidfile: str | None
    conmon_pidfile: str | None
    cpu_period: int | None
    cpu_quota: int | None
    cpu_rt_period: int | None
    cpu_rt_runtime: int | None
    cpu_shares: int | None
    cpus: str | None
    cpuset_cpus: str | None
    cpuset_mems: str | None
    decryption_key: tuple[str, ...]
    device: tuple[str, ...]
    device_cgroup_rule: tuple[str, ...]
    device_read_bps: tuple[str, ...]
    device_read_iops: tuple[str, ...]
    device_write_bps: tuple[str, ...]
    device_write_iops: tuple[str, ...]
    disable_content_trust: bool
    dns: tuple[str, ...]
    dns_option: tuple[str, ...]
    dns_search: tuple[str, ...]
    domainname: str | None
    link: tuple[str, ...]
    link_local_ip: tuple[str, ...]
    entrypoint: str | None
    env: tuple[str, ...]
    env_file: tuple[str, ...]
    env_host: bool | None
    env_merge: tuple[str, ...]
    expose: tuple[str, ...]
    gidmap: tuple[str, ...]
    gpus: str | None
    group_add: tuple[str, ...]
    group_entry: str | None
    health_cmd: str | None
    health_interval: str | None
    health_log_destination: str | None
    health_max_log_count: int | None
    health_max_log_size: int | None
    health_on_failure: str | None
    health_retries: int | None
    health_start_period: str | None
    health_startup_cmd: str | None
    health_startup_interval: str | None
    health_startup_retries: int | None
    health_startup_success: int | None
    health_startup_timeout: str | None
    health_timeout: str | None
    hostname: str | None
    hostuser: tuple[str, ...]
    http_proxy: bool | None
    image_volume: str | None
    init: bool
    init_ctr: str | None
    init_path: str | None
    interactive: bool
    ip: str | None
    ip6: str | None
    ipc: str | None
    isolation: str | None
    kernel_memory: str | None
    label: tuple[str, ...]
    label_file: tuple[str, ...]
    log_driver: str | None
    log_opt: tuple[str, ...]
    mac_address: str | None
    memory: str | None
    memory_reservation: str | None
    memory_swap: str | None
    memory_swappiness: int | None
    mount: tuple[str, ...]
    name: str | None
    network: tuple[str, ...]
    network_alias: tuple[str, ...]
    no_healthcheck: bool | None
    no_hosts: bool | None
    oom_kill_disable: bool | None
    oom_score_adj: int | None
    os: str | None
    passwd: bool | None
    passwd_entry: str | None
    personality: str | None
    pid: str | None
    pidfile: str | None
    pids_limit: str | None
    platform: str | None
    pod: str | None
    pod_id_file: str | None
    privileged: bool
    publish: tuple[str, ...]
    publish_all: bool | None
    pull: str | None
    quiet: bool
    read_only: bool
    read_only_tmpfs: bool
    replacing: bool
    requires: tuple[str, ...]
    restart: str | None
    rm: bool | None
    rootfs: bool | None
    sdnotify: str | None
    seccomp_policy: str | None
    secret: tuple[str, ...]
    security_opt: tuple[str, ...]
    shm_size: str | None
    stop_signal: str | None
    stop_timeout: int | None
    subgidname: str | None
    subuidname: str | None
    sysctl: tuple[str, ...]
    systemd: str | None
    timeout: int | None
    tls_verify: bool | None
    tmpfs: tuple[str, ...]
    tty: bool
    tz: str | None
    uidmap: tuple[str, ...]
    ulimit: tuple[str, ...]
    umask: str | None
    unsetenv: tuple[str, ...]
    unsetenv_all: bool | None
    use_api_socket: bool | None
    user: str | None
    userns: str | None
    uts: str | None
    variant: str | None
    volume: tuple[str, ...]
    volume_driver: str | None
    volumes_from: tuple[str, ...]
    workdir: str | None

"""From image configuration, options and host facts to an OCI runtime specification, as a pure function."""

from __future__ import annotations

from argosy.errors import Invalid
from argosy.oci.runtimespec import capability_mask
from argosy.spec import mounts, process, resources, security, users
from argosy.spec.mounts import DEFAULT_DEVICES
from argosy.spec.options import NO_PAIRS, BadOption, ContainerOptions, Mount, NamespaceMode, Ulimit
from argosy.spec.process import working_directory as working_directory
from argosy.values import Value
from argosy.version import OCI_RUNTIME_SPEC

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from argosy.config.containers import ContainersConf
    from argosy.oci.imageconfig import ContainerConfig
    from argosy.spec.cdi import Edits

KEEP_GROUPS = "keep-groups"  # of --group-add: those of the caller, which crun leaves as they are
# Fields of the options that may contradict others.
_MAY_CONFLICT = ("cgroup_parent", "add_hosts", "dns", "dns_options", "dns_search", "sysctls", "uts")
_UMASK = "0022"
# A crun that did not know the annotation would start the container with this filter, and it would die at once.
_FAIL_CLOSED: dict[str, Any] = {"defaultAction": "SCMP_ACT_KILL_PROCESS"}
NO_NUMBERS: Mapping[str, tuple[int, int]] = {}


class HostNode(Value):
    """A device node of the host, looked at beforehand, and where it appears inside: `kind` is "c", "b" or "p"."""

    source: str
    target: str
    kind: str
    major: int
    minor: int
    mode: int = 0o666
    uid: int = 0
    gid: int = 0
    permissions: str = "rwm"


class SpecRequest(Value):
    """All that `generate` needs, read beforehand by who may do I/O."""

    options: ContainerOptions
    image: ContainerConfig  # the image's `config` object
    conf: ContainersConf
    container_id: str
    rootfs: str  # the mounted root
    machine: str  # uname's, "x86_64"
    covered: tuple[str, ...] = ()  # those of "/proc" and "/sys" that the container around us allows no other of
    files: Mapping[str, str] = NO_PAIRS  # place inside -> host path: /etc/hosts, /run/.containerenv, ...
    mounts: tuple[Mount, ...] = ()  # of the options, the image and containers.conf, all with host paths
    passwd: bytes = b""  # the image's /etc/passwd and /etc/group, size-bounded by the reader
    group: bytes = b""

    # Namespaces.  What is neither the host's nor joined is made by the runtime.
    netns_path: str = ""  # a network namespace that is there already
    host_network: bool = False  # the network namespace is the host's, be it through another container's
    foreign_netns: bool = False  # it may not belong to our user namespace (ns:PATH)
    uid_mappings: tuple[tuple[int, int, int], ...] = ()  # of its user namespace, see spec.usermaps; () where it is ours
    gid_mappings: tuple[tuple[int, int, int], ...] = ()
    userns_path: str = ""  # where that namespace is there already
    joined: Mapping[str, str] = NO_PAIRS  # "pid" | "ipc" | "uts" | "cgroup" -> path, for container: and ns:
    shm_path: str = ""  # the /dev/shm that is shared with those who share the ipc namespace
    hostname: str = ""  # of the joined uts namespace, or of the host where that is shared; else ""

    # The host, and what this process may do on it.
    rootless: bool = False
    cgroup_mode: str = "v2"  # "v1", "v2", "hybrid", or "none" where nothing can be mounted
    cgroups_path: str = ""  # linux.cgroupsPath, in the form that the manager wants
    unlimited: Mapping[str, str] = NO_PAIRS  # what cannot be limited here (see spec.resources) -> why
    block_devices: Mapping[str, tuple[int, int]] = NO_NUMBERS  # path -> major and minor, of weights and rates
    capabilities: int = 0  # what this process can pass on, as a bit mask (CapBnd and CapPrm)
    rlimits: tuple[Ulimit, ...] = ()  # this process's limits
    may_raise_rlimits: bool = False  # CAP_SYS_RESOURCE in the first user namespace
    gid_5_mapped: bool = True
    host_mqueue: bool = True  # whether the host has /dev/mqueue
    throttle_paths: tuple[str, ...] = ()  # /sys/devices/system/cpu/cpu*/thermal_throttle, those that exist
    apparmor: bool = False
    apparmor_profile: str = ""  # the loaded one that the container gets; "" for none
    process_label: str = ""  # SELinux's, allocated when the container was made; "" for none
    mount_label: str = ""
    cdi: tuple[Edits, ...] = ()  # what options.cdi_devices come to
    nodes: tuple[HostNode, ...] = ()  # what options.devices and conf.devices (privileged: all of /dev) come to
    init_path: str = ""  # host path of catatonit, for --init
    systemd: bool = False  # whether its first process is taken for systemd
    systemd_hierarchy: bool = False  # whether the host has systemd's own hierarchy of cgroup v1
    seccomp_profile: bytes | None = None  # the file that the options or containers.conf name; None: our own profile
    # (name, build the profile) -> the compiled filter in base64, for crun before 1.9; None: the runtime compiles
    compile_seccomp: Callable[[str, Callable[[], Mapping[str, Any]]], str] | None = None
    annotations: Mapping[str, str] = NO_PAIRS  # argosy's own, set last

    @property
    def in_user_namespace(self) -> bool:
        """Whether the container's root is not the host's."""
        return self.rootless or bool(self.uid_mappings)

    def mode(self, kind: str) -> str:
        """What becomes of the namespace ("pid", "ipc", "uts"): "host" also where what is to be joined is the host's."""
        chosen: NamespaceMode | None = getattr(self.options, kind)
        if chosen is None:
            return str(getattr(self.conf, f"{kind}ns"))
        return "host" if chosen.kind in ("container", "ns") and kind not in self.joined else chosen.kind


_DEFAULT_SHM = 65536 << 10


def shm_size_bytes(options: ContainerOptions, conf: ContainersConf) -> int:
    """The size of a /dev/shm of its own; 0 is without limit."""
    if options.shm_size_bytes is not None:
        return options.shm_size_bytes
    from argosy.spec import parse

    return _DEFAULT_SHM if conf.shm_size == "65536k" else parse.parse_size(conf.shm_size, "shm_size")


def defaulted(options: ContainerOptions, conf: ContainersConf) -> ContainerOptions:
    """The options with the defaults of containers.conf that a container keeps when that file changes later."""
    groups = conf.cgroups if conf.cgroups != "enabled" else ""
    score = conf.oom_score_adj or None
    if not (conf.init or conf.privileged or conf.read_only or conf.tz or conf.log_driver or groups or score):
        return options
    return options.replace(
        cgroups=options.cgroups or groups,
        timezone=options.timezone or conf.tz,
        umask=options.umask or conf.umask,
        log_driver=options.log_driver or conf.log_driver,
        oom_score_adj=score if options.oom_score_adj is None else options.oom_score_adj,
        init=options.init or conf.init,
        privileged=options.privileged or conf.privileged,
        read_only=options.read_only or conf.read_only,
    )


def check(options: ContainerOptions, image: ContainerConfig) -> None:
    """Raise Invalid for what can be known to be wrong without the host: said when a container is created."""
    process.arguments(options, image)
    process.directory_of(options, image)
    security.check_capabilities(options)
    security.check_annotations(options.annotations)
    mounts.check_volumes(image)
    _check_stop_signal(options.stop_signal, "--stop-signal")
    _check_stop_signal(image.stop_signal, "StopSignal in the image's config:")
    if len(options.hostname.encode("utf-8", "replace")) > 64 or not options.hostname.isprintable():
        raise Invalid("hostname", options.hostname, "a host name has at most 64 printable characters")
    if options.seccomp_policy == "image" and not image.labels.get(process.SECCOMP_LABEL):
        raise BadOption("no seccomp policy defined by image", hint=f"it would be its label {process.SECCOMP_LABEL}")
    if options.restart.name != "no" and options.remove:
        raise BadOption('the --rm option conflicts with --restart, when the restartPolicy is not "" and "no"')
    resources.check_memory(options)
    if any(getattr(options, field) for field in _MAY_CONFLICT):
        from argosy.spec import conflicts

        conflicts.check(options)


def _check_stop_signal(text: str, what: str) -> None:
    if text:
        from argosy.linux import signals

        try:
            signals.parse(text)
        except Invalid as error:
            raise Invalid(what, text, "this is no signal", hint="use --stop-signal to name another one") from error


def hostname(options: ContainerOptions, container_id: str, outer: str = "") -> str:
    """The name that the container sees; `outer` is that of the host or container whose namespace it shares, or ""."""
    return outer or options.hostname or container_id[:12]


def generate(request: SpecRequest) -> dict[str, Any]:
    """The runtime specification of a container: what goes into config.json.

    Raises Invalid (BadOption) when options, image and host do not go together, Unsupported when the host cannot do
    what was asked for.
    """
    options = request.options
    check(options, request.image)
    groups = () if options.groups == (KEEP_GROUPS,) else options.groups
    user = users.resolve(options.user or request.image.user, request.passwd, request.group, groups)
    capabilities = security.capabilities(
        options, request.conf.default_capabilities, request.capabilities, root=user.uid == 0
    )
    linux: dict[str, Any] = {
        "namespaces": _namespaces(request),
        "resources": resources.resources(request),
    }
    for key, value in (
        ("cgroupsPath", request.cgroups_path),
        ("sysctl", _sysctls(request)),
        ("mountLabel", request.mount_label),
        ("rootfsPropagation", mounts.root_propagation(request.mounts)),
    ):
        if value:
            linux[key] = value
    annotations = dict(_conf_annotations(request.conf))
    annotations.update(options.annotations)
    process.check_text("annotation", [*options.annotations, *options.annotations.values()])
    process.check_text("mount", [path for mount in request.mounts for path in (mount.source, mount.target)])
    if options.privileged:
        if not request.in_user_namespace:
            linux["devices"] = [resources.device(node) for node in request.nodes if node.target not in DEFAULT_DEVICES]
        linux["maskedPaths"] = list(options.security.mask)
    else:
        masked, read_only = security.hidden_paths(options.security, request.throttle_paths)
        linux["maskedPaths"], linux["readonlyPaths"] = masked, read_only
        if request.nodes and not request.in_user_namespace:
            linux["devices"] = [resources.device(node) for node in request.nodes]
    _confine(request, capabilities["bounding"], linux, annotations)
    _rare(request, linux, annotations)
    annotations["io.container.manager"] = "argosy"
    annotations.update(request.annotations)
    spec = {
        "ociVersion": OCI_RUNTIME_SPEC,
        "process": _process(request, user, capabilities),
        "root": {"path": request.rootfs, "readonly": options.read_only},
        "mounts": mounts.mounts(request, user),
        "annotations": annotations,
        "linux": linux,
    }
    if _own(request, "uts"):
        spec["hostname"] = hostname(options, request.container_id, request.hostname)
    if request.cdi:
        from argosy.spec import cdi

        cdi.apply(spec, request.cdi)
    return spec


def _rare(request: SpecRequest, linux: dict[str, Any], annotations: dict[str, str]) -> None:
    """What few containers ask for."""
    if request.uid_mappings:
        from argosy.spec import usermaps

        usermaps.describe(linux, request.uid_mappings, request.gid_mappings, request.userns_path)
    if request.systemd:
        from argosy.spec import systemd

        linux["maskedPaths"] += systemd.masked(request)
    if request.options.personality:
        linux["personality"] = {"domain": request.options.personality}
    if request.options.groups == (KEEP_GROUPS,):
        annotations["run.oci.keep_original_groups"] = "1"


def _process(request: SpecRequest, user: users.User, capabilities: dict[str, list[str]]) -> dict[str, Any]:
    options = request.options
    arguments = process.arguments(options, request.image)
    if options.init:
        arguments = [mounts.INIT_PATH, "--", *arguments]
    name = hostname(options, request.container_id, request.hostname)
    found: dict[str, Any] = {
        "terminal": options.tty,
        "user": {"uid": user.uid, "gid": user.gid, "umask": _umask(options.umask or request.conf.umask)},
        "args": arguments,
        "env": process.environment(options, request.image, request.conf, home=user.home, hostname=name),
        "cwd": process.directory_of(options, request.image),
        "capabilities": capabilities,
        "rlimits": security.rlimits(
            options.ulimits, _default_ulimits(request.conf), request.rlimits, may_raise=request.may_raise_rlimits
        ),
        "noNewPrivileges": options.security.no_new_privileges,
    }
    if user.additional_gids:
        found["user"]["additionalGids"] = list(user.additional_gids)
    found["env"] += [f"NOTIFY_SOCKET={place}" for place in request.files if place.startswith("/run/notify/")]
    if request.systemd:
        found["env"].append(f"container_uuid={request.container_id[:32]}")
    if options.oom_score_adj is not None:
        found["oomScoreAdj"] = options.oom_score_adj
    _label(request, found)
    return found


def _label(request: SpecRequest, found: dict[str, Any]) -> None:
    """AppArmor's profile and SELinux's label, where the host enforces them."""
    options = request.options
    if options.security.apparmor not in ("", "unconfined") and not request.apparmor:
        from argosy.spec import apparmor

        raise apparmor.missing(options.security.apparmor)
    if request.apparmor_profile:
        found["apparmorProfile"] = request.apparmor_profile
    if request.process_label:
        found["selinuxLabel"] = request.process_label


def _umask(text: str) -> int:
    if not text or len(text) > 4 or set(text) - set("01234567"):
        raise Invalid("umask", text, "it must be an octal number such as 0022")
    return int(text, 8)


def _default_ulimits(conf: ContainersConf) -> tuple[Ulimit, ...]:
    if not conf.default_ulimits:
        return ()
    from argosy.spec import parse

    return tuple(parse.parse_ulimit(text) for text in conf.default_ulimits)


def _own(request: SpecRequest, kind: str) -> bool:
    """Whether the container has a namespace of this kind for itself."""
    return request.mode(kind) not in ("host", "container", "ns")


def _namespaces(request: SpecRequest) -> list[dict[str, str]]:
    options, conf = request.options, request.conf
    found = [{"type": "mount"}]
    if not request.host_network:
        found.append({"type": "network", "path": request.netns_path} if request.netns_path else {"type": "network"})
    cgroup = options.cgroupns.kind if options.cgroupns is not None else conf.cgroupns
    chosen = {
        "pid": request.mode("pid"),
        "ipc": request.mode("ipc"),
        "uts": request.mode("uts"),
        "cgroup": cgroup or ("private" if request.cgroup_mode == "v2" else "host"),
    }
    for kind, mode in chosen.items():
        if mode == "host":
            continue
        if mode in ("container", "ns"):
            if kind not in request.joined:
                continue  # the container whose namespace is joined has the host's
            found.append({"type": kind, "path": request.joined[kind]})
        else:
            found.append({"type": kind})
    return found


def _sysctls(request: SpecRequest) -> dict[str, str]:
    """Those of containers.conf that go with the container's namespaces, then the user's, which must."""
    options = request.options
    shared_net = request.host_network or request.foreign_netns
    shared_ipc = not _own(request, "ipc")
    found = {}
    for item in request.conf.default_sysctls:
        name, equals, value = item.partition("=")
        if not equals:
            raise Invalid("default_sysctls in containers.conf", item, "this is not NAME=VALUE")
        if not (shared_net and name.startswith("net.")) and not (shared_ipc and name.startswith(security.IPC_SYSCTLS)):
            found[name] = value
    if options.domainname:
        found["kernel.domainname"] = options.domainname  # runc and crun of Debian 12 do not know the field domainname
    if options.sysctls:
        from argosy.spec import conflicts

        conflicts.check_sysctls(options, host_network=shared_net, host_ipc=shared_ipc)
        found.update(options.sysctls)
    return found


def _conf_annotations(conf: ContainersConf) -> Mapping[str, str]:
    if not conf.annotations:
        return NO_PAIRS
    from argosy.spec import parse

    found = parse.parse_annotations(conf.annotations)
    security.check_annotations(found, "annotations in containers.conf")
    return found


def _confine(request: SpecRequest, bounding: list[str], linux: dict[str, Any], annotations: dict[str, str]) -> None:
    """The seccomp filter, unless the user said to go without one."""
    asked = request.options.security.seccomp
    if asked == "unconfined" or (request.options.privileged and not asked):
        return
    source = asked or request.conf.seccomp_profile
    if request.options.seccomp_policy == "image":
        source = f"the image's label {process.SECCOMP_LABEL}"
    text = request.seccomp_profile

    def build() -> dict[str, Any]:
        from argosy.spec import seccomp

        return seccomp.profile(text, bounding, request.machine, source)

    if request.compile_seccomp is None:
        linux["seccomp"] = build()
        return
    section, digest = dict(_FAIL_CLOSED), security.SECCOMP_DIGEST
    if text is not None:
        import hashlib

        digest = hashlib.sha256(text).hexdigest()
        # A file is read anew each time, so that a broken one is an error whatever the cache holds; crun takes the flags
        # from here even when it takes the filter from the annotation.
        flags = build().get("flags")
        if flags:
            section["flags"] = flags
    name = f"{digest}-{capability_mask(tuple(bounding)):x}"
    annotations["run.oci.seccomp_bpf_data"] = request.compile_seccomp(name, build)
    linux["seccomp"] = section

"""What a container may do: capabilities, masked and read-only paths, rlimits, and whose annotations are believed."""

from __future__ import annotations

from argosy.oci.runtimespec import CAPABILITIES, capability_mask
from argosy.oci.runtimespec import capability_names as capability_names
from argosy.spec.options import BadOption, SecurityOptions, Ulimit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from argosy.spec.options import ContainerOptions

# The union of what docker, podman and containerd hide.  Interrupt counts, power readings and throttle counters tell
# what other programs compute (docker's GHSA-6fw5-f8r9-fgfm, CVE-2020-8694).  The masks of single CPUs are handed in.
MASKED_PATHS = (
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/dev/block",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
    "/sys/fs/selinux",
)
READ_ONLY_PATHS = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")

# Kernel parameters of an ipc namespace.
IPC_SYSCTLS = ("kernel.msg", "kernel.sem", "kernel.shm", "fs.mqueue.")

# Annotations that change what a runtime does: crun would take a seccomp filter, a handler or a hook's output from one.
_RESERVED = ("run.oci.", "io.crun.", "org.systemd.")
_ALLOWED = frozenset(("run.oci.keep_original_groups",))

# Names the filters of the default seccomp profile in the cache.  Changes whenever the table in `spec.seccomp` does (a
# test compares them); it stands here so that a start with a cached filter need not import that table.
SECCOMP_DIGEST = "62bb7310e50a1e6f"

# What docker lets a container do, and podman does not: its own audit messages, devices, raw packets (ping).
DOCKER_CAPABILITIES = ("CAP_AUDIT_WRITE", "CAP_MKNOD", "CAP_NET_RAW")

_UNLIMITED = (1 << 64) - 1
_DEFAULT_FILES = 1 << 20  # podman's default for nofile and nproc, and the kernel's highest for nofile


def capabilities(
    options: ContainerOptions, defaults: tuple[str, ...], held: int, *, root: bool
) -> dict[str, list[str]]:
    """process.capabilities.  `held` is the bit mask that this process can pass on, `root` whether the user is uid 0.

    A default that is not held is left out; one that was asked for by name is an error.  A user other than root has none
    of them in effect but those that were asked for by name, which are then ambient.
    """
    check_capabilities(options)
    add, drop = options.cap_add, options.cap_drop
    everything = options.privileged or "ALL" in add
    wanted: Iterable[str] = (
        () if "ALL" in drop else CAPABILITIES if everything else (*defaults, *options.more_capabilities)
    )
    asked = tuple(name for name in add if name != "ALL")
    missing = tuple(name for name in asked if not held & capability_mask((name,)))
    if missing:
        hint = "leave it out, or run argosy with that capability"
        raise BadOption(f"cannot add {', '.join(missing)}: this process does not have it itself", hint=hint)
    mask = (capability_mask((*wanted, *asked)) & held) & ~capability_mask(drop)
    bounding = list(capability_names(mask))
    if root:
        return {"bounding": bounding, "effective": bounding, "permitted": bounding}
    if not asked:
        return {"bounding": bounding}
    own = [name for name in bounding if name in asked]
    return {"bounding": bounding, "effective": own, "permitted": own, "inheritable": own, "ambient": own}


def check_capabilities(options: ContainerOptions) -> None:
    """Raise BadOption when --cap-add and --cap-drop contradict each other."""
    if "ALL" in options.cap_add and "ALL" in options.cap_drop:
        raise BadOption("adding all caps and removing all caps not allowed")
    for name in options.cap_add:
        if name in options.cap_drop:
            raise BadOption(f'capability "{name}" cannot be dropped and added')


def hidden_paths(security: SecurityOptions, cpus: Iterable[str] = ()) -> tuple[list[str], list[str]]:
    """maskedPaths and readonlyPaths; `cpus` are the throttle directories of single CPUs that the host has."""
    masked, read_only = [*MASKED_PATHS, *cpus], list(READ_ONLY_PATHS)
    if "ALL" in security.unmask:
        masked, read_only = [], []
    elif security.unmask:
        masked = [path for path in masked if not _matches(path, security.unmask)]
        read_only = [path for path in read_only if not _matches(path, security.unmask)]
    masked += [path for path in security.mask if path not in masked]
    return masked, read_only


def _matches(path: str, patterns: Iterable[str]) -> bool:
    """Whether a pattern fits, in which `*` stands for any text but a slash."""
    import fnmatch

    names = path.split("/")
    for pattern in patterns:
        wanted = pattern.rstrip("/").split("/")
        if len(wanted) == len(names) and all(map(fnmatch.fnmatchcase, names, wanted)):
            return True
    return False


def check_annotations(annotations: Mapping[str, str], source: str = "--annotation") -> None:
    """Raise BadOption for an annotation that would change what the runtime does."""
    for key in annotations:
        if key.startswith(_RESERVED) and key not in _ALLOWED:
            raise BadOption(
                f'{source} may not set "{key}": it changes what the runtime does',
                hint=f"annotations with {', '.join(_RESERVED)} are argosy's own; it sets those that it needs",
            )


def rlimits(
    asked: tuple[Ulimit, ...], defaults: tuple[Ulimit, ...], own: tuple[Ulimit, ...], *, may_raise: bool
) -> list[dict[str, object]]:
    """process.rlimits: --ulimit over containers.conf over podman's defaults, within what this process may set.

    Without CAP_SYS_RESOURCE a hard limit can only be lowered: a default is cut down to it without a word, one that was
    asked for is an error.
    """
    limits = {limit.name: limit for limit in own}
    wanted: dict[str, Ulimit] = {}
    if not any(limit.name == "host" for limit in (*defaults, *asked)):
        wanted = {name: Ulimit(name, _DEFAULT_FILES, _DEFAULT_FILES) for name in ("nofile", "nproc")}
        wanted.update((limit.name, limit) for limit in defaults)
        if not may_raise:
            wanted = {name: _within(limit, limits.get(name)) for name, limit in wanted.items()}
    for limit in asked:
        if limit.name == "host":
            continue
        hard = limits.get(limit.name, limit).hard
        if not may_raise and _number(limit.hard) > _number(hard):
            shown = "unlimited" if limit.hard == -1 else str(limit.hard)
            raise BadOption(
                f"cannot set the hard limit {limit.name} to {shown}: this process's own hard limit is {hard}",
                hint=f"--ulimit {limit.name}={hard}, or raise the limit of the shell or service that runs argosy",
            )
        wanted[limit.name] = limit
    return [
        {"type": f"RLIMIT_{name.upper()}", "hard": _number(limit.hard), "soft": _number(limit.soft)}
        for name, limit in sorted(wanted.items())
    ]


def _number(limit: int) -> int:
    return _UNLIMITED if limit == -1 else limit


def _within(limit: Ulimit, own: Ulimit | None) -> Ulimit:
    """`limit`, cut down to the hard limit of this process."""
    if own is None or own.hard == -1:
        return limit
    hard = own.hard if limit.hard == -1 else min(limit.hard, own.hard)
    soft = hard if limit.soft == -1 else min(limit.soft, hard)
    return Ulimit(limit.name, soft, hard)

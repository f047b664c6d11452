"""Seccomp profiles: the default one from a table, a user's file in docker's or the OCI's form, both into the OCI's."""

from __future__ import annotations

from argosy.errors import Invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

_EPERM, _EINVAL, _ENOSYS = 1, 22, 38

# uname's machine -> the OCI's name, Go's name (profiles condition on it), and what runs beside it on such a kernel.
_ARCHITECTURES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "x86_64": ("SCMP_ARCH_X86_64", "amd64", ("SCMP_ARCH_X86", "SCMP_ARCH_X32")),
    "i686": ("SCMP_ARCH_X86", "x86", ()),
    "aarch64": ("SCMP_ARCH_AARCH64", "arm64", ("SCMP_ARCH_ARM",)),
    "armv7l": ("SCMP_ARCH_ARM", "arm", ()),
    "ppc64le": ("SCMP_ARCH_PPC64LE", "ppc64le", ()),
    "s390x": ("SCMP_ARCH_S390X", "s390x", ("SCMP_ARCH_S390",)),
    "riscv64": ("SCMP_ARCH_RISCV64", "riscv64", ()),
    "loongarch64": ("SCMP_ARCH_LOONGARCH64", "loong64", ()),
}

# Refused with EPERM, since programs take ENOSYS, the default, for an old kernel and try something older still.
_REFUSED = """
    bdflush io_pgetevents io_pgetevents_time64 kexec_file_load kexec_load migrate_pages move_pages nfsservctl nice
    oldfstat oldlstat oldolduname oldstat olduname pciconfig_iobase pciconfig_read pciconfig_write sgetmask ssetmask
    swapcontext swapoff swapon sysfs uselib userfaultfd ustat vm86 vm86old vmsplice
"""
_ALLOWED = """
    _llseek _newselect accept accept4 access adjtimex alarm bind brk cachestat capget capset chdir chmod chown chown32
    clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep
    clock_nanosleep_time64 clone clone3 close close_range connect copy_file_range creat dup dup2 dup3 epoll_create
    epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 execve
    execveat exit exit_group faccessat faccessat2 fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat
    fchmodat2 fchown fchown32 fchownat fcntl fcntl64 fdatasync fgetxattr file_getattr file_setattr flistxattr flock fork
    fremovexattr fsconfig fsetxattr fsmount fsopen fspick fstat fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate
    ftruncate64 futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake futimesat get_mempolicy
    get_robust_list get_thread_area getcpu getcwd getdents getdents64 getegid getegid32 geteuid geteuid32 getgid
    getgid32 getgroups getgroups32 getitimer getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid
    getresgid32 getresuid getresuid32 getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday getuid
    getuid32 getxattr getxattrat inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy
    io_getevents io_setup io_submit ioctl ioprio_get ioprio_set ipc keyctl kill landlock_add_rule
    landlock_create_ruleset landlock_restrict_self lchown lchown32 lgetxattr link linkat listen listmount listxattr
    listxattrat llistxattr lremovexattr lseek lsetxattr lsm_get_self_attr lsm_list_modules lsm_set_self_attr lstat
    lstat64 madvise map_shadow_stack mbind membarrier memfd_create memfd_secret mincore mkdir mkdirat mknod mknodat
    mlock mlock2 mlockall mmap mmap2 mount mount_setattr move_mount mprotect mq_getsetattr mq_notify mq_open
    mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink mremap mseal msgctl msgget msgrcv
    msgsnd msync munlock munlockall munmap name_to_handle_at nanosleep newfstatat open open_tree open_tree_attr openat
    openat2 pause pidfd_getfd pidfd_open pidfd_send_signal pipe pipe2 pivot_root pkey_alloc pkey_free pkey_mprotect poll
    ppoll ppoll_time64 prctl pread64 preadv preadv2 prlimit64 process_mrelease process_vm_readv process_vm_writev
    pselect6 pselect6_time64 ptrace pwrite64 pwritev pwritev2 read readahead readdir readlink readlinkat readv reboot
    recv recvfrom recvmmsg recvmmsg_time64 recvmsg remap_file_pages removexattr removexattrat rename renameat renameat2
    restart_syscall rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend
    rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min
    sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval
    sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield seccomp
    select semctl semget semop semtimedop semtimedop_time64 send sendfile sendfile64 sendmmsg sendmsg sendto
    set_mempolicy set_mempolicy_home_node set_robust_list set_thread_area set_tid_address setfsgid setfsgid32 setfsuid
    setfsuid32 setgid setgid32 setgroups setgroups32 setitimer setns setpgid setpriority setregid setregid32 setresgid
    setresgid32 setresuid setresuid32 setreuid setreuid32 setrlimit setsid setsockopt setuid setuid32 setxattr
    setxattrat shmat shmctl shmdt shmget shutdown sigaction sigaltstack signal signalfd signalfd4 sigpending sigprocmask
    sigreturn sigsuspend socketcall socketpair splice stat stat64 statfs statfs64 statmount statx symlink symlinkat sync
    sync_file_range syncfs syscall sysinfo syslog tee tgkill time timer_create timer_delete timer_getoverrun
    timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd timerfd_create timerfd_gettime
    timerfd_gettime64 timerfd_settime timerfd_settime64 times tkill truncate truncate64 ugetrlimit umask umount umount2
    uname unlink unlinkat unshare uretprobe utime utimensat utimensat_time64 utimes vfork wait4 waitid waitpid write
    writev
"""
# personality(2): PER_LINUX, PER_LINUX32, UNAME26 with each, and the question which one it is.
_PERSONALITIES = (0x0, 0x8, 0x20000, 0x20008, 0xFFFFFFFF)
_BY_ARCHITECTURE = (
    (("ppc64le",), "sync_file_range2"),
    (("arm", "arm64"), "arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush set_tls sync_file_range2"),
    (("amd64", "x32"), "arch_prctl"),
    (("amd64", "x32", "x86"), "modify_ldt"),
    (("s390", "s390x"), "s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr"),
    (("riscv64",), "riscv_flush_icache riscv_hwprobe"),
)
# Allowed with the capability, EPERM without it.
_BY_CAPABILITY = (
    ("CAP_DAC_READ_SEARCH", "open_by_handle_at"),
    (
        "CAP_SYS_ADMIN",
        "bpf fanotify_init lookup_dcookie perf_event_open quotactl quotactl_fd setdomainname sethostname",
    ),
    ("CAP_SYS_CHROOT", "chroot"),
    ("CAP_SYS_MODULE", "delete_module finit_module init_module query_module"),
    ("CAP_SYS_PACCT", "acct"),
    ("CAP_SYS_PTRACE", "kcmp process_madvise"),
    ("CAP_SYS_RAWIO", "ioperm iopl"),
    ("CAP_SYS_TIME", "clock_settime clock_settime64 settimeofday stime"),
    ("CAP_SYS_TTY_CONFIG", "vhangup"),
)
_AF_NETLINK, _NETLINK_AUDIT = 16, 9

_ACTIONS = frozenset(
    "SCMP_ACT_" + name
    for name in ("ALLOW", "ERRNO", "KILL", "KILL_PROCESS", "KILL_THREAD", "LOG", "NOTIFY", "TRACE", "TRAP")
)
_OPERATORS = frozenset("SCMP_CMP_" + name for name in ("NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"))
_WHAT = "seccomp profile"


def profile(text: bytes | None, capabilities: Sequence[str], machine: str, source: str = "") -> dict[str, Any]:
    """The OCI's linux.seccomp: of the default profile when `text` is None, else of the content of the file `source`.

    `capabilities` is the bounding set, `machine` uname's.  Raises Invalid when the file is anything but a sound
    profile: a container never starts with less than was asked for.
    """
    if text is None:
        return default(capabilities, machine)
    from argosy import jsontext

    try:
        data = jsontext.decode(text, _WHAT)
        if not isinstance(data, dict):
            raise Invalid(_WHAT, str(data), "not a JSON object")
        return _resolved(data, frozenset(capabilities), machine)
    except Invalid as error:
        hint = error.hint or "correct the file, or leave it out for argosy's own profile"
        raise Invalid(f"{_WHAT} {source}:", error.value, error.why, hint=hint) from error


def default(capabilities: Sequence[str], machine: str) -> dict[str, Any]:
    """The profile of containers that ask for nothing else."""
    name, go_name, others = _architecture(machine)
    rules = [
        _rule(_REFUSED, "ERRNO", errno=_EPERM),
        _rule(_ALLOWED, "ALLOW"),
        *(_rule("personality", "ALLOW", (0, "EQ", value)) for value in _PERSONALITIES),
    ]
    rules += [_rule(names, "ALLOW") for machines, names in _BY_ARCHITECTURE if go_name in machines]
    for capability, names in _BY_CAPABILITY:
        rules.append(_rule(names, "ALLOW") if capability in capabilities else _rule(names, "ERRNO", errno=_EPERM))
    if "CAP_AUDIT_WRITE" in capabilities:
        rules.append(_rule("socket", "ALLOW"))
    else:
        # Programs take EINVAL for a kernel without auditing, and go on.
        family, protocol = (0, "EQ", _AF_NETLINK), (2, "EQ", _NETLINK_AUDIT)
        rules += [
            _rule("socket", "ERRNO", family, protocol, errno=_EINVAL),
            _rule("socket", "ALLOW", (2, "NE", _NETLINK_AUDIT)),
            _rule("socket", "ALLOW", (0, "NE", _AF_NETLINK)),
        ]
    return {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": _ENOSYS,
        "architectures": [name, *others],
        "syscalls": rules,
    }


def _rule(names: str, action: str, *args: tuple[int, str, int], errno: int = 0) -> dict[str, Any]:
    rule: dict[str, Any] = {"names": names.split(), "action": f"SCMP_ACT_{action}"}
    if errno:
        rule["errnoRet"] = errno
    if args:
        rule["args"] = [{"index": index, "value": value, "op": f"SCMP_CMP_{op}"} for index, op, value in args]
    return rule


def _architecture(machine: str) -> tuple[str, str, tuple[str, ...]]:
    known = _ARCHITECTURES.get(machine)
    if known is None:
        hint = "use --security-opt seccomp=FILE with a profile for it"
        raise Invalid("architecture", machine, "argosy has no default seccomp profile for it", hint=hint)
    return known


def _resolved(data: dict[str, Any], capabilities: frozenset[str], machine: str) -> dict[str, Any]:
    """A profile of docker's form, with its conditions decided, or of the OCI's form, checked."""
    go_name = _ARCHITECTURES.get(machine, (machine, machine, ()))[1]
    found: dict[str, Any] = {"defaultAction": _action(data.get("defaultAction"), "defaultAction")}
    if data.get("defaultErrnoRet") is not None:
        found["defaultErrnoRet"] = _integer(data["defaultErrnoRet"], "defaultErrnoRet", 4095)
    found["architectures"] = _architectures(data, machine)
    flags = _texts(data.get("flags"), "flags")
    if flags:
        found["flags"] = flags
    if data.get("listenerPath"):
        raise Invalid(_WHAT, str(data["listenerPath"]), "listeners are not supported", hint="leave listenerPath out")
    rules = _objects(data.get("syscalls"), "syscalls")
    found["syscalls"] = [
        _checked(rule, where)
        for where, rule in ((f"syscalls[{number}]", rule) for number, rule in enumerate(rules))
        if _applies(rule, where, capabilities, go_name)
    ]
    return found


def _architectures(data: dict[str, Any], machine: str) -> list[str]:
    """The architectures to filter for: those given, or the native one with its companions from archMap."""
    if data.get("architectures"):
        return _texts(data["architectures"], "architectures")
    native = _ARCHITECTURES.get(machine)
    for entry in _objects(data.get("archMap"), "archMap"):
        if native is not None and entry.get("architecture") == native[0]:
            return [native[0], *_texts(entry.get("subArchitectures"), "archMap")]
    return []


def _applies(rule: dict[str, Any], where: str, capabilities: frozenset[str], go_name: str) -> bool:
    """Whether the conditions of docker's form hold: all that is included, nothing that is excluded."""
    included, excluded = ({} if rule.get(key) is None else rule[key] for key in ("includes", "excludes"))
    if not isinstance(included, dict) or not isinstance(excluded, dict):
        raise Invalid(_WHAT, where, "includes and excludes must be objects")
    for condition in (*included, *excluded):
        if condition not in ("caps", "arches", "minKernel"):
            raise Invalid(_WHAT, where, f"argosy does not know the condition {condition!r}")
    caps, arches = _texts(included.get("caps"), where), _texts(included.get("arches"), where)
    if (arches and go_name not in arches) or not capabilities.issuperset(caps):
        return False
    if included.get("minKernel") and not _kernel_reaches(included["minKernel"], where):
        return False
    no_caps, no_arches = _texts(excluded.get("caps"), where), _texts(excluded.get("arches"), where)
    if go_name in no_arches or capabilities.intersection(no_caps):
        return False
    return not (excluded.get("minKernel") and _kernel_reaches(excluded["minKernel"], where))


def _kernel_reaches(wanted: Any, where: str) -> bool:
    """Docker's minKernel: profiles use it for kernels older than any that argosy runs on (5.4)."""
    numbers = wanted.split(".")[:2] if isinstance(wanted, str) else []
    if len(numbers) != 2 or not all(number.isdecimal() for number in numbers):
        raise Invalid(_WHAT, where, f"minKernel {wanted!r} is not a version")
    if [int(number) for number in numbers] > [5, 4]:
        raise Invalid(_WHAT, where, f"argosy does not decide on minKernel {wanted}", hint="leave the condition out")
    return True


def _checked(rule: dict[str, Any], where: str) -> dict[str, Any]:
    """One rule in the OCI's form."""
    names = _texts([rule["name"]] if rule.get("names") is None and "name" in rule else rule.get("names"), where)
    if not names:
        raise Invalid(_WHAT, where, "it names no system call")
    found: dict[str, Any] = {"names": names, "action": _action(rule.get("action"), where)}
    if rule.get("errnoRet") is not None:
        found["errnoRet"] = _integer(rule["errnoRet"], where, 4095)
    args = _objects(rule.get("args"), f"{where}.args")
    if len(args) > 6:
        raise Invalid(_WHAT, where, "a system call has at most 6 arguments")
    if args:
        found["args"] = [_argument(arg, where) for arg in args]
    return found


def _argument(arg: dict[str, Any], where: str) -> dict[str, Any]:
    operator = arg.get("op")
    if not isinstance(operator, str) or operator not in _OPERATORS:
        raise Invalid(_WHAT, where, f"{operator!r} is not an operator")
    found = {"index": _integer(arg.get("index"), where, 5), "value": _integer(arg.get("value"), where, (1 << 64) - 1)}
    if arg.get("valueTwo"):
        found["valueTwo"] = _integer(arg["valueTwo"], where, (1 << 64) - 1)
    return {**found, "op": operator}


def _action(value: Any, where: str) -> str:
    if not isinstance(value, str) or value not in _ACTIONS:
        raise Invalid(_WHAT, where, f"{value!r} is not an action")
    if value == "SCMP_ACT_NOTIFY":
        raise Invalid(_WHAT, where, "SCMP_ACT_NOTIFY needs a listener, which argosy does not support")
    return value


def _integer(value: Any, where: str, most: int) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise Invalid(_WHAT, where, f"{value!r} is not a number from 0 to {most}")
    return value


def _objects(value: Any, where: str) -> list[dict[str, Any]]:
    """An array of objects; absent or null is an empty one."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise Invalid(_WHAT, where, "it must be an array of objects")
    return value


def _texts(value: Any, where: str) -> list[str]:
    """An array of strings; absent or null is an empty one."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise Invalid(_WHAT, where, f"{value!r} is not an array of strings")
    return value


def table_digest(capabilities: Iterable[str]) -> str:
    """What `security.SECCOMP_DIGEST` begins: over all machines' profiles, with all capabilities and with none."""
    import hashlib

    from argosy import jsontext

    hasher = hashlib.sha256()
    every = tuple(capabilities)
    for machine in _ARCHITECTURES:
        for held in ((), every):
            hasher.update(jsontext.encode(default(held, machine)))
    return hasher.hexdigest()

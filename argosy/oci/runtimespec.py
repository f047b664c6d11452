"""Names that the OCI runtime specification takes from the kernel."""

from __future__ import annotations

_CAPABILITIES = """
    CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE
    NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN
    SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE
    MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE
"""
_RLIMITS = "cpu fsize data stack core rss nproc nofile memlock as locks sigpending msgqueue nice rtprio rttime"

# linux/capability.h: the position is the capability's number.
CAPABILITIES = tuple("CAP_" + name for name in _CAPABILITIES.split())
# asm-generic/resource.h: the position is the limit's number, on mips and sparc excepted.
RLIMITS = tuple(_RLIMITS.split())


def capability_names(mask: int) -> tuple[str, ...]:
    """The capabilities in a bit mask of the kernel (CapBnd in /proc/self/status), those that this table knows."""
    return tuple(name for number, name in enumerate(CAPABILITIES) if mask >> number & 1)


def capability_mask(names: tuple[str, ...]) -> int:
    """The bit mask for names with CAP_; unknown ones are left out."""
    mask = 0
    for number, name in enumerate(CAPABILITIES):
        if name in names:
            mask |= 1 << number
    return mask

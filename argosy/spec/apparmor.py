"""The AppArmor profile that containers get by default, in apparmor.d(5)'s language.

What a container's own namespaces, capabilities and seccomp filter do not keep from it: the kernel's switches below
/proc and /sys, and mounts, which a capability that somebody adds would otherwise open.
"""

from __future__ import annotations

from argosy.spec.options import BadOption

# Changes whenever the rules do (a test compares them), so that a profile of another version is never taken for ours.
NAME = "argosy-default-fcaa79e0"

RULES = """\
#include <tunables/global>

profile {name} flags=(attach_disconnected,mediate_deleted) {{
  #include <abstractions/base>

  network,
  capability,
  file,
  umount,

  # The program that stops the container is outside; inside, everybody may signal everybody.
  signal (receive) peer=unconfined,
  signal (receive) peer=argosy,
  signal (receive) peer=crun,
  signal (receive) peer=runc,
  signal (send,receive) peer={name},
  ptrace (trace,read,tracedby,readby) peer={name},

  # /proc: what is not of a process is the host's, but for the parameters of the container's own namespaces
  # (net, and kernel/hostname, msg*, sem, shm*).
  deny @{{PROC}}/* w,
  deny @{{PROC}}/{{acpi,asound,bus,driver,fs,irq,scsi}}/** w,
  deny @{{PROC}}/sys/[^kn]** w,
  deny @{{PROC}}/sys/kernel/{{[^hms],h[^o],ho[^s],m[^s],s[^eh]}}** w,
  deny @{{PROC}}/{{kcore,sysrq-trigger}} rwklx,

  deny mount,

  # /sys: the container's cgroups may be written where they are mounted so, everything else is the host's.
  deny /sys/[^f]*/** wklx,
  deny /sys/f[^s]*/** wklx,
  deny /sys/fs/[^c]*/** wklx,
  deny /sys/fs/c[^g]*/** wklx,
  deny /sys/fs/cg[^r]*/** wklx,
  deny /sys/firmware/** rwklx,
  deny /sys/devices/virtual/powercap/** rwklx,
  deny /sys/kernel/security/** rwklx,
}}
"""


def profile(name: str = NAME) -> str:
    """The profile's text under the given name."""
    return RULES.format(name=name)


def missing(name: str) -> BadOption:
    """The error for a profile that was asked for on a host that has no AppArmor."""
    return BadOption(f'apparmor profile "{name}" specified, but Apparmor is not enabled on this system')

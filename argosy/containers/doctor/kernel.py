"""Checks of what the kernel has."""

from __future__ import annotations

from argosy.containers.doctor.advice import BAD, GOOD, LESS, Advice, install

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from argosy.containers.doctor.facts import Facts

_OVERLAY_FOR_USERS = (5, 13)  # `userxattr`, and with it overlay in a user namespace that keeps opaque directories
_COPIES = "each container is a copy of its image (driver vfs): slow, and as large"


def overlay(facts: Facts) -> Iterator[Advice]:
    """The kernel's overlay file system, which users may mount from 5.13 on."""
    major, minor = facts.kernel
    if not facts.overlay:
        cost = (
            f"without fuse-overlayfs, {_COPIES}" if "fuse-overlayfs" not in facts.programs else "fuse-overlayfs: slower"
        )
        yield Advice(
            "overlay", LESS, "the kernel has no overlay, or has not loaded it", cost, "as root: modprobe overlay"
        )
    elif facts.rootless and facts.kernel < _OVERLAY_FOR_USERS:
        text = f"Linux {major}.{minor} keeps overlay from users"
        yield Advice("overlay", LESS, text, f"without fuse-overlayfs, {_COPIES}", "boot Linux 5.13 or later")
    else:
        yield Advice("overlay", GOOD, f"overlay, in Linux {major}.{minor}")


def fuse(facts: Facts) -> Iterator[Advice]:
    """FUSE and fuse-overlayfs: what takes overlay's place."""
    problem = facts.devices.get("/dev/fuse", "")
    if problem:
        remedy = "as root: modprobe fuse; in a container: --device /dev/fuse"
        yield Advice("fuse", LESS, f"/dev/fuse: {problem}", f"where overlay does not work, {_COPIES}", remedy)
    elif "fuse-overlayfs" not in facts.programs:
        cost = f"where overlay does not work, {_COPIES}"
        yield Advice("fuse", LESS, "fuse-overlayfs is not installed", cost, install(facts, "fuse-overlayfs"))
    else:
        yield Advice("fuse", GOOD, facts.programs["fuse-overlayfs"])


def seccomp(facts: Facts) -> Iterator[Advice]:
    """Seccomp filters."""
    if facts.seccomp:
        yield Advice("seccomp", GOOD, "the kernel has seccomp filters")
    else:
        cost = "containers start with --security-opt seccomp=unconfined only"
        yield Advice("seccomp", BAD, "the kernel has no seccomp filters", cost, "boot one with CONFIG_SECCOMP_FILTER")


def lsm(facts: Facts) -> Iterator[Advice]:
    """AppArmor and SELinux."""
    if facts.apparmor and not facts.rootless:
        if "apparmor_parser" in facts.programs:
            yield Advice("lsm", GOOD, "AppArmor: containers get the profile argosy-default")
        else:
            cost = "the profile for containers cannot be loaded"
            yield Advice("lsm", LESS, "apparmor_parser is not installed", cost, install(facts, "apparmor_parser"))
    if facts.selinux:
        yield Advice("lsm", GOOD, f"SELinux: containers run as {facts.selinux}")
    elif facts.selinux_error:
        cost = "containers get no labels"
        yield Advice("lsm", LESS, facts.selinux_error, cost, install(facts, "container-selinux"))
    if not (facts.apparmor or facts.selinux or facts.selinux_error):
        yield Advice("lsm", GOOD, "neither AppArmor nor SELinux is enabled")

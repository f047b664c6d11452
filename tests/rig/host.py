"""Facts of this host that decide whether a test can run, as skip marks.  Never the name of a CI, only facts."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess

import pytest

TEST_USER = "argosy-test"
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_CAP_SYS_RESOURCE = 24


def is_root() -> bool:
    """Whether the tests run as root."""
    return os.geteuid() == 0


def user_exists(name: str = TEST_USER) -> bool:
    """Whether the set-up made the unprivileged user."""
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def has_capability(number: int) -> bool:
    """Whether this process holds the capability in its effective set."""
    with open("/proc/self/status", encoding="ascii") as status:
        effective = next(line.split()[1] for line in status if line.startswith("CapEff:"))
    return bool(int(effective, 16) >> number & 1)


def can_use_tun() -> bool:
    """Whether everybody may open /dev/net/tun, which pasta and slirp4netns need."""
    try:
        return os.stat("/dev/net/tun").st_mode & 0o006 == 0o006 or os.access("/dev/net/tun", os.R_OK | os.W_OK)
    except OSError:
        return False


def program(name: str) -> str | None:
    """The path of a program, the system's sbin directories included."""
    return shutil.which(name, path=SYSTEM_PATH)


def needs_program(name: str) -> pytest.MarkDecorator:
    """Skip where the program is not installed."""
    return pytest.mark.skipif(program(name) is None, reason=f"{name} is not installed")


needs_root = pytest.mark.skipif(not is_root(), reason="needs root")
needs_user = pytest.mark.skipif(
    is_root() and not user_exists(), reason=f"the user {TEST_USER} does not exist (`make test` adds it)"
)
needs_raised_limits = pytest.mark.skipif(
    not has_capability(_CAP_SYS_RESOURCE), reason="limits cannot be raised without CAP_SYS_RESOURCE"
)
needs_cgroup_v2 = pytest.mark.skipif(
    not os.path.exists("/sys/fs/cgroup/cgroup.controllers"), reason="this host has no unified cgroup hierarchy"
)
needs_tun = pytest.mark.skipif(not can_use_tun(), reason="/dev/net/tun cannot be opened")


def needs_podman_4() -> pytest.MarkDecorator:
    """Skips unless podman is of version 4, whose words and fields are what these tests compare with."""
    path = program("podman")
    major = ""
    if path is not None:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
        major = done.stdout.rpartition(" ")[2].partition(".")[0]
    return pytest.mark.skipif(
        major != "4", reason="podman 4 is not installed: other versions word and show it otherwise"
    )


def needs_link_kind(kind: str) -> pytest.MarkDecorator:
    """Skips where the kernel knows no network devices of this kind (`vlan`, `ipvlan`, ...)."""
    ip, known = program("ip"), False
    if ip is not None and is_root():
        argv = ["unshare", "--net", ip, "link", "add", "tried", "type", kind]
        known = b"Unknown device type" not in subprocess.run(argv, capture_output=True, check=False).stderr
    return pytest.mark.skipif(not known, reason=f"this kernel has no network devices of the kind {kind}")

"""Containers whose first process is systemd: what it must find to run, as podman gives it (--systemd)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.spec.generate import SpecRequest

V1_HIERARCHY = "/sys/fs/cgroup/systemd"
_TMPFS = ("/run", "/run/lock", "/tmp", "/var/log/journal")


def mounts(request: SpecRequest) -> list[dict[str, Any]]:
    """Writable places for its state, and its own part of the control groups, which systemd manages itself."""
    flags = ["rw", "rprivate", "nosuid", "nodev"]
    found: list[dict[str, Any]] = [
        {"destination": path, "type": "tmpfs", "source": "tmpfs", "options": [*flags, "tmpcopyup"]} for path in _TMPFS
    ]
    if request.cgroup_mode == "v2":
        options = ["private", "rw", "nosuid", "noexec", "nodev", "relatime"]
        found.append({"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": options})
    elif request.systemd_hierarchy:
        options = ["bind", "rprivate", "nosuid", "noexec", "nodev"]
        found.append({"destination": V1_HIERARCHY, "type": "bind", "source": V1_HIERARCHY, "options": options})
    return found


def masked(request: SpecRequest) -> list[str]:
    """What lies in the hierarchy of v1 and would start a program on the host."""
    return [f"{V1_HIERARCHY}/release_agent"] if request.cgroup_mode != "v2" and request.systemd_hierarchy else []

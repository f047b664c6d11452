"""A SpecRequest to start from: a small image on a host where everything works."""

from __future__ import annotations

from typing import Any

from argosy.config.containers import ContainersConf
from argosy.oci.imageconfig import ContainerConfig
from argosy.spec.generate import SpecRequest, generate
from argosy.spec.options import ContainerOptions, NetworkMode, Ulimit

PASSWD = b"root:x:0:0:root:/root:/bin/sh\nbob:x:1000:1000::/home/bob:/bin/sh\nnohome:x:1001:100::\n"
GROUP = b"root:x:0:\nbob:x:1000:\nstaff:x:50:bob,root\nwheel:x:10:bob\nusers:x:100:\n"
ALL_CAPABILITIES = (1 << 41) - 1
# What Python takes for a number, or cannot bear, and what is none to strconv.
ODD_NUMBERS = ("9" * 5000, "\u0663", "\uff11", "1_0", " 1", "1 ", "1\n", "0x10", "1e3", "1.0", "\u00b2")
ID = "0123456789ab" + "c" * 52


def options(**changes: Any) -> ContainerOptions:
    """The options of `run IMAGE sh`."""
    fields: dict[str, Any] = {"image": "box", "command": ("sh",), "network": NetworkMode("none"), **changes}
    return ContainerOptions(**fields)


def request(option_changes: dict[str, Any] | None = None, **changes: Any) -> SpecRequest:
    """A request with some fields of the options and of the request itself changed."""
    fields: dict[str, Any] = {
        "options": options(**(option_changes or {})),
        "image": ContainerConfig(),
        "conf": ContainersConf(),
        "container_id": ID,
        "rootfs": "/store/merged",
        "machine": "x86_64",
        "passwd": PASSWD,
        "group": GROUP,
        "capabilities": ALL_CAPABILITIES,
        "rlimits": (Ulimit("nofile", 1024, 4096), Ulimit("nproc", 100, 200)),
        **changes,
    }
    return SpecRequest(**fields)


def spec(option_changes: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """The runtime specification for such a request."""
    return generate(request(option_changes, **changes))

"""The rarer flags about the process of a container, its users, its environment and its log."""

from __future__ import annotations

import os

from argosy.spec import parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.cli.podman._container_table import CreateFlags


def read(flags: CreateFlags) -> dict[str, Any]:
    """Those that were given, as fields of ContainerOptions.  Raises BadOption."""
    found: dict[str, Any] = {
        "chroot_dirs": flags.chrootdirs,
        "conmon_pidfile": os.path.abspath(flags.conmon_pidfile) if flags.conmon_pidfile else "",
        "env_merge": flags.env_merge,
        "group_entry": flags.group_entry or "",
        "groups": flags.group_add,
        "host_env": dict(os.environ) if flags.env_host else {},
        "host_users": flags.hostuser,
        "http_proxy": flags.http_proxy,
        "init_path": flags.init_path or "",
        "log_driver": flags.log_driver or "",
        "passwd": flags.passwd is not False,
        "passwd_entry": flags.passwd_entry or "",
        "personality": flags.personality or "",
        "requires": flags.requires,
        "sdnotify": flags.sdnotify or "",
        "seccomp_policy": flags.seccomp_policy or "",
        "systemd": flags.systemd or "",
        "timeout_s": flags.timeout or 0,
        "timezone": flags.tz or "",
        "umask": flags.umask or "",
        "unset_all_env": bool(flags.unsetenv_all),
        "unset_env": flags.unsetenv,
    }
    if flags.log_opt:
        found["log_options"] = parse.parse_labels(flags.log_opt)
    return found

"""The rarer flags about the process of a container, its users, its environment and its log."""

from __future__ import annotations

import os

from argosy.errors import ArgosyError
from argosy.linux import files, process
from argosy.spec import processflags as texts
from argosy.spec.options import BadOption

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from argosy.cli.podman._container_table import CreateFlags

_FILE_LIMIT = 4 << 20


def read(flags: CreateFlags) -> dict[str, Any]:
    """Those that were given, as fields of ContainerOptions.  Raises BadOption."""
    texts.parse_attach(flags.attach)
    found: dict[str, Any] = {
        "chroot_dirs": texts.parse_chroot_dirs(flags.chrootdirs),
        "conmon_pidfile": os.path.abspath(flags.conmon_pidfile) if flags.conmon_pidfile else "",
        "env_host": flags.env_host,
        "env_merge": texts.parse_env_merge(flags.env_merge),
        "group_entry": flags.group_entry or "",
        "groups": texts.parse_groups(flags.group_add),
        "host_users": flags.hostuser,
        "http_proxy": flags.http_proxy,
        "init_path": flags.init_path or "",
        "passwd": flags.passwd is not False,
        "passwd_entry": flags.passwd_entry or "",
        "requires": flags.requires,
        "timeout_s": texts.parse_timeout(flags.timeout or 0),
        "timezone": flags.tz or "",
        "unset_all_env": bool(flags.unsetenv_all),
        "unset_env": flags.unsetenv,
    }
    for key, text, reader in (
        ("log_driver", flags.log_driver, texts.parse_log_driver),
        ("personality", flags.personality, texts.parse_personality),
        ("sdnotify", flags.sdnotify, texts.parse_sdnotify),
        ("seccomp_policy", flags.seccomp_policy, texts.parse_seccomp_policy),
        ("systemd", flags.systemd, texts.parse_systemd),
        ("umask", flags.umask, texts.parse_umask),
    ):
        if text:
            found[key] = reader(text)
    if flags.log_opt:
        found["log_options"] = texts.parse_log_options(flags.log_opt, os.getcwd())
    _check_together(flags)
    return found


def _check_together(flags: CreateFlags) -> None:
    """Raise BadOption for two flags of which one would do nothing."""
    if flags.passwd is False:
        for flag, given in (("passwd-entry", flags.passwd_entry), ("group-entry", flags.group_entry)):
            if given:
                raise BadOption(f"--{flag} cannot be given with --passwd=false", hint="leave one of the two out")


def labels_of_files(paths: Iterable[str]) -> dict[str, str]:
    """--label-file, the later ones over the earlier ones."""
    found: dict[str, str] = {}
    for path in paths:
        try:
            data = files.read(path, _FILE_LIMIT)
        except OSError as error:
            reason = str(error.strerror).lower()
            raise BadOption(f"unable to process labels: open {path}: {reason}", hint="see --label-file") from error
        found.update(texts.parse_label_file(data))
    return found


def check_passthrough(driver: str) -> None:
    """Raise ArgosyError where the container would get our terminal: a program in it could type for us (TIOCSTI)."""
    if driver == "passthrough" and any(map(os.isatty, (0, 1, 2))):
        raise ArgosyError("the '--log-driver passthrough' option cannot be used on a TTY", hint="redirect the streams")


def check_descriptors(count: int) -> None:
    """Raise ArgosyError unless the caller passed us as many descriptors, from 3 on, as --preserve-fds hands on.

    One of our own that happens to have such a number must not get into the container.
    """
    for fd in range(3, 3 + count):
        if not process.was_inherited(fd):
            raise ArgosyError(
                f"file descriptor {fd} is not available - the preserve-fds option requires that file descriptors "
                "must be passed"
            )

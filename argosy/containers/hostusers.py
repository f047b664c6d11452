"""Users of the host, for --hostuser and --userns=keep-id."""

from __future__ import annotations

import grp
import pwd

from argosy.spec.accounts import HostUser
from argosy.spec.options import BadOption

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from argosy.linux.userns import Namespace
    from argosy.spec.options import ContainerOptions


def find_all(names: Iterable[str]) -> tuple[HostUser, ...]:
    """The accounts by name or uid.  Raises BadOption for one that the host does not have."""
    return tuple(map(_find, names))


def caller(namespace: Namespace, options: ContainerOptions) -> dict[str, Any]:
    """Who calls us, and the name of his group, where --userns=keep-id gives him his own ids inside; else nothing."""
    mode = options.userns
    if mode is None or mode.kind != "keep-id" or (mode.uid, mode.gid) != (None, None) or not namespace.rootless:
        return {}
    try:
        found = pwd.getpwuid(namespace.uid)
    except KeyError:
        return {}
    try:
        group = grp.getgrgid(namespace.gid).gr_name
    except KeyError:
        group = found.pw_name
    full_name = found.pw_gecos.partition(",")[0]
    user = HostUser(found.pw_name, namespace.uid, namespace.gid, full_name, found.pw_dir)
    return {"caller": user, "caller_group": group}


def _find(name: str) -> HostUser:
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        try:
            found = pwd.getpwuid(int(name))
        except (KeyError, ValueError, OverflowError):
            raise BadOption(f"user: unknown user {name}", hint="--hostuser names a user of the host") from None
    return HostUser(found.pw_name, found.pw_uid, found.pw_gid, found.pw_gecos.partition(",")[0], found.pw_dir)

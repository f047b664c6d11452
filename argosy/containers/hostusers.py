"""Users of the host, for --hostuser."""

from __future__ import annotations

import pwd

from argosy.spec.accounts import HostUser
from argosy.spec.options import BadOption

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def find_all(names: Iterable[str]) -> tuple[HostUser, ...]:
    """The accounts by name or uid.  Raises BadOption for one that the host does not have."""
    return tuple(map(_find, names))


def _find(name: str) -> HostUser:
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        try:
            found = pwd.getpwuid(int(name))
        except (KeyError, ValueError, OverflowError):
            raise BadOption(f"user: unknown user {name}", hint="--hostuser names a user of the host") from None
    return HostUser(found.pw_name, found.pw_uid, found.pw_gid, found.pw_gecos.partition(",")[0], found.pw_dir)

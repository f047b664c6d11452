"""--userns and its like of `build` and buildah's `from`: which user namespace RUN steps have."""

from __future__ import annotations

import os

from argosy.cli.flags import Flag
from argosy.errors import ArgosyError
from argosy.spec.options import BadOption, UserNamespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from argosy.cli.buildah.from_ import FromFlags
    from argosy.cli.podman._build_table import BuildFlags

FLAGS = (
    Flag("userns", kind="string", help="The user namespace of RUN steps: private, host, or the path of one"),
    Flag("userns-gid-map", kind="csv", help="Group ids of a user namespace of RUN steps (INSIDE:OUTSIDE:AMOUNT)"),
    Flag("userns-gid-map-group", kind="string", help="Take these group ids from this name in /etc/subgid"),
    Flag("userns-uid-map", kind="csv", help="User ids of a user namespace of RUN steps (INSIDE:OUTSIDE:AMOUNT)"),
    Flag("userns-uid-map-user", kind="string", help="Take these user ids from this name in /etc/subuid"),
)


def user_namespace(flags: BuildFlags | FromFlags) -> UserNamespace | None:
    """What the flags ask for; None where they ask for nothing.  Raises BadOption and ArgosyError."""
    uid_maps, gid_maps = tuple(_entries(flags.userns_uid_map)), tuple(_entries(flags.userns_gid_map))
    user, group = flags.userns_uid_map_user or "", flags.userns_gid_map_group or ""
    has_maps = bool(uid_maps or gid_maps or user or group)
    if flags.userns == "host":
        if has_maps:
            hint = "leave out --userns, or the maps"
            raise ArgosyError("can not specify ID mappings while using host's user namespace", hint=hint)
        return None
    if flags.userns in (None, "", "container", "private"):
        if flags.userns is None and not has_maps:
            return None
        return UserNamespace("private", uid_maps=uid_maps, gid_maps=gid_maps, subuid_name=user, subgid_name=group)
    return _of_path(flags.userns or "", has_maps=has_maps)


def _of_path(text: str, *, has_maps: bool) -> UserNamespace:
    if text.partition(":")[0] == "auto":
        hint = "name them with --userns-uid-map and --userns-gid-map, or a user with --userns-uid-map-user"
        raise BadOption("--userns auto: a build does not choose ids by itself", hint=hint)
    path = os.path.abspath(text.removeprefix("ns:"))
    try:
        os.stat(path)
    except OSError as error:
        why = f"checking user namespace: stat {text.removeprefix('ns:')}: {str(error.strerror).lower()}"
        raise ArgosyError(why, hint="--userns is private, host, or the path of a namespace") from error
    if has_maps:
        raise BadOption("--userns: a namespace that is there has its map already", hint="leave out --userns-uid-map")
    return UserNamespace("ns", target=path)


def _entries(texts: tuple[str, ...]) -> Iterator[str]:
    """The maps one by one: buildah takes several in one word, divided by whatever is no digit."""
    for text in texts:
        digits = "".join(char if char in "0123456789" else " " for char in text).split()
        if not digits or len(digits) % 3 or text.strip(" \t0123456789:"):
            what = f'mapping "{text}" is not in the form containerid:hostid:size[,...]'
            raise BadOption(what, hint="as in --userns-uid-map 0:100000:65536")
        for start in range(0, len(digits), 3):
            yield ":".join(digits[start : start + 3])

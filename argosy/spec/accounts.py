"""The lines that a container's /etc/passwd and /etc/group get for a user whom the image does not know.

As podman writes them: a user given by number, and users of the host (--hostuser), that the image lacks; and a group
given by number.  Pure: the files are handed in and handed back.
"""

from __future__ import annotations

from argosy.errors import Invalid
from argosy.spec import users
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.spec.options import ContainerOptions


class HostUser(Value):
    """A user of the host, as its account files have him."""

    name: str
    uid: int
    gid: int
    full_name: str
    home: str


def completed(
    options: ContainerOptions,
    user: str,
    passwd: bytes | None,
    group: bytes | None,
    *,
    host_users: tuple[HostUser, ...] = (),
    caller: HostUser | None = None,
    caller_group: str = "",
    workdir: str = "/",
) -> tuple[bytes | None, bytes | None]:
    """The two files with what has to be added; None for one that stays as it is.

    `user` is --user or the image's USER; a file that is None is not there, and none is made.  `caller` is who has the
    same ids inside as on the host (--userns=keep-id), and `caller_group` the name of his group.
    """
    known = host_users
    if caller is not None and options.passwd:
        known = (*host_users, caller)
    lines = "" if passwd is None else "".join(_host_lines(options, passwd, known, workdir))
    if passwd is not None and options.passwd:
        taken = {str(entry.uid) for entry in known}
        lines += _user_line(options, user, passwd, group or b"", taken, workdir)
    group_line = "" if group is None or not options.passwd else _group_line(options, user, group, caller, caller_group)
    return _with(passwd, lines), _with(group, group_line)


def _with(data: bytes | None, lines: str) -> bytes | None:
    if data is None or not lines:
        return None
    newline = b"\n" if data and not data.endswith(b"\n") else b""
    return data + newline + lines.encode("utf-8", "surrogateescape")


def _host_lines(options: ContainerOptions, passwd: bytes, host_users: tuple[HostUser, ...], workdir: str) -> list[str]:
    targets = {mount.target for mount in options.mounts}
    found = []
    for entry in host_users:
        if users.has_user(passwd, entry.name) or users.has_user(passwd, str(entry.uid)):
            continue
        home = entry.home if any(_within(entry.home, target) for target in targets) else workdir
        found.append(_passwd_line(options, entry.name, entry.uid, entry.gid, entry.full_name, home))
    return found


def _within(path: str, directory: str) -> bool:
    return (path.rstrip("/") + "/").startswith(directory.rstrip("/") + "/")


def _user_line(options: ContainerOptions, user: str, passwd: bytes, group: bytes, taken: set[str], workdir: str) -> str:
    number, _, wanted_group = user.partition(":")
    if not number.isdecimal() or number in taken or users.has_user(passwd, number):
        return ""
    found = users.resolve(user if wanted_group else number, passwd, group)
    return _passwd_line(options, number, found.uid, found.gid, "container user", workdir)


def _passwd_line(options: ContainerOptions, name: str, uid: int, gid: int, full_name: str, home: str) -> str:
    if options.passwd_entry:
        values = {"USERNAME": name, "UID": str(uid), "GID": str(gid), "NAME": full_name, "HOME": home}
        return _filled(options.passwd_entry, values)
    full_name = full_name.replace(":", " ")
    return f"{name}:*:{uid}:{gid}:{full_name}:{home}:/bin/sh\n"


def _group_line(options: ContainerOptions, user: str, group: bytes, caller: HostUser | None, caller_group: str) -> str:
    if caller is not None and not users.has_group(group, str(caller.gid)):
        name = caller_group or str(caller.gid)
        if options.group_entry:
            return _filled(options.group_entry, {"GROUPNAME": name, "GID": str(caller.gid), "USERLIST": caller.name})
        return f"{name}:x:{caller.gid}:{caller.name}\n"
    name, _, wanted = user.partition(":")
    wanted = wanted or name
    if not wanted.isdecimal() or users.has_group(group, wanted):
        return ""
    if options.group_entry:
        return _filled(options.group_entry, {"GROUPNAME": wanted, "GID": wanted, "USERLIST": name})
    return f"{wanted}:x:{wanted}:{name}\n"


def _filled(template: str, values: dict[str, str]) -> str:
    """The template with $NAME and ${NAME} replaced; the longest names first, since $USERNAME begins as $USER would."""
    for name in sorted(values, key=len, reverse=True):
        template = template.replace(f"${{{name}}}", values[name]).replace(f"${name}", values[name])
    if "\0" in template:
        raise Invalid("account entry", template, "it holds a NUL character")
    return template if template.endswith("\n") else template + "\n"

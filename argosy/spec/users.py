"""Who a container's process is: USER and --user, looked up in the image's own /etc/passwd and /etc/group.

The files are handed in as bytes that the caller read with a bound.  A damaged line is skipped, as C libraries skip it.
"""

from __future__ import annotations

from argosy.spec.options import BadOption
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_ID = (1 << 31) - 1
# podman's exit status for a user that the image lacks: the container could not be started, its engine works.
_EXIT = 126


class User(Value):
    """Ids inside the container.  `name` is "" for a uid that the image does not know."""

    uid: int
    gid: int
    additional_gids: tuple[int, ...] = ()
    name: str = ""
    home: str = "/"


def resolve(user: str, passwd: bytes, group: bytes, groups: tuple[str, ...] = ()) -> User:
    """The user that `name`, `uid`, `name:group`, `uid:gid`, `:group` or "" (root) stands for.

    A name goes before a number.  Without a group in `user` the group is the one in passwd (0 for a uid that is not
    there), and the groups that list the user as a member are added.  `groups` (--group-add) are added in any case.
    Raises BadOption when a name is not in its file.
    """
    wanted, _, wanted_group = user.partition(":")
    wanted = wanted or "0"
    number = _number(wanted)
    found = _find(_passwd(passwd), wanted, number)
    if found is None and number is None:
        raise BadOption(f"unable to find user {wanted}: no matching entries in passwd file", exit_code=_EXIT)
    uid, gid, name, home = found or (number or 0, 0, "", "/")
    extra: list[int] = []
    if wanted_group:
        gid = _group(wanted_group, group)
    elif name:
        encoded = name.encode("utf-8", "surrogateescape")
        extra = [number for _, number, members in _groups(group) if encoded in members]
    if uid:
        # A process whose group is missing from its supplementary groups could drop a "deny" entry (CVE-2022-2989).
        extra.insert(0, gid)
    extra += [_group(text, group) for text in groups]
    return User(uid, gid, tuple(dict.fromkeys(extra)), name, home or "/")


def has_user(passwd: bytes, wanted: str) -> bool:
    """Whether the file knows the user of this name or, for a number, of this uid."""
    return _find(_passwd(passwd), wanted, _id_of(wanted)) is not None


def has_group(group: bytes, wanted: str) -> bool:
    """Whether the file knows the group of this name or, for a number, of this gid."""
    encoded = wanted.encode("utf-8", "surrogateescape")
    number = _id_of(wanted)
    return any(name == encoded or gid == number for name, gid, _ in _groups(group))


def _id_of(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 10 else None


def _number(text: str) -> int | None:
    """`text` as an id; None when it is a name."""
    digits = text[1:] if text[:1] in ("-", "+") else text
    if not (digits.isascii() and digits.isdecimal()):
        return None
    if text[0] == "-" or len(digits) > 10 or int(digits) > _MAX_ID:
        raise BadOption(f"uids and gids must be in range 0-{_MAX_ID}", hint=f"{text} is not", exit_code=_EXIT)
    return int(digits)


def _field(raw: bytes) -> int | None:
    """An id in one of the files; None when it is damaged."""
    return int(raw) if raw.isdigit() and len(raw) <= 10 and int(raw) <= _MAX_ID else None


def _passwd(data: bytes) -> Iterator[tuple[int, int, str, str]]:
    """uid, gid, name and home of each sound line."""
    for line in data.split(b"\n"):
        fields = line.split(b":")
        if len(fields) >= 4 and fields[0]:
            uid, gid = _field(fields[2]), _field(fields[3])
            if uid is not None and gid is not None:
                home = fields[5].decode("utf-8", "replace") if len(fields) > 5 else ""
                yield uid, gid, fields[0].decode("utf-8", "surrogateescape"), home


def _groups(data: bytes) -> Iterator[tuple[bytes, int, list[bytes]]]:
    """Name, gid and members of each sound line."""
    for line in data.split(b"\n"):
        fields = line.split(b":")
        if len(fields) >= 3 and fields[0]:
            gid = _field(fields[2])
            if gid is not None:
                yield fields[0], gid, fields[3].split(b",") if len(fields) > 3 else []


def _find(
    entries: Iterator[tuple[int, int, str, str]], name: str, number: int | None
) -> tuple[int, int, str, str] | None:
    """The first entry with this name, else the first with this uid."""
    by_number = None
    for entry in entries:
        if entry[2] == name:
            return entry
        if by_number is None and entry[0] == number:
            by_number = entry
    return by_number


def _group(wanted: str, data: bytes) -> int:
    """The gid for a group's name, else the number itself."""
    encoded = wanted.encode("utf-8", "surrogateescape")
    for name, gid, _ in _groups(data):
        if name == encoded:
            return gid
    number = _number(wanted)
    if number is None:
        raise BadOption(f"unable to find group {wanted}: no matching entries in group file", exit_code=_EXIT)
    return number

"""Images from one store to another: over SSH, or between two users of this host.

One side writes an OCI archive (`save`), the other reads it (`load`), through a socket: nothing is kept in between.
Both are ordinary commands of the program of that name, which has its own store, locks and checks there.
"""

from __future__ import annotations

import os
import pwd
import socket

from argosy.errors import ArgosyError, Invalid, NotFound
from argosy.linux import process, ssh
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from argosy.config.connections import Connection

_MARK = "::"
_LOCALHOST = "localhost"


class Side(Value):
    """One end.  `host` is "" for this one; `user` is "" for who calls, or whom SSH chooses; `image` "" for none.

    `identity` is a file with the private key for the host, "" for what ssh takes by itself.
    """

    image: str = ""
    host: str = ""
    user: str = ""
    port: int = 0
    identity: str = ""


def sides(operands: Sequence[str], destinations: Mapping[str, Connection]) -> tuple[Side, Side]:
    """Where the image is and where it is to be.  Raises Invalid in podman's words.

    `destinations` are the connections by their names.
    """
    found = [_side(text, destinations) for text in operands]
    source = found[0]
    if not source.image:
        raise Invalid("argument", operands[0], "a source image must be specified")
    if len(found) == 1:
        if not source.host and not source.user:
            raise Invalid(
                "argument", operands[0], "must specify a destination", hint="for example HOST:: or USER@localhost::"
            )
        return source, Side()
    target = found[1]
    if _MARK not in operands[1]:
        raise Invalid("argument", operands[1], f"a destination is written [USER@]HOST{_MARK}")
    if target.image:
        raise Invalid("argument", operands[1], "cannot specify an image rename")
    return source, target


def _side(text: str, destinations: Mapping[str, Connection]) -> Side:
    place, mark, image = text.partition(_MARK)
    if not mark:
        return Side(image=text)
    if not place:
        raise Invalid("argument", text, f"the host before {_MARK} is missing")
    if _MARK in image:
        raise Invalid("argument", text, f"{_MARK} is there twice")
    known = destinations.get(place)
    side = _place(known.uri if known else place, text)
    return side.replace(image=image, identity=known.identity if known else "")


def _place(text: str, whole: str) -> Side:
    """One end at `[ssh://][USER@]HOST[:PORT][/PATH]`: a path is that of a service's socket, which is not needed."""
    place = ssh.parse(text, whole)
    if place.host == _LOCALHOST and not place.port:
        if not place.user:
            raise Invalid("argument", whole, f"on this host, name a user: USER@{_LOCALHOST}{_MARK}")
        return Side(user=place.user)
    return Side(host=place.host, user=place.user, port=place.port)


def command(
    side: Side,
    words: Sequence[str],
    program: str,
    own: Sequence[str],
    environ: Mapping[str, str],
    ssh_config: str = "",
) -> list[str]:
    """The argument vector that runs `words` at one end.

    `program` is its name on another host, `own` how it is started on this one; `ssh_config` is a file in place of the
    user's own.  Raises NotFound for a user that does not exist.
    """
    if side.host:
        place = ssh.Destination(side.host, side.user, side.port)
        return ssh.command(place, [program, *words], config=ssh_config, identity=side.identity)
    if not side.user or side.user == _caller():
        return [*own, *words]
    return [*_as_user(side.user, environ), *_plain(own), *words]


def _caller() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return ""


def _plain(own: Sequence[str]) -> list[str]:
    """The program without its global flags, which name the caller's store."""
    return list(own[: len(process.self_argv())])


def _as_user(user: str, environ: Mapping[str, str]) -> list[str]:
    """What runs a program as another user, in an environment of that user's."""
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        raise NotFound("user", user) from None
    runtime = f"/run/user/{entry.pw_uid}"
    variables = [f"HOME={entry.pw_dir}", f"USER={user}", f"LOGNAME={user}", f"PATH={environ.get('PATH', os.defpath)}"]
    variables += [f"XDG_RUNTIME_DIR={runtime}"] if os.path.isdir(runtime) else []
    change = ["runuser", "-u", user, "--"] if os.getuid() == 0 else ["sudo", "-u", user, "--"]
    return [*change, "env", "-i", "-C", "/", *variables]


def copy(save: Sequence[str], load: Sequence[str]) -> None:
    """Let what `save` writes be what `load` reads.  `load` starts once there is something, so that one error is told.

    Raises ArgosyError when either fails; each has said why on standard error.
    """
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            writer = process.spawn(save, fds={1: theirs.fileno()})
        try:
            something = ours.recv(1, socket.MSG_PEEK)
            reader = process.spawn(load, fds={0: ours.fileno()}) if something else 0
        except BaseException:
            ours.close()
            process.wait(writer)
            raise
    statuses = [process.wait(pid) for pid in (writer, reader) if pid]
    if any(statuses) or not reader:
        raise ArgosyError("the image was not copied", details="" if reader else "its host did not send it")

"""Unix sockets at paths of any length, and descriptors sent over them.  On `_socket`: `socket` costs 5 ms of start-up.

A socket's address holds 107 bytes of path; a longer one goes through a descriptor of its directory.
"""

from __future__ import annotations

import os
import sys
from _socket import (
    AF_UNIX,
    SCM_RIGHTS,
    SOCK_CLOEXEC,
    SOCK_DGRAM,
    SOCK_RAW,
    SOCK_SEQPACKET,
    SOCK_STREAM,
    SOL_SOCKET,
    socket,
)

from argosy.errors import ArgosyError

__all__ = ["SOCK_DGRAM", "SOCK_SEQPACKET", "SOCK_STREAM", "connect", "listen", "receive_descriptor", "send_descriptor"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

MAX_PATH = 107
_MSG_CMSG_CLOEXEC = 0x40000000


def connect(path: str, kind: int = SOCK_STREAM) -> socket:
    """A socket connected to the one at `path`.  The caller closes it.  Raises OSError."""
    return _reached(path, kind, lambda made, address: made.connect(address))


def listen(path: str, kind: int = SOCK_STREAM, backlog: int = 128) -> socket:
    """A listening socket at `path`, where nothing may be yet.  The caller closes it and removes the path."""

    def bind(made: socket, address: str) -> None:
        made.bind(address)
        if kind != SOCK_DGRAM:
            made.listen(backlog)

    return _reached(path, kind, bind)


def _reached(path: str, kind: int, action: Callable[[socket, str], None]) -> socket:
    made = socket(AF_UNIX, kind | SOCK_CLOEXEC)
    directory_fd = -1
    try:
        address = path
        if len(os.fsencode(path)) > MAX_PATH:
            directory, name = os.path.split(path)
            directory_fd = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            address = f"/proc/self/fd/{directory_fd}/{name}"
        action(made, address)
    except BaseException as error:
        made.close()
        if isinstance(error, OSError) and error.errno is not None and error.filename is None:
            error.filename = path
        raise
    finally:
        if directory_fd >= 0:
            os.close(directory_fd)
    return made


def receive_descriptor(listener: socket) -> int:
    """Accept one connection and take the one descriptor that it brings, as OCI runtimes send a terminal."""
    fd, _ = listener._accept()  # type: ignore[attr-defined]  # noqa: SLF001 -- what socket.accept is made of
    connection = socket(fileno=fd)
    try:
        os.set_inheritable(fd, False)
        _, messages, _, _ = connection.recvmsg(4096, 256, _MSG_CMSG_CLOEXEC)
    finally:
        connection.close()
    fds = [fd for level, kind, data in messages if (level, kind) == (SOL_SOCKET, SCM_RIGHTS) for fd in _integers(data)]
    if len(fds) != 1:
        for extra in fds:
            os.close(extra)
        raise ArgosyError(f"the peer sent {len(fds)} descriptors where one was due")
    return fds[0]


def send_descriptor(connection: socket, fd: int) -> None:
    """Send a descriptor as OCI runtimes send a terminal: beside its name."""
    connection.sendmsg([b"/dev/ptmx"], [(SOL_SOCKET, SCM_RIGHTS, fd.to_bytes(4, sys.byteorder))])


def _integers(data: bytes) -> list[int]:
    return list(memoryview(data[: len(data) & ~3]).cast("i"))


def is_accepted(connected: socket) -> bool:
    """Whether the listener has taken the connection, which waits in its queue until then (unix_diag, sock_diag(7)).

    True as well where the kernel does not tell.  About 20 us.
    """
    import struct

    diag, by_family, request, peer = (
        4,
        20,
        1,
        2,
    )  # NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, UNIX_DIAG_PEER
    any_ = 0xFFFFFFFF
    inode = os.fstat(connected.fileno()).st_ino & any_
    body = struct.pack("=BBHIIIII", AF_UNIX, 0, 0, any_, inode, 1 << peer, any_, any_)
    asked = socket(16, SOCK_RAW | SOCK_CLOEXEC, diag)
    try:
        asked.send(struct.pack("=IHHII", 16 + len(body), by_family, request, 1, 0) + body)
        data = asked.recv(4096)
    except OSError:
        return True
    finally:
        asked.close()
    at = 32  # behind the header and struct unix_diag_msg
    while struct.unpack_from("=H", data, 4)[0] == by_family and at + 8 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        if kind == peer:
            return bool(struct.unpack_from("=I", data, at + 4)[0])
        at += max(length + 3 & ~3, 4)
    return True

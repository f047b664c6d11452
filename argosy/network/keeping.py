"""Sockets bound to published ports, held by conmon as long as it lives, and exchanged when the ports are.

conmon gets both ends of a pair of sockets that it never looks at.  The bound sockets are a message under way from one
end to the other (SCM_RIGHTS, unix(7)), which the kernel keeps open like any descriptor.  Who changes the ports borrows
both ends (pidfd_getfd(2)), takes the message out and sends another.
"""

from __future__ import annotations

import os
import struct
from _socket import (
    AF_UNIX,
    CMSG_SPACE,
    MSG_CMSG_CLOEXEC,
    MSG_DONTWAIT,
    SCM_RIGHTS,
    SOCK_CLOEXEC,
    SOCK_SEQPACKET,
    SOL_SOCKET,
    socket,
    socketpair,
)

from argosy.errors import ArgosyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

AT_ONCE = 250  # descriptors in one message; the kernel takes 253 (SCM_MAX_FD)


def pair() -> tuple[int, int]:
    """The ends for conmon, close-on-exec: what is sent by the second is under way to the first."""
    receiving, sending = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC)
    return receiving.detach(), sending.detach()


def numbers(ends: Sequence[int]) -> tuple[int, ...]:
    """By what the ends are found again among conmon's descriptors: their inodes."""
    return tuple(os.fstat(fd).st_ino for fd in ends)


def put(sending: int, held: Sequence[int]) -> None:
    """Send the descriptors on their way, and close ours."""
    end = socket(fileno=sending)
    try:
        for at in range(0, len(held), AT_ONCE):
            some = held[at : at + AT_ONCE]
            end.sendmsg([b"\0"], [(SOL_SOCKET, SCM_RIGHTS, struct.pack(f"={len(some)}i", *some))], MSG_DONTWAIT)
    except OSError as error:
        raise ArgosyError(f"cannot hold {len(held)} ports: {error.strerror}", hint="publish fewer of them") from error
    finally:
        end.detach()
        close(held)


def exchange(conmon_pid: int, inodes: Sequence[int], held: Sequence[int]) -> None:
    """Let the conmon with the ends of these inodes hold other sockets; what it held is closed, and ours are.

    Raises ArgosyError when it has no such ends, or we may not have them; then nothing has changed.
    """
    try:
        receiving, sending = _borrowed(conmon_pid, inodes)
    except BaseException:
        close(held)
        raise
    try:
        before = _taken(receiving)
        put(sending, held)
        close(before)
    finally:
        close((receiving, sending))


def _taken(receiving: int) -> list[int]:
    """All descriptors that are under way."""
    end = socket(fileno=receiving)
    found: list[int] = []
    try:
        while True:
            try:
                _, ancillary, _, _ = end.recvmsg(1, CMSG_SPACE(4 * AT_ONCE), MSG_CMSG_CLOEXEC | MSG_DONTWAIT)
            except BlockingIOError:
                return found
            for _, _, data in ancillary:
                found += struct.unpack(f"={len(data) // 4}i", data)
    finally:
        end.detach()


def _borrowed(pid: int, inodes: Sequence[int]) -> tuple[int, int]:
    from argosy.linux import syscalls

    found: list[int] = []
    try:
        process = os.pidfd_open(pid)
        try:
            there = _sockets_of(pid)
            for inode in inodes:
                found.append(syscalls.pidfd_getfd(process, there[inode]))
            receiving, sending = found
        finally:
            os.close(process)
    except (OSError, LookupError, ValueError) as error:
        close(found)
        raise ArgosyError(
            "cannot change the ports of the container while it runs",
            details=f"the sockets that conmon (process {pid}) holds cannot be had: {error}",
            hint="stop it, change them, and start it again",
        ) from error
    return receiving, sending


def _sockets_of(pid: int) -> dict[int, int]:
    """The descriptors of a process that are sockets, by inode."""
    found = {}
    for text in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{text}")
        except FileNotFoundError:
            continue
        if target.startswith("socket:["):
            found[int(target[8:-1])] = int(text)
    return found


def close(fds: Iterable[int]) -> None:
    """Close the descriptors."""
    for fd in fds:
        os.close(fd)

"""The service manager that started us, and a container that is its service: sd_notify(3).

A manager takes the word only of processes in the service's own control group, in which the container is not.  So the
container gets a socket of ours, and what it says there until it is ready we say again.  crun and runc offer the same,
by a socket whose path is too long below many run directories.
"""

from __future__ import annotations

import os
import select
import socket

PLACE = "/run/notify/notify.sock"  # of our socket, inside
FILE = "notify.sock"  # in the run directory
_LONGEST = 1 << 16


def report(path: str, conmon_pid: int, *, ready: bool) -> None:
    """Tell that conmon is the service's main process and, where nobody in the container does, that it is ready."""
    _send(path, f"MAINPID={conmon_pid}".encode() + (b"\nREADY=1" if ready else b""))


def listen(directory: str) -> socket.socket:
    """A socket for the container, in its run directory.  The caller closes it."""
    door = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    try:
        directory_fd = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            door.bind(f"/proc/self/fd/{directory_fd}/{FILE}")
        finally:
            os.close(directory_fd)
        os.chmod(f"{directory}/{FILE}", 0o666)  # noqa: S103 -- for any user inside; the directory is ours alone
    except BaseException:
        door.close()
        raise
    return door


def forward(door: socket.socket, path: str, pid: int) -> None:
    """Say again what the container says, until it is ready or its first process `pid` has ended."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        process = -1
    try:
        poll = select.poll()
        poll.register(door, select.POLLIN)
        if process >= 0:
            poll.register(process, select.POLLIN)
        while True:
            found = [fd for fd, _ in poll.poll(None if process >= 0 else 0)]
            if door.fileno() not in found:
                return
            words = door.recv(_LONGEST).split(b"\n")
            _send(path, b"\n".join(word for word in words if not word.startswith(b"MAINPID=")))
            if b"READY=1" in words:
                return
    finally:
        if process >= 0:
            os.close(process)


def _send(path: str, text: bytes) -> None:
    address = "\0" + path[1:] if path[:1] == "@" else path
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as door:
            door.sendto(text, address)
    except OSError:
        return  # a manager that does not listen is none of the container's business

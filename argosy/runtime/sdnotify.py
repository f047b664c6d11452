"""The word to the service manager that started us: sd_notify(3), over the socket in NOTIFY_SOCKET."""

from __future__ import annotations

import socket


def report(path: str, conmon_pid: int, *, ready: bool) -> None:
    """Tell that conmon is the service's main process and, where nobody in the container does, that it is ready."""
    text = f"MAINPID={conmon_pid}" + ("\nREADY=1" if ready else "")
    address = "\0" + path[1:] if path[:1] == "@" else path
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as door:
            door.sendto(text.encode(), address)
    except OSError:
        return  # a manager that does not listen is none of the container's business

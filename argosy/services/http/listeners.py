"""Where a service listens: at a TCP address of its own, or on sockets that systemd hands over (sd_listen_fds(3))."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from argosy.errors import ArgosyError, Invalid
from argosy.numbers import natural

if TYPE_CHECKING:
    from collections.abc import Mapping

_FIRST_FD = 3
_BACKLOG = 512
_HIGHEST_PORT = 65535
_MOST_SOCKETS = 64


def parse_address(text: str) -> tuple[str, int]:
    """Host and port of HOST:PORT or [IPV6]:PORT.  Raises Invalid."""
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise Invalid("address", text, "an IPv6 address is written in brackets, as in [::1]:5000")
    try:
        number = natural(port, _HIGHEST_PORT)
    except ValueError:
        number = -1
    if not colon or not host or number < 0:
        raise Invalid("address", text, "it is written as HOST:PORT, as in 127.0.0.1:5000")
    return host, number


def listen(text: str) -> socket.socket:
    """A socket that listens at HOST:PORT; port 0 lets the kernel choose.  Raises ArgosyError."""
    host, port = parse_address(text)
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        made = socket.socket(family, kind, protocol)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind(address)
            made.listen(_BACKLOG)
        except BaseException:
            made.close()
            raise
    except OSError as error:
        raise ArgosyError(f"cannot listen at {text}", details=error.strerror or str(error)) from error
    return made


def inherited(environ: Mapping[str, str]) -> list[socket.socket]:
    """The listening sockets that systemd has opened for this process; none when it was started otherwise."""
    if environ.get("LISTEN_PID") != str(os.getpid()):
        return []
    try:
        count = natural(environ.get("LISTEN_FDS", ""), _MOST_SOCKETS)
    except ValueError as error:
        raise Invalid("LISTEN_FDS", environ.get("LISTEN_FDS", ""), str(error)) from None
    found = []
    for fd in range(_FIRST_FD, _FIRST_FD + count):
        try:
            made = socket.socket(fileno=fd)
            if not made.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                raise Invalid(
                    "descriptor", str(fd), "it is not a socket that listens", hint="use Accept=no in the unit"
                )
        except OSError as error:
            raise ArgosyError(f"descriptor {fd} of LISTEN_FDS is no socket", details=error.strerror or "") from error
        os.set_inheritable(fd, False)
        found.append(made)
    return found


def url(listener: socket.socket, scheme: str) -> str:
    """What a client reaches the listener by."""
    address = listener.getsockname()
    if not isinstance(address, tuple):
        return f"unix:{os.fsdecode(address)}"
    host = f"[{address[0]}]" if ":" in address[0] else address[0]
    return f"{scheme}://{host}:{address[1]}"


def is_open_to_others(listener: socket.socket) -> bool:
    """Whether other hosts can reach it."""
    address = listener.getsockname()
    return isinstance(address, tuple) and not address[0].startswith("127.") and address[0] != "::1"

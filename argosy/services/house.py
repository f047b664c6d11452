"""What all services have in common: their sockets, TLS, who may use them, and the line that says where they listen."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from argosy.errors import Invalid
from argosy.services.http import hosts, listeners, users
from argosy.services.http.server import Server, tls_context
from argosy.services.registry.faults import Fault
from argosy.values import Value

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping

    from argosy.services.http.messages import Handler, Response

_THREADS = 64


class Door(Value):
    """How a service is reached, as its command's flags say: HOST:PORT, names, files of TLS and of the users."""

    listen: str
    hosts: tuple[str, ...] = ()
    tls_cert: str = ""
    tls_key: str = ""
    htpasswd: str = ""


def run(
    handle: Handler,
    door: Door,
    *,
    name: str,
    say: Callable[[str], None],
    notice: Callable[[str], None],
    environ: Mapping[str, str],
) -> int:
    """Serve `handle` until SIGTERM or SIGINT.  Raises ArgosyError when that cannot begin."""
    if bool(door.tls_cert) != bool(door.tls_key):
        given = "--tls-cert" if door.tls_cert else "--tls-key"
        raise Invalid(given, door.tls_cert or door.tls_key, "TLS needs both, or neither")
    context = tls_context(door.tls_cert, door.tls_key) if door.tls_cert else None
    if door.htpasswd:
        handle = users.checked(handle, users.Users(door.htpasswd), _unauthorized)
    inherited = listeners.inherited(environ)
    if context is None:
        listening = "" if inherited else listeners.parse_address(door.listen)[0]
        handle = hosts.checked(handle, (*door.hosts, listening))
    sockets = inherited or [listeners.listen(door.listen)]
    scheme = "https" if context else "http"

    def ready() -> None:
        for one in sockets:
            say(f"{name}: listening at {listeners.url(one, scheme)}")
            for warning in _warnings(one, door, name):
                notice(warning)

    loop = asyncio.new_event_loop()
    # Many may wait for a registry that does not answer, and others shall be served meanwhile.
    loop.set_default_executor(ThreadPoolExecutor(_THREADS, "request"))
    try:
        loop.run_until_complete(Server(handle, log=notice, context=context).run(sockets, ready))
    finally:
        loop.close()  # which, unlike asyncio.run, waits for no thread: all that these do can be broken off
    return 0


def _warnings(listener: socket.socket, door: Door, name: str) -> list[str]:
    """What whoever lets a service be reached from elsewhere should know."""
    if door.tls_cert or not listeners.is_open_to_others(listener):
        return []
    url = listeners.url(listener, "http")
    if door.htpasswd:
        return [f"passwords go to {url} as they are: --tls-cert and --tls-key encrypt them"]
    return [f"whoever reaches {url} can use this {name}: it asks for no password"]


def _unauthorized(why: str) -> Response:
    return Fault("UNAUTHORIZED", why, headers=(users.CHALLENGE,)).response()

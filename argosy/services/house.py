"""What all services have in common: their sockets, TLS, the loop, and the line that says where they listen."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from argosy.errors import Invalid
from argosy.services.http import listeners
from argosy.services.http.server import Server, tls_context

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from argosy.services.http.messages import Handler

_THREADS = 64


def run(
    handle: Handler,
    *,
    name: str,
    say: Callable[[str], None],
    notice: Callable[[str], None],
    environ: Mapping[str, str],
    listen: str,
    certificate: str,
    key: str,
) -> int:
    """Serve `handle` until SIGTERM or SIGINT.  Raises ArgosyError when that cannot begin."""
    if bool(certificate) != bool(key):
        raise Invalid("--tls-cert" if certificate else "--tls-key", certificate or key, "TLS needs both, or neither")
    context = tls_context(certificate, key) if certificate else None
    sockets = listeners.inherited(environ) or [listeners.listen(listen)]
    scheme = "https" if context else "http"

    def ready() -> None:
        for socket in sockets:
            say(f"{name}: listening at {listeners.url(socket, scheme)}")
            if context is None and listeners.is_open_to_others(socket):
                notice(f"whoever reaches {listeners.url(socket, scheme)} can use this {name}: it asks for no password")

    loop = asyncio.new_event_loop()
    # Many may wait for a registry that does not answer, and others shall be served meanwhile.
    loop.set_default_executor(ThreadPoolExecutor(_THREADS, "request"))
    try:
        loop.run_until_complete(Server(handle, log=notice, context=context).run(sockets, ready))
    finally:
        loop.close()  # which, unlike asyncio.run, waits for no thread: all that these do can be broken off
    return 0

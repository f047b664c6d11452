"""Which names a service answers to.

A page in a browser can give its own host name the address of this service (DNS rebinding), and then reads and writes
as the user whose browser it is.  Its requests carry that name, so that a name which is not ours is refused.  An
address is nobody's to give away; with TLS, the certificate says who we are.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING

from argosy.errors import shown
from argosy.services.http.messages import Response

if TYPE_CHECKING:
    from collections.abc import Collection

    from argosy.services.http.messages import Handler, Request

# Only a resolver of this host or of a container knows these.
_NEAR = ("localhost", "host.containers.internal", "host.docker.internal")
_MISDIRECTED = 421


def checked(handle: Handler, names: Collection[str]) -> Handler:
    """`handle` for requests to an address, to this host's name or to one of `names`; the others are refused."""
    known = {name.lower().removesuffix(".") for name in (*_NEAR, socket.gethostname(), *names)}

    async def answer(request: Request) -> Response:
        host = host_of(request.header("host"))
        if not host or host in known or host.endswith(".localhost") or is_address(host):
            return await handle(request)
        why = f"{shown(host)} is not a name of this service: --host makes it one\n"
        return Response(_MISDIRECTED, (("Content-Type", "text/plain"),), why.encode())

    return answer


def host_of(header: str) -> str:
    """The name or address in a Host header, without port and brackets, in lower case."""
    host, colon, port = header.strip().lower().rpartition(":")
    if not colon or (port and not port.isdecimal()):
        host = header.strip().lower()
    return host.removeprefix("[").removesuffix("]").removesuffix(".")


def is_address(host: str) -> bool:
    """Whether this is an IPv4 address, or one of IPv6 and perhaps a zone."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True

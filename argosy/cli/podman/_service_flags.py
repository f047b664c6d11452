"""The flags that say how a service is reached, and by whom."""

from __future__ import annotations

from argosy.cli.flags import Flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    class Options(Protocol):
        """What these flags become."""

        @property
        def host(self) -> tuple[str, ...]: ...
        @property
        def htpasswd(self) -> str: ...
        @property
        def listen(self) -> str: ...
        @property
        def tls_cert(self) -> str: ...
        @property
        def tls_key(self) -> str: ...


def door_flags(address: str) -> tuple[Flag, ...]:
    """The flags of a service that listens at `address` unless it is told otherwise."""
    return (
        Flag(
            "host",
            kind="list",
            metavar="NAME",
            help="Name that clients reach the service by, apart from this host's own (without TLS)",
        ),
        Flag("htpasswd", kind="string", default="", metavar="FILE", help="Users and their passwords (htpasswd -B)"),
        Flag("listen", kind="string", default=address, metavar="HOST:PORT", help="Address to listen at (port 0: any)"),
        Flag("tls-cert", kind="string", default="", metavar="FILE", help="Certificate to serve HTTPS with (PEM)"),
        Flag("tls-key", kind="string", default="", metavar="FILE", help="Key of the certificate (PEM)"),
    )


def door(options: Options) -> dict[str, Any]:
    """The fields of `services.house.Door`."""
    return {
        "listen": options.listen,
        "hosts": options.host,
        "tls_cert": options.tls_cert,
        "tls_key": options.tls_key,
        "htpasswd": options.htpasswd,
    }

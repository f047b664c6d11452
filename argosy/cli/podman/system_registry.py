"""`system registry`: the built-in registry."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output

_ADDRESS = "127.0.0.1:5000"


class SystemRegistryOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    listen: str
    tls_cert: str
    tls_key: str


def run(options: SystemRegistryOptions, opener: Opener, out: Output) -> int:
    """Serve until a signal ends it."""

    def say(line: str) -> None:
        out.line(line)
        out.flush()

    return opener.serve("registry", say, listen=options.listen, tls_cert=options.tls_cert, tls_key=options.tls_key)


COMMAND = Command(
    path="system registry",
    summary="Serve images from this store as a registry that can be written to",
    description=(
        "Answers the distribution API (OCI, version 1.1) for development and tests: docker, podman, skopeo,\n"
        "containerd and argosy push to it and pull from it.  Blobs are shared with the images of this store, and\n"
        "uploads go on where they broke off.  It can be killed at any moment, and asks for no password: let it listen\n"
        "at addresses that only those reach who may use it.  A socket that systemd has opened (LISTEN_FDS) is used in\n"
        "place of --listen.  `argosy system prune` frees what no manifest refers to any more."
    ),
    options=SystemRegistryOptions,
    run=run,
    max_operands=0,
    flags=(
        Flag("listen", kind="string", default=_ADDRESS, metavar="HOST:PORT", help="Address to listen at (port 0: any)"),
        Flag("tls-cert", kind="string", default="", metavar="FILE", help="Certificate to serve HTTPS with (PEM)"),
        Flag("tls-key", kind="string", default="", metavar="FILE", help="Key of the certificate (PEM)"),
    ),
    examples=(
        "argosy system registry",
        "argosy system registry --listen [::1]:5443 --tls-cert server.crt --tls-key server.key",
    ),
)

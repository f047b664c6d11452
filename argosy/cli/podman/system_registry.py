"""`system registry`: the built-in registry."""

from __future__ import annotations

from argosy.cli.flags import Command
from argosy.cli.podman._service_flags import door, door_flags
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output

_ADDRESS = "127.0.0.1:5000"


class SystemRegistryOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    host: tuple[str, ...]
    htpasswd: str
    listen: str
    tls_cert: str
    tls_key: str


def run(options: SystemRegistryOptions, opener: Opener, out: Output) -> int:
    """Serve until a signal ends it."""

    def say(line: str) -> None:
        out.line(line)
        out.flush()

    return opener.serve("registry", say, door=door(options))


COMMAND = Command(
    path="system registry",
    summary="Serve images from this store as a registry that can be written to",
    description=(
        "Answers the distribution API (OCI, version 1.1) for development and tests: docker, podman, skopeo,\n"
        "containerd and argosy push to it and pull from it.  Blobs are shared with the images of this store, and\n"
        "uploads go on where they broke off.  It can be killed at any moment.  Without --htpasswd it asks for no\n"
        "password: let it listen at addresses that only those reach who may use it.  A socket that systemd has opened\n"
        "(LISTEN_FDS) is used in place of --listen.  `argosy system prune` frees what no manifest refers to any more."
    ),
    options=SystemRegistryOptions,
    run=run,
    max_operands=0,
    flags=door_flags(_ADDRESS),
    examples=(
        "argosy system registry",
        "argosy system registry --listen [::1]:5443 --tls-cert server.crt --tls-key server.key",
        "argosy system registry --listen 10.0.0.1:5000 --host registry.lan --htpasswd users",
    ),
)

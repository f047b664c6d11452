"""`system connection add`: record a host to run commands on."""

from __future__ import annotations

import os

from argosy.cli.flags import Command, Flag, UsageError
from argosy.errors import Invalid
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output

_SSH_PORT = 22


class ConnectionAddOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    default: bool
    identity: str | None
    port: int | None
    socket_path: str | None


def run(options: ConnectionAddOptions, _opener: Opener, _out: Output) -> int:
    """Record the connection, in place of one of that name.  The first one becomes the default."""
    from argosy.config import connections
    from argosy.linux import ssh

    name, text = options.operands
    if not name.strip() or not name.isprintable():
        raise Invalid("connection name", name, "it is empty, or has characters that cannot be shown")
    if options.port is not None and not 0 < options.port < 1 << 16:
        raise UsageError(f"--port {options.port} is not between 1 and 65535")
    found = ssh.parse(text)
    place = found.replace(port=options.port or found.port or _SSH_PORT, path=options.socket_path or found.path)
    with connections.Change(os.environ) as change:
        change.entries[name] = connections.Connection(str(place), options.identity or "")
        if options.default or not change.default:
            change.default = name
    return 0


COMMAND = Command(
    path="system connection add",
    summary="Record destination of another host",
    description=(
        "Records a host under a name; --connection NAME runs a command there. DESTINATION is "
        "[ssh://][USER@]HOST[:PORT]; a path of a service's socket is kept and not needed: the program of the same name "
        "runs on that host, and ssh asks for what it needs. One of that name is replaced; the first is the default."
    ),
    usage="NAME DESTINATION",
    options=ConnectionAddOptions,
    run=run,
    min_operands=2,
    max_operands=2,
    flags=(
        Flag("default", short="d", help="Set connection to be default"),
        Flag("identity", kind="string", help="Path to the SSH identity file"),
        Flag("port", short="p", kind="int", help="SSH port number for destination (default 22)"),
        Flag("socket-path", kind="string", help="Path of a service's socket on the host, for other programs"),
    ),
    examples=(
        "argosy system connection add build me@build.example.com",
        "argosy system connection add --identity ~/.ssh/prod --default prod ssh://root@prod.example.com:2222",
    ),
)

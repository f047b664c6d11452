"""`system connection remove`: forget hosts."""

from __future__ import annotations

import os

from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output


class ConnectionRemoveOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool


def run(options: ConnectionRemoveOptions, opener: Opener, _out: Output) -> int:
    """Forget the connection, or all; one that is not there is no error, as with podman."""
    from argosy.cli.podman import _connections
    from argosy.config import connections

    if options.all == bool(options.operands):
        raise ArgosyError("a connection name must be given" if not options.all else "--all takes no name")
    with connections.Change(os.environ) as change:
        if options.all:
            change.entries.clear()
            change.default = ""
        for name in options.operands:
            if name in _connections.known(opener).entries:
                _connections.require_written(name, change, opener)
                del change.entries[name]
                change.default = "" if change.default == name else change.default
    return 0


COMMAND = Command(
    path="system connection remove",
    summary="Delete named destination",
    description="Forgets a connection, or all of them. Those of containers.conf are that file's.",
    usage="NAME",
    options=ConnectionRemoveOptions,
    run=run,
    max_operands=1,
    flags=(Flag("all", short="a", help="Remove all connections"),),
    examples=("argosy system connection remove build",),
)

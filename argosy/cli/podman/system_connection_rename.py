"""`system connection rename`: another name for a host."""

from __future__ import annotations

import os

from argosy.cli.flags import Command
from argosy.errors import Invalid
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output


class ConnectionRenameOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]


def run(options: ConnectionRenameOptions, opener: Opener, _out: Output) -> int:
    """Rename the connection; one that has the new name gives way, as with podman."""
    from argosy.cli.podman import _connections
    from argosy.config import connections

    old, new = options.operands
    if not new.strip() or not new.isprintable():
        raise Invalid("connection name", new, "it is empty, or has characters that cannot be shown")
    with connections.Change(os.environ) as change:
        _connections.require_written(old, change, opener)
        entry = change.entries.pop(old)
        change.entries[new] = entry
        if change.default == old:
            change.default = new
    return 0


COMMAND = Command(
    path="system connection rename",
    summary='Rename "old" to "new"',
    description="Gives a connection another name.",
    usage="OLD NEW",
    options=ConnectionRenameOptions,
    run=run,
    min_operands=2,
    max_operands=2,
    examples=("argosy system connection rename build builder",),
)

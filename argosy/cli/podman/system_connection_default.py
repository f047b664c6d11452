"""`system connection default`: which host is taken where none is named."""

from __future__ import annotations

import os

from argosy.cli.flags import Command
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output


class ConnectionDefaultOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]


def run(options: ConnectionDefaultOptions, opener: Opener, _out: Output) -> int:
    """Make the connection the default one."""
    from argosy.cli.podman import _connections
    from argosy.config import connections

    with connections.Change(os.environ) as change:
        _connections.known(opener).named(options.operands[0])
        change.default = options.operands[0]
    return 0


COMMAND = Command(
    path="system connection default",
    summary="Set named destination as default",
    description="Makes a connection the one that --remote takes where no other is named.",
    usage="NAME",
    options=ConnectionDefaultOptions,
    run=run,
    min_operands=1,
    max_operands=1,
    examples=("argosy system connection default build",),
)

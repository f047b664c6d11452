"""`context use`: which context commands use from now on."""

from __future__ import annotations

import os

from argosy.cli.flags import Command
from argosy.config import connections, contexts
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output


class ContextUseOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]


def run(options: ContextUseOptions, _opener: Opener, out: Output) -> int:
    """Write the name of the context, which must be there, into docker's configuration file."""
    name = options.operands[0]
    if name not in connections.read(os.environ).entries:
        contexts.get(os.environ, name)
    contexts.use(os.environ, name)
    out.line(name)
    for variable in ("DOCKER_HOST", "DOCKER_CONTEXT"):
        if name != contexts.DEFAULT and os.environ.get(variable):
            out.error(f"Warning: {variable} environment variable overrides the active context.")
    out.error(f'Current context is now "{name}"')
    return 0


COMMAND = Command(
    path="context use",
    summary="Set the current docker context",
    description="Lets `docker` run every command on the host of this context, until another one is chosen.",
    usage="CONTEXT",
    options=ContextUseOptions,
    run=run,
    min_operands=1,
    max_operands=1,
    examples=("docker context use build", "docker context use default"),
)

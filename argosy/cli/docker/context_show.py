"""`context show`: the name of the current context."""

from __future__ import annotations

import os

from argosy.cli.flags import Command
from argosy.config import contexts
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output


class ContextShowOptions(Value):
    """Nothing."""

    operands: tuple[str, ...]


def run(_options: ContextShowOptions, _opener: Opener, out: Output) -> int:
    """Print it."""
    out.line(contexts.current(os.environ)[0])
    return 0


COMMAND = Command(
    path="context show",
    summary="Print the name of the current context",
    description="Prints the name of the context that DOCKER_CONTEXT or docker's configuration file chooses.",
    options=ContextShowOptions,
    run=run,
    max_operands=0,
    examples=("docker context show",),
)

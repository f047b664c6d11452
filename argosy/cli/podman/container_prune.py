"""`container prune`: remove all containers that do not run."""

from __future__ import annotations

import sys

from argosy.cli.errors import report
from argosy.cli.flags import Command, Flag
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine

_WARNING = "WARNING! This will remove all non running containers."


class PruneOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    force: bool


def run(options: PruneOptions, engine: Engine, out: Output) -> int:
    """Ask, then remove each container that was created or has ended, and print its id."""
    if not options.force:
        out.line(_WARNING)
        out.write("Are you sure you want to continue? [y/N] ")
        out.flush()
        if sys.stdin.readline().strip().lower()[:1] != "y":
            return 0
    pruned = engine.containers.prune()
    for container_id in pruned.removed:
        out.line(container_id)
    return max((report(error, out) for error in pruned.failures), default=0)


COMMAND = Command(
    path="container prune",
    summary="Remove all non running containers",
    description="Removes every container that does not run, and prints the ids.",
    options=PruneOptions,
    run=run,
    flags=(Flag("force", short="f", help="Do not prompt for confirmation"),),
    max_operands=0,
    examples=("argosy container prune --force",),
)

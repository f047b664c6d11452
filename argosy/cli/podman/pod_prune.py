"""`pod prune`: remove the pods that have stopped."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class PodPruneOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    force: bool


def run(options: PodPruneOptions, engine: Engine, out: Output) -> int:
    """Ask, then remove the pods and print their ids."""
    from argosy.cli import confirm
    from argosy.cli.errors import report
    from argosy.pods import remove

    if not options.force and not confirm.confirmed(out, "WARNING! This will remove all stopped/exited pods.."):
        return 0
    pruned = remove.prune(engine.site)
    for pod_id in pruned.removed:
        out.line(pod_id)
    return max([report(error, out) for error in pruned.failures], default=0)


COMMAND = Command(
    path="pod prune",
    summary="Remove all stopped pods and their containers",
    description="Removes every pod in which no container runs, with its containers, unless none of them ever ran.",
    options=PodPruneOptions,
    run=run,
    max_operands=0,
    flags=(Flag("force", short="f", help="Do not prompt for confirmation"),),
    examples=("argosy pod prune", "argosy pod prune --force"),
)

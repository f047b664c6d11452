"""`container diff`: what changed in the tree of a container."""

from __future__ import annotations

from argosy.cli.flags import Command
from argosy.cli.podman import diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


def run(options: diff.DiffOptions, engine: Engine, out: Output) -> int:
    """Compare a container with its parent or with another one."""
    return diff.show(options, engine, out, diff.container, "container diff")


COMMAND = Command(
    path="container diff",
    summary="Inspect changes to the container's file systems",
    description="Displays what was added (A), changed (C) and deleted (D) in the tree of a container since its "
    "image, or in comparison with a second one.",
    options=diff.DiffOptions,
    run=run,
    usage="CONTAINER [CONTAINER]",
    max_operands=2,
    flags=(diff.FORMAT, diff.LATEST),
    examples=("argosy container diff web", "argosy container diff --format json --latest"),
)

"""`image diff`: what changed in the tree of an image."""

from __future__ import annotations

from argosy.cli.flags import Command
from argosy.cli.podman import diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


def run(options: diff.DiffOptions, engine: Engine, out: Output) -> int:
    """Compare an image with its parent or with another one."""
    return diff.show(options, engine, out, diff.image, "image diff")


COMMAND = Command(
    path="image diff",
    summary="Inspect changes to the image's file system",
    description="Displays what was added (A), changed (C) and deleted (D) in the tree of an image since its "
    "parent, or in comparison with a second one.",
    options=diff.DiffOptions,
    run=run,
    usage="IMAGE [IMAGE]",
    min_operands=1,
    max_operands=2,
    flags=(diff.FORMAT,),
    examples=("argosy image diff alpine", "argosy image diff --format json alpine"),
)

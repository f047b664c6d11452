"""`source create`: a source image without sources."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output


class SourceCreateFlags(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    author: str | None
    time_stamp: bool


def run(flags: SourceCreateFlags, _opener: Opener, _out: Output) -> int:
    """Make it."""
    from argosy.images import sourceimage

    sourceimage.create(flags.operands[0], author=flags.author or "", dated=flags.time_stamp)
    return 0


COMMAND = Command(
    path="source create",
    summary="Create a source image",
    description="Makes an OCI layout for what an image is built from: an artifact with a config of its own type.",
    usage="PATH",
    options=SourceCreateFlags,
    run=run,
    min_operands=1,
    max_operands=1,
    flags=(
        Flag("author", kind="string", help="Set the author"),
        Flag("time-stamp", default=True, help="Set the time of creation"),
    ),
    examples=("argosy source create --author me ./app-source",),
)

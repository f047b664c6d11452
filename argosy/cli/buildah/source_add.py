"""`source add`: a file or directory into a source image."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.errors import Invalid
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output


class SourceAddFlags(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    annotation: tuple[str, ...]


def run(flags: SourceAddFlags, _opener: Opener, _out: Output) -> int:
    """Add it as one more layer."""
    from argosy.images import sourceimage

    annotations = {}
    for text in flags.annotation:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise Invalid("annotation", text, "it must be KEY=VALUE")
        annotations[key] = value
    path, artifact = flags.operands
    sourceimage.add(path, artifact, annotations)
    return 0


COMMAND = Command(
    path="source add",
    summary="Add a source artifact to a source image",
    description=(
        "Adds a file, or what is in a directory, as a gzip-compressed archive. A file that is an archive itself is in "
        "there as it is."
    ),
    usage="PATH ARTIFACT",
    options=SourceAddFlags,
    run=run,
    min_operands=2,
    max_operands=2,
    flags=(Flag("annotation", kind="list", help="Add an annotation (KEY=VALUE) to the layer's descriptor"),),
    examples=("argosy source add ./app-source app-1.0.tar.xz",),
)

"""`source push`: a source image to a registry."""

from __future__ import annotations

from argosy.cli.buildah import _source
from argosy.cli.flags import Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.buildah._source import SourceMoveFlags
    from argosy.cli.main import Opener
    from argosy.cli.output import Output


def run(flags: SourceMoveFlags, opener: Opener, _out: Output) -> int:
    """Push it."""
    from argosy.images import sourceimage
    from argosy.images.places import Place

    path, name = flags.operands
    target = _source.at_registry(name, "pushing")
    sourceimage.read(path)
    _source.move(flags, opener, Place("oci", path=path), target)
    return 0


COMMAND = Command(
    path="source push",
    summary="Push a source image from a specified path to a registry",
    description="Copies a source image to a registry, byte by byte.",
    usage="PATH NAME",
    options=_source.SourceMoveFlags,
    run=run,
    min_operands=2,
    max_operands=2,
    flags=_source.FLAGS,
    examples=("argosy source push ./app-source registry.example.com/me/app:1.0-source",),
)

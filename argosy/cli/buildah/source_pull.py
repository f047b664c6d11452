"""`source pull`: a source image from a registry into a directory."""

from __future__ import annotations

import os

from argosy.cli.buildah import _source
from argosy.cli.flags import Command
from argosy.errors import ArgosyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.buildah._source import SourceMoveFlags
    from argosy.cli.main import Opener
    from argosy.cli.output import Output


def run(flags: SourceMoveFlags, opener: Opener, _out: Output) -> int:
    """Pull it into a new directory; what turns out to be no source image is not kept."""
    from argosy.images import sourceimage
    from argosy.images.places import Place
    from argosy.linux import files

    name, path = flags.operands
    source = _source.at_registry(name, "pulling")
    if os.path.lexists(path):
        raise ArgosyError(f'pulling source image: "{path}" already exists')
    _source.move(flags, opener, source, Place("oci", path=path))
    try:
        sourceimage.read(path)
    except ArgosyError:
        files.remove_tree(os.path.abspath(path))
        raise
    return 0


COMMAND = Command(
    path="source pull",
    summary="Pull a source image from a registry to a specified path",
    description="Copies a source image from a registry into a new directory, byte by byte.",
    usage="NAME PATH",
    options=_source.SourceMoveFlags,
    run=run,
    min_operands=2,
    max_operands=2,
    flags=_source.FLAGS,
    examples=("argosy source pull registry.example.com/me/app:1.0-source ./app-source",),
)

"""`context export`: a context as a tar archive."""

from __future__ import annotations

import os

from argosy import jsontext
from argosy.cli.flags import Command
from argosy.config import contexts
from argosy.errors import ArgosyError, Unsupported
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output


class ContextExportOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]


def run(options: ContextExportOptions, _opener: Opener, out: Output) -> int:
    """Write the archive to the file, to NAME.dockercontext, or to standard output for `-`."""
    from argosy.transports.archive import Writer
    from argosy.transports.archive_file import ArchiveFile

    name = options.operands[0]
    context = contexts.get(os.environ, name)
    if os.path.isdir(f"{context.tls}/docker"):
        raise Unsupported(f'context "{name}" has certificates, which argosy does not hand out')
    path = options.operands[1] if options.operands[1:] else f"{name}.dockercontext"
    data = jsontext.encode(context.document)
    if path == "-":
        if out.is_terminal:
            raise ArgosyError("cowardly refusing to export to a terminal, specify a file path")
        writer = Writer(1, "standard output")
        writer.add_bytes("meta.json", data)
        writer.finish()
        return 0
    if os.path.lexists(path):
        raise ArgosyError(f"open {path}: file exists")
    file = ArchiveFile(path)
    try:
        file.writer.add_bytes("meta.json", data)
        file.finish()
    finally:
        file.close()
    out.error(f'Written file "{path}"')
    return 0


COMMAND = Command(
    path="context export",
    summary="Export a context to a tar archive FILE or a tar stream on STDOUT",
    description="Writes a context to a file, or to standard output, for `context import` on another host.",
    usage="CONTEXT [FILE|-]",
    options=ContextExportOptions,
    run=run,
    min_operands=1,
    max_operands=2,
    examples=("docker context export build", "docker context export build -"),
)

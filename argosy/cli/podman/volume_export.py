"""`volume export`: a volume's content as a tar archive."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class VolumeExportOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    output: str | None


def run(options: VolumeExportOptions, engine: Engine, out: Output) -> int:
    """Write the archive to the file, or to standard output."""
    from argosy.cli.podman import _volumes
    from argosy.containers import volume_archives

    name = _volumes.exact(engine, options.operands[0])
    if options.output is None:
        if out.is_terminal:
            raise ArgosyError("refusing to export to terminal. Use -o flag or redirect")
        volume_archives.export(engine.store, name, out.write_bytes)
        return 0
    from argosy.cli.podman._whole_file import WholeFile

    with WholeFile(options.output) as file:
        volume_archives.export(engine.store, name, file.write)
    return 0


COMMAND = Command(
    path="volume export",
    summary="Export volumes",
    description="Writes what is in a volume as a tar archive, to standard output unless --output names a file.",
    usage="VOLUME",
    options=VolumeExportOptions,
    run=run,
    min_operands=1,
    max_operands=1,
    flags=(
        Flag("output", short="o", kind="string", help="Write to a specified file (default: stdout, if redirected)"),
    ),
    examples=("argosy volume export data -o data.tar", "argosy volume export data | argosy volume import copy -"),
)

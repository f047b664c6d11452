"""`export`: a container's tree as a tar archive."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class ExportOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    output: str | None


def run(options: ExportOptions, engine: Engine, out: Output) -> int:
    """Write the archive to the file, or to standard output."""
    from argosy.cli.podman import _each
    from argosy.containers import export

    if options.output is None and out.is_terminal:
        raise ArgosyError("refusing to export to terminal. Use -o flag or redirect")
    container_id = _each.find(engine, options.operands[0])
    if options.output is None:
        export.export(engine.site, container_id, out.write_bytes)
        return 0
    from argosy.cli.podman._whole_file import WholeFile

    with WholeFile(options.output) as file:
        export.export(engine.site, container_id, file.write)
    return 0


COMMAND = Command(
    path="export",
    summary="Export container's filesystem contents as a tar archive",
    description=(
        "Writes the tree of a container, running or not, without what is mounted in it. `import` makes an image of it. "
        "Without --output the archive goes to standard output."
    ),
    usage="CONTAINER",
    options=ExportOptions,
    run=run,
    min_operands=1,
    max_operands=1,
    flags=(
        Flag("output", short="o", kind="string", help="Write to a specified file (default: stdout, if redirected)"),
    ),
    examples=("argosy export -o web.tar web", "argosy export web | argosy import - web:changed"),
)

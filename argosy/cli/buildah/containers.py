"""`containers`: list the working containers."""

from __future__ import annotations

from argosy.cli.buildah import _containers
from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine

_SHORT_ID = 12
_FILTERS = ("ancestor", "id", "name")


class ContainersOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    filter: str | None
    format: str | None
    json: bool
    noheading: bool
    notruncate: bool
    quiet: bool


class _Row(Value):
    id: str
    builder: bool
    image_id: str
    image: str
    name: str


def run(options: ContainersOptions, engine: Engine, out: Output) -> int:
    """List them; with --all also those that are no working containers."""
    if options.operands:
        raise ArgosyError("'buildah containers' does not accept arguments")
    rows = [row for row in _rows(engine, everything=options.all) if _passes(row, options.filter)]
    if options.json:
        from argosy.cli.documents import indented

        out.line(indented([_document(row) for row in rows], 4))
    elif options.quiet:
        for row in rows:
            out.line(row.id)
    elif options.format is not None:
        _formatted(rows, options, out)
    else:
        _table(rows, options, out)
    return 0


def _rows(engine: Engine, *, everything: bool) -> list[_Row]:
    found = [
        _Row(one.id, True, one.image_id, one.image or ("" if one.image_id else "scratch"), one.name)
        for one in _containers.known(engine).all()
    ]
    if everything:
        for view in engine.containers.list().views:
            found.append(_Row(view.id, False, view.image_id.removeprefix("sha256:"), view.image, view.name))
    return found


def _passes(row: _Row, text: str | None) -> bool:
    for one in (text or "").split(",") if text else ():
        key, equals, value = one.partition("=")
        if not equals or key not in _FILTERS:
            raise ArgosyError(f'parsing filter: invalid filter "{one if not equals else key}"')
        fits = {
            "ancestor": value in (row.image, row.image_id) or row.image.rpartition(":")[0] == value,
            "id": value in row.id,
            "name": value in row.name,
        }
        if not fits[key]:
            return False
    return True


def _document(row: _Row) -> dict[str, object]:
    return {
        "id": row.id,
        "builder": row.builder,
        "imageid": row.image_id,
        "imagename": row.image,
        "containername": row.name,
    }


def _mark(row: _Row) -> str:
    return "   *" if row.builder else ""


def _formatted(rows: list[_Row], options: ContainersOptions, out: Output) -> None:
    from argosy.cli import templates

    width = None if options.notruncate else _SHORT_ID
    values = [
        {
            "ContainerID": row.id if options.notruncate else row.id[:_SHORT_ID],
            "Builder": _mark(row),
            "ImageID": row.image_id[:width],
            "ImageName": row.image,
            "ContainerName": row.name,
        }
        for row in rows
    ]
    templates.render(
        out,
        options.format or "",
        values,
        headings={},
        name="container",
        type_name="main.containerOutputParams",
        show_headings=False,
        ranging=True,
    )


def _table(rows: list[_Row], options: ContainersOptions, out: Output) -> None:
    """buildah's columns, which have fixed widths."""
    width = 64 if options.notruncate else _SHORT_ID
    form = f"{{:<{width}}}  {{:<8}} {{:<{width}}} {{:<32}} {{}}"
    if not options.noheading:
        out.line(form.format("CONTAINER ID", "BUILDER", "IMAGE ID", "IMAGE NAME", "CONTAINER NAME"))
    for row in rows:
        cut = row.image_id[:width]
        out.line(form.format(row.id[:width], _mark(row).ljust(4), cut, row.image, row.name))


COMMAND = Command(
    path="containers",
    summary="List working containers and their base images",
    description="Lists the containers that `from` has made, with the images that they come from.",
    options=ContainersOptions,
    run=run,
    flags=(
        Flag("all", short="a", help="Also list containers that are no working containers"),
        Flag("filter", short="f", kind="string", help="Filter output by ancestor, id or name (KEY=VALUE)"),
        Flag("format", kind="string", help="Pretty-print containers using a Go template"),
        Flag("json", help="Output in JSON format"),
        Flag("noheading", short="n", help="Do not print column headings"),
        Flag("notruncate", help="Do not truncate output"),
        Flag("quiet", short="q", help="Display only container IDs"),
    ),
    examples=("argosy containers", "argosy containers --quiet --filter name=web"),
)

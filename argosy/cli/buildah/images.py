"""`images`: list the images of the store, in buildah's forms."""

from __future__ import annotations

from argosy import human
from argosy.cli.flags import Command, Flag
from argosy.cli.podman import images as listing
from argosy.errors import ArgosyError
from argosy.images import lists
from argosy.images.resolve import ImageNotKnown
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.cli.output import Output
    from argosy.engine import Engine

_SHORT_ID = 12
_HEADINGS = {"Name": "REPOSITORY", "ID": "IMAGE ID", "CreatedAt": "CREATED", "ReadOnly": "R/O"}


class ImagesFlags(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    digests: bool
    filter: tuple[str, ...]
    format: str | None
    history: bool
    json: bool
    no_trunc: bool
    noheading: bool
    quiet: bool


def run(flags: ImagesFlags, engine: Engine, out: Output) -> int:
    """List the images that all filters accept.  An image that was named and is not there is an error."""
    if flags.quiet and flags.format is not None:
        raise ArgosyError("quiet and format are mutually exclusive")
    if not flags.json and flags.format is None:
        return _table(flags, engine, out)
    filters = (*flags.filter, *(f"reference={text}" for text in flags.operands))
    found = lists.images(engine.store, engine.load_registries, filters, everything=flags.all)
    for error in found.damaged:
        out.error(f"Error: {error}")
    rows = lists.rows(found.images)
    _check_named(flags, rows)
    if flags.json:
        from argosy.cli.documents import html_safe, indented

        images = dict.fromkeys(image for image, _ in rows)
        out.line(html_safe(indented([_document(image, flags) for image in images], 4)))
        return 0
    from argosy.cli import templates

    templates.render(
        out,
        flags.format or "",
        [_fields(image, name, flags) for image, name in rows],
        headings=_HEADINGS,
        name="images",
        type_name="main.imageOutputParams",
        show_headings=not flags.noheading,
    )
    return 0


def _table(flags: ImagesFlags, engine: Engine, out: Output) -> int:
    """The table, or the ids alone, are podman's."""
    if flags.operands:
        filters = (*flags.filter, *(f"reference={text}" for text in flags.operands))
        found = lists.images(engine.store, engine.load_registries, filters, everything=flags.all)
        _check_named(flags, lists.rows(found.images))
    shared = {key: getattr(flags, key) for key in ImagesFlags.__annotations__ if key != "json"}
    return listing.run(listing.ImagesOptions(**shared, sort="created"), engine, out)


def _check_named(flags: ImagesFlags, rows: list[lists.Row]) -> None:
    if flags.operands and not rows:
        raise ImageNotKnown(flags.operands[0])


def _document(image: Any, flags: ImagesFlags) -> dict[str, Any]:
    names = [str(name) for name in image.names]
    return {
        "id": _id(image, flags),
        "names": names or None,
        "digest": image.record.manifest_digest,
        "createdat": human.ago(image.created_ns),
        "size": human.size(image.record.size_bytes),
        "created": image.created_ns // 1_000_000_000,
        "createdatraw": image.record.created,
        "readonly": bool(image.lender),
        "history": names if flags.history else None,
    }


def _fields(image: Any, name: Any, flags: ImagesFlags) -> dict[str, object]:
    """A row as templates see it."""
    return {
        "ID": _id(image, flags),
        "Name": lists.repository(name),
        "Tag": lists.tag(name),
        "Digest": image.record.manifest_digest,
        "Created": image.created_ns // 1_000_000_000,
        "CreatedAt": human.ago(image.created_ns),
        "CreatedAtRaw": _moment(image.created_ns),
        "Size": human.size(image.record.size_bytes),
        "ReadOnly": bool(image.lender),
        "History": ", ".join(map(str, image.names)) or lists.NONE,
    }


def _moment(moment_ns: int) -> str:
    """A time as Go prints it, with its fractions of a second."""
    fraction = f"{moment_ns % 1_000_000_000:09}".rstrip("0")
    whole, rest = human.moment(moment_ns)[:19], human.moment(moment_ns)[19:]
    return f"{whole}.{fraction}{rest}" if fraction else whole + rest


def _id(image: Any, flags: ImagesFlags) -> str:
    return f"sha256:{image.id}" if flags.no_trunc else str(image.id[:_SHORT_ID])


COMMAND = Command(
    path="images",
    summary="List images in local storage",
    description="Lists the images that were pulled, imported or built, one line for each name.",
    usage="[IMAGE]",
    options=ImagesFlags,
    run=run,
    max_operands=1,
    flags=(
        *(flag for flag in listing.COMMAND.flags if flag.key in ImagesFlags.__annotations__),
        Flag("json", help="Display the output in JSON format"),
    ),
    examples=("argosy images --json", "argosy images --format '{{.ID}} {{.Name}} {{.CreatedAtRaw}}'"),
)

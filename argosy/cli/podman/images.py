"""`images`: list the images of the store."""

from __future__ import annotations

from argosy import human
from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError
from argosy.images import lists
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.cli.output import Output
    from argosy.engine import Engine
    from argosy.images.inventory import Image
    from argosy.oci.reference import Reference
    from argosy.storage.store import Store

_SHORT_ID = 12
_HEADINGS = {
    "ID": "IMAGE ID",
    "CreatedSince": "CREATED",
    "ReadOnly": "R/O",
}


class ImagesOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    digests: bool
    filter: tuple[str, ...]
    format: str | None
    history: bool
    no_trunc: bool
    noheading: bool
    quiet: bool
    sort: str


def run(options: ImagesOptions, engine: Engine, out: Output) -> int:
    """List the images that all filters accept; an operand is a filter by name."""
    filters = (*options.filter, *(f"reference={text}" for text in options.operands))
    users = options.format is not None
    found = lists.images(engine.store, engine.load_registries, filters, everything=options.all, users=users)
    for error in found.damaged:
        out.error(f"Error: {error}")
    rows = lists.rows(found.images, options.sort)
    if out.program == "docker":
        from argosy.cli.podman import _images_docker

        _images_docker.show(rows, options, out)
        return 0
    if options.quiet and not (options.format and options.format.strip() == "json"):
        for image_id in dict.fromkeys(_id(image, options) for image, _ in rows):
            out.line(image_id)
        return 0
    if options.format is not None:
        return _formatted(options, engine.store, rows, out)
    headings = ["REPOSITORY", "TAG", *(["DIGEST"] if options.digests else []), "IMAGE ID", "CREATED", "SIZE"]
    headings += ["HISTORY"] if options.history else []
    cells = [_cells(image, name, options) for image, name in rows]
    if any(image.lender for image, _ in rows):  # podman has this column when there is something to say
        headings.append("R/O")
        cells = [[*row, str(bool(image.lender)).lower()] for row, (image, _) in zip(cells, rows, strict=True)]
    out.table(() if options.noheading else headings, cells)
    return 0


def _id(image: Image, options: ImagesOptions) -> str:
    return f"sha256:{image.id}" if options.no_trunc else image.id[:_SHORT_ID]


def _cells(image: Image, name: Reference | None, options: ImagesOptions) -> list[str]:
    record = image.record
    return [
        lists.repository(name),
        lists.tag(name),
        *([record.manifest_digest] if options.digests else []),
        _id(image, options),
        human.ago(image.created_ns),
        human.size(record.size_bytes),
        *([_names(image)] if options.history else []),
    ]


def _names(image: Image) -> str:
    return ", ".join(map(str, image.names)) or lists.NONE


def _formatted(options: ImagesOptions, store: Store, rows: list[lists.Row], out: Output) -> int:
    from argosy.cli import templates

    text = options.format or ""
    if templates.is_json(text):
        from argosy.cli.documents import html_safe, indented

        out.line(html_safe(indented([_document(store, image) for image, _ in rows], 4)))
        return 0
    templates.render(
        out,
        text,
        [_fields(store, image, name, options) for image, name in rows],
        headings=_HEADINGS,
        name="images",
        type_name="images.imageReporter",
        show_headings=not options.noheading,
        ranging=True,
    )
    return 0


def _document(store: Store, image: Image) -> dict[str, Any]:
    """An image in the form of podman's `--format json`."""
    record = image.record
    names = [str(name) for name in image.names]
    return {
        "Id": image.id,
        "ParentId": "",
        "RepoTags": None if image.is_list else [str(name) for name in image.names if name.tag],
        "RepoDigests": list(image.repo_digests),
        "Size": record.size_bytes,
        "SharedSize": 0,
        "VirtualSize": record.size_bytes,
        "Labels": dict(sorted(_labels(store, image).items())) or None,
        "Containers": len(image.containers),
        **({"ReadOnly": True} if image.lender else {}),
        **({"Dangling": True} if image.dangling else {}),
        "Names": names,
        "Digest": record.manifest_digest,
        "History": names,
        "Created": image.created_ns // 1_000_000_000,
        "CreatedAt": _created_at(image),
    }


def _created_at(image: Image) -> str:
    from argosy.images import timestamps

    return timestamps.show(image.created_ns // 1_000_000_000 * 1_000_000_000)


def _labels(store: Store, image: Image) -> dict[str, str]:
    from argosy.images.resolve import config

    try:
        return config(store, image.record).config.labels
    except ArgosyError:
        return {}  # a damaged config hides nothing else of the list


def _fields(store: Store, image: Image, name: Reference | None, options: ImagesOptions) -> dict[str, object]:
    """A row as templates see it: podman's imageReporter."""
    from argosy.cli.templates import Map

    record = image.record
    since = human.ago(image.created_ns)
    return {
        "ID": _id(image, options),
        "Repository": lists.repository(name),
        "Tag": lists.tag(name),
        "Digest": record.manifest_digest,
        "Created": since,
        "CreatedSince": since,
        "CreatedAt": human.moment(image.created_ns),
        "CreatedTime": human.moment(image.created_ns),
        "Size": human.size(record.size_bytes),
        "VirtualSize": record.size_bytes,
        "SharedSize": 0,
        "History": _names(image),
        "Names": [str(known) for known in image.names],
        "RepoTags": [str(known) for known in image.names if known.tag],
        "RepoDigests": list(image.repo_digests),
        "Id": image.id,
        "ParentId": "",
        "Containers": len(image.containers),
        "ReadOnly": bool(image.lender),
        "Dangling": image.dangling,
        "Labels": lambda: Map(_labels(store, image)),
    }


COMMAND = Command(
    path="images",
    summary="List images in local storage",
    description="Lists the images that were pulled, imported or built, one line for each name.",
    usage="[IMAGE]",
    options=ImagesOptions,
    run=run,
    max_operands=1,
    flags=(
        Flag("all", short="a", help="Show all images (default hides intermediate images)"),
        Flag("digests", help="Show digests"),
        Flag("filter", short="f", kind="csv", help="Filter output based on conditions provided"),
        Flag("format", kind="string", help="Change the output format to JSON or a Go template"),
        Flag("history", help="Display the image name history"),
        Flag("no-trunc", help="Do not truncate output"),
        Flag("noheading", short="n", help="Do not print column headings"),
        Flag("quiet", short="q", help="Display only image IDs"),
        Flag("sort", kind="string", default="created", help="Sort by created, id, repository, size, tag"),
    ),
    examples=(
        "argosy images --format json",
        'argosy images --sort repository --format "table {{.ID}} {{.Repository}} {{.Tag}}"',
        "argosy images --filter dangling=true",
    ),
)

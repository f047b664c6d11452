"""`docker images`: docker's columns, and the fields of docker's templates."""

from __future__ import annotations

from argosy import human
from argosy.cli.podman import _docker_lists
from argosy.images import lists

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.cli.podman._docker_lists import Fields
    from argosy.cli.podman.images import ImagesOptions
    from argosy.images.inventory import Image
    from argosy.oci.reference import Reference

TYPE_NAME = "*formatter.imageContext"
HEADINGS = {
    "Containers": "CONTAINERS",
    "CreatedAt": "CREATED AT",
    "CreatedSince": "CREATED",
    "Digest": "DIGEST",
    "ID": "IMAGE ID",
    "Repository": "REPOSITORY",
    "SharedSize": "SHARED SIZE",
    "Size": "SIZE",
    "Tag": "TAG",
    "UniqueSize": "UNIQUE SIZE",
    "VirtualSize": "SIZE",
}
UNKNOWN = "N/A"  # what docker says of what it did not ask its daemon for
_SHORT_ID = 12
_HUB = ("docker.io/library/", "docker.io/")


def show(rows: list[lists.Row], options: ImagesOptions, out: Output) -> None:
    """Print the rows as docker does: a table, or what --format asks for; --quiet repeats an image with many names."""
    digests = options.digests or "Digest}}" in (options.format or "").replace(" ", "")
    columns = ("Repository", "Tag", *(["Digest"] if options.digests else []), "ID", "CreatedSince", "Size")
    kind = _docker_lists.Kind(TYPE_NAME, HEADINGS, columns)
    wanted = [text.partition("=")[2] for text in options.filter if text.startswith("reference=")]
    wanted += options.operands
    rows = [(image, name) for image, name in rows if not wanted or (name and _is_wanted(name, wanted))]
    found = [
        {
            **fields(image, name, full=options.no_trunc),
            "Digest": image.record.manifest_digest if digests and name else lists.NONE,
        }
        for image, name in rows
    ]
    if options.quiet and not options.format:
        for image, _ in rows:
            out.line(shown_id(image, full=options.no_trunc))
        return
    _docker_lists.show(out, kind, [_docker_lists.Row(one) for one in found], options.format)


def _is_wanted(name: Reference, patterns: list[str]) -> bool:
    """Whether one of the patterns is for this name of an image, as users write it."""
    from argosy.images.filters import path_matcher

    shown = familiar(name.name)
    texts = (shown, f"{shown}:{name.tag}", str(name), name.name)
    return any(matches(text) for matches in map(path_matcher, patterns) for text in texts)


def fields(image: Image, name: Reference | None, *, full: bool) -> Fields:
    """What `{{json .}}` shows of an image under one of its names."""
    size_bytes = image.record.size_bytes
    return {
        "Containers": UNKNOWN,
        "CreatedAt": human.moment(image.created_ns),
        "CreatedSince": human.ago(image.created_ns) if image.created_ns else UNKNOWN,
        "Digest": "",
        "ID": shown_id(image, full=full),
        "Repository": familiar(lists.repository(name)),
        "SharedSize": UNKNOWN,
        "Size": human.tight_size(size_bytes),
        "Tag": lists.tag(name),
        "UniqueSize": UNKNOWN,
        "VirtualSize": human.close_size(size_bytes),
    }


def familiar(name: str) -> str:
    """A repository's name as docker shows it: docker.io goes without saying."""
    for start in _HUB:
        if name.startswith(start):
            return name.removeprefix(start)
    return name


def shown_id(image: Image, *, full: bool) -> str:
    """The image's id, cut short unless `full`."""
    return f"sha256:{image.id}" if full else image.id[:_SHORT_ID]

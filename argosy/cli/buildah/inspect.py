"""`inspect`: what is known of a working container, or of an image as one of its containers would begin."""

from __future__ import annotations

from argosy.cli.buildah import _containers, _document
from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError, NotFound
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.cli.output import Output
    from argosy.engine import Engine

_NONE = "container or image name must be specified"


class InspectOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    format: str | None
    type: str


def run(options: InspectOptions, engine: Engine, out: Output) -> int:
    """Print the document; a name that no container has is an image's."""
    if not options.operands:
        raise ArgosyError(_NONE)
    if options.type not in ("container", "image"):
        raise ArgosyError('the only recognized types are "container" and "image"')
    document = _found(options, engine)
    if options.format is None:
        from argosy.cli.documents import html_safe, indented

        out.line(html_safe(indented(document, 4)))
        return 0
    from argosy.cli import templates

    templates.render(
        *(out, options.format, [_document.named(document)]),
        headings={},
        name="format",
        type_name="buildah.BuilderInfo",
        show_headings=False,
        ranging=True,
    )
    return 0


def _found(options: InspectOptions, engine: Engine) -> dict[str, Any]:
    text = options.operands[0]
    containers = _containers.known(engine)
    if options.type == "container":
        try:
            record = containers.find(text)
            return _document.container(engine.store, record, containers.mount_point(record.id))
        except NotFound:
            pass
    from argosy.images import resolve

    try:
        found = resolve.resolve(engine.store, engine.load_registries, text)
    except NotFound:
        raise ArgosyError(f"importing settings: {text}: image not known") from None
    return _document.image(engine.store, found)


COMMAND = Command(
    path="inspect",
    summary="Inspect the configuration of a container or image",
    description="Prints all that is known of a working container, or of an image, as JSON or by a Go template.",
    usage="CONTAINER|IMAGE",
    options=InspectOptions,
    run=run,
    max_operands=1,
    flags=(
        Flag("format", short="f", kind="string", help="Use a Go template to format the output"),
        Flag("type", short="t", kind="string", default="container", help="What is named: container or image"),
    ),
    examples=(
        "argosy inspect web",
        "argosy inspect --format '{{.OCIv1.Config.Env}}' --type image web:1",
    ),
)

"""`inspect`: all that is known about containers and images."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _each
from argosy.errors import ArgosyError, NotFound
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from argosy.cli.output import Output
    from argosy.engine import Engine

    Find = Callable[[str], dict[str, Any]]

_TYPES = ("all", "container", "image")


class InspectOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    format: str
    latest: bool
    size: bool
    type: str


def run(options: InspectOptions, engine: Engine, out: Output) -> int:
    """Show each object; a name means a container before it means an image."""
    if options.type not in _TYPES:
        choices = ", ".join(f'"{kind}"' for kind in _TYPES[1:])
        raise ArgosyError(f'invalid type "{options.type}": must be {choices}, or "all"')
    finders: dict[str, Find] = {
        "all": lambda name: anything(engine, name, size=options.size),
        "container": lambda name: container(engine, name, size=options.size),
        "image": lambda name: image(engine, name),
    }
    names = chosen(engine, options.operands, latest=options.latest)
    return show(names, finders["container" if options.latest else options.type], options.format, out)


def chosen(engine: Engine, operands: tuple[str, ...], *, latest: bool) -> list[str]:
    """The names that were given, or the id of the container made last."""
    if latest and operands:
        raise ArgosyError("--latest and arguments cannot be used together")
    if not latest:
        if not operands:
            raise ArgosyError("no names or ids specified")
        return list(operands)
    names = _each.chosen(engine, (), latest=True)
    if not names:
        raise ArgosyError("there are no containers")
    return names


def anything(engine: Engine, name: str, *, size: bool) -> dict[str, Any]:
    """The container, else the image with this name."""
    try:
        return container(engine, name, size=size)
    except NotFound:
        pass
    try:
        return image(engine, name)
    except NotFound:
        error = NotFound("object", name)
        error.brief = f'no such object: "{name}"'
        raise error from None


def container(engine: Engine, name: str, *, size: bool) -> dict[str, Any]:
    """The document of a container.  Raises NotFound in podman's words."""
    try:
        return engine.containers.inspect(engine.containers.find(name), size=size)
    except NotFound:
        error = NotFound("container", name)
        error.brief = f"no such container {name}"
        raise error from None


def image(engine: Engine, name: str) -> dict[str, Any]:
    """The document of an image."""
    from argosy.cli.podman import image_inspect

    return image_inspect.document(engine, name)


def show(names: list[str], find: Find, format_: str, out: Output) -> int:
    """Show the documents of all that can be found; what cannot is told afterwards."""
    from argosy.cli.errors import report

    documents, errors = [], []
    for name in names:
        try:
            documents.append(find(name))
        except ArgosyError as error:
            errors.append(error)
    if format_.replace(" ", "") in ("json", "{{json}}", "{{json.}}"):
        from argosy.cli.documents import indented

        out.line(indented(documents, 5))
    elif documents:
        _render(documents, format_, out)
    status = 0
    for failure in errors:
        failure.brief = f"inspecting object: {failure.brief}"
        status = report(failure, out)
    return status


def _render(documents: list[dict[str, Any]], format_: str, out: Output) -> None:
    from argosy.cli import templates
    from argosy.cli.documents import with_moments

    rows = []
    for document in documents:
        if "RootFS" in document:
            from argosy.cli.podman import _image_document

            rows.append(_image_document.struct(document))
        else:
            rows.append(templates.with_maps(with_moments(document)))
    templates.render(out, format_, rows, name="inspect", type_name="interface {}", show_headings=False)


COMMAND = Command(
    path="inspect",
    summary="Display the configuration of object denoted by ID",
    description="Displays the low-level information on containers and images, named or given by id.",
    options=InspectOptions,
    run=run,
    usage="{CONTAINER|IMAGE} [...]",
    flags=(
        Flag("format", short="f", kind="string", default="json", help="Format the output to a Go template or json"),
        Flag("latest", short="l", help="Act on the latest container argosy is aware of"),
        Flag("size", short="s", help="Display total file size"),
        Flag("type", short="t", kind="string", default="all", help='Specify inspect-object type ("container"|"image")'),
    ),
    examples=(
        "argosy inspect web",
        "argosy inspect --type image alpine",
        'argosy inspect --format "{{.State.Status}} {{.State.ExitCode}}" web',
    ),
)

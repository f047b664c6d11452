"""`generate spec`: a container or a pod as the JSON from which podman's API makes another one like it."""

from __future__ import annotations

import os

from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError, NotFound
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.cli.output import Output
    from argosy.engine import Engine


class GenerateSpecOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    compact: bool
    filename: str | None
    name: bool


def run(options: GenerateSpecOptions, engine: Engine, out: Output) -> int:
    """Print the specification, or write it to the file and print its path."""
    from argosy.cli import documents

    document = _document(engine, options.operands[0], renamed=options.name)
    text = documents.compact(document) if options.compact else documents.html_safe(documents.indented(document, 1))
    if options.filename is None:
        out.line(text)
        return 0
    _write(options.filename, text)
    out.line(options.filename)
    return 0


def _document(engine: Engine, text: str, *, renamed: bool) -> dict[str, Any]:
    """Of the container that `text` names, else of the pod."""
    from argosy.containers import clone, inspect, specgen

    try:
        container_id = engine.containers.find(text)
    except NotFound:
        return _of_pod(engine, text, renamed=renamed)
    subject = inspect.subject_of(engine.site, container_id)
    return specgen.document(subject, clone.free_name(engine.site, subject.name) if renamed else subject.name)


def _of_pod(engine: Engine, text: str, *, renamed: bool) -> dict[str, Any]:
    from argosy.containers import pod as pods
    from argosy.pods import clone, specgen

    try:
        pod_id = pods.find(engine.site, text)
    except NotFound as error:
        error.brief = f"could not find a pod or container with the id {text}"
        raise
    name = pods.name_of(engine.site, pod_id)
    return specgen.document(engine.site, pod_id, clone.free_name(engine.site, name) if renamed else name)


def _write(path: str, text: str) -> None:
    from argosy.linux import files

    try:
        files.write_named(os.path.abspath(path), text.encode())
    except OSError as error:
        raise ArgosyError(f"cannot write {path}", details=str(error.strerror), hint="see --filename") from error


COMMAND = Command(
    path="generate spec",
    summary="Generate Specgen JSON based on containers or pods",
    description=(
        "Prints a container as podman's SpecGenerator, the document from which POST /libpod/containers/create makes "
        "another one, or a pod as PodSpecGenerator. Beside the fields that podman writes it has those that podman "
        "leaves out although they were asked for (capabilities, host name, read-only root, restart limit and so on), "
        "and says none or host where podman says private of the network, so that the copy is no less confined."
    ),
    usage="CONTAINER|POD",
    options=GenerateSpecOptions,
    run=run,
    min_operands=1,
    max_operands=1,
    flags=(
        Flag("compact", short="c", help="Print the json in a compact format for consumption"),
        Flag("filename", short="f", kind="string", help="Write output to the specified path"),
        Flag("name", short="n", default=True, help="Specify a new name for the generated spec"),
    ),
    examples=("argosy generate spec web", "argosy generate spec --compact --name=false --filename web.json web"),
)

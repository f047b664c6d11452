"""`history`: how an image was made, layer by layer."""

from __future__ import annotations

from argosy import human
from argosy.cli.flags import Command, Flag
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.cli.output import Output
    from argosy.engine import Engine
    from argosy.images.history import Step

_SHORT_ID = 12
_COMMAND_WIDTH = 45
_SECOND_NS = 1_000_000_000
_NO_TIME = "0001-01-01T00:00:00Z"
_HEADINGS = {"ID": "ID", "CreatedSince": "CREATED", "CreatedBy": "CREATED BY"}


class HistoryOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    format: str | None
    human: bool
    no_trunc: bool
    quiet: bool


def run(options: HistoryOptions, engine: Engine, out: Output) -> int:
    """Show the steps, the newest first."""
    from argosy.images.history import history
    from argosy.images.inventory import image_of
    from argosy.images.resolve import resolve

    record = resolve(engine.store, engine.load_registries, options.operands[0]).record
    names = image_of(engine.store, record).names if options.format else ()
    steps = history(engine.store, record, names)
    if out.program == "docker":
        from argosy.cli.podman import _history_docker

        _history_docker.show(steps, options, out)
        return 0
    if options.format is not None:
        return _formatted(options, steps, out)
    if options.quiet:
        for step in steps:
            out.line(_id(step, options))
        return 0
    rows = [
        [_id(step, options), _created(step, options), _by(step, options), _size(step, options), step.comment]
        for step in steps
    ]
    out.table(("ID", "CREATED", "CREATED BY", "SIZE", "COMMENT"), rows)
    return 0


def _id(step: Step, options: HistoryOptions) -> str:
    return step.id if options.no_trunc or step.id.startswith("<") else step.id[:_SHORT_ID]


def _created(step: Step, options: HistoryOptions) -> str:
    return _since(step) if options.human else _moment(step)


def _since(step: Step) -> str:
    return human.ago(step.created_ns) if step.created_ns else ""


def _moment(step: Step) -> str:
    from argosy.images import timestamps

    return timestamps.show(step.created_ns // _SECOND_NS * _SECOND_NS) if step.created_ns else _NO_TIME


def _by(step: Step, options: HistoryOptions) -> str:
    text = " ".join(step.created_by.split())
    if options.no_trunc or len(text) <= _COMMAND_WIDTH:
        return text
    return text[: _COMMAND_WIDTH - 3] + "..."


def _size(step: Step, options: HistoryOptions) -> str:
    return human.size(step.size_bytes) if options.human else str(step.size_bytes)


def _formatted(options: HistoryOptions, steps: tuple[Step, ...], out: Output) -> int:
    from argosy.cli import templates

    text = options.format or ""
    if templates.is_json(text):
        from argosy.cli.documents import compact

        out.line(compact([_document(step) for step in steps]))
        return 0
    rows = [_fields(step, options) for step in steps]
    templates.render(
        out, text, rows, headings=_HEADINGS, name="history", type_name="images.historyReporter", ranging=True
    )
    return 0


def _document(step: Step) -> dict[str, Any]:
    """A step in podman's form, which has the time twice."""
    document: dict[str, Any] = {
        "id": step.id,
        "created": step.created if step.created_ns else _NO_TIME,
        "CreatedBy": step.created_by,
        "size": step.size_bytes,
    }
    if step.comment:
        document["comment"] = step.comment
    return {**document, "Created": _moment(step)}


def _fields(step: Step, options: HistoryOptions) -> dict[str, object]:
    return {
        "ID": _id(step, options),
        "Created": _created(step, options),
        "CreatedAt": human.moment(step.created_ns),
        "CreatedSince": _since(step),
        "CreatedBy": _by(step, options),
        "Size": _size(step, options),
        "Comment": step.comment,
        "Tags": list(step.tags),
    }


COMMAND = Command(
    path="history",
    summary="Show history of a specified image",
    description="Displays how an image was made: each layer and each change of its configuration, the newest first.",
    usage="IMAGE",
    options=HistoryOptions,
    run=run,
    min_operands=1,
    max_operands=1,
    flags=(
        Flag("format", kind="string", help="Change the output to JSON or a Go template"),
        Flag("human", short="H", default=True, help="Display sizes and dates in human readable format"),
        Flag("no-trunc", help="Do not truncate the output"),
        Flag("quiet", short="q", help="Display the numeric IDs only"),
    ),
    examples=("argosy history quay.io/fedora/fedora", "argosy history --format '{{.ID}} {{.CreatedBy}}' alpine"),
)

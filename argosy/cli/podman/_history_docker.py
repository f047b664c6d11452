"""`docker history`: docker's columns, and the fields of docker's templates."""

from __future__ import annotations

import time

from argosy import human
from argosy.cli.podman import _docker_lists
from argosy.images.history import MISSING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from argosy.cli.output import Output
    from argosy.cli.podman._docker_lists import Fields
    from argosy.cli.podman.history import HistoryOptions
    from argosy.images.history import Step

_HEADINGS = {
    "Comment": "COMMENT",
    "CreatedAt": "CREATED AT",
    "CreatedBy": "CREATED BY",
    "CreatedSince": "CREATED",
    "ID": "IMAGE",
    "Size": "SIZE",
}
_SHORT_ID = 12
_COMMAND_WIDTH = 45
_SECOND_NS = 1_000_000_000


def show(steps: Iterable[Step], options: HistoryOptions, out: Output) -> None:
    """Print the steps as docker does: ids, a table, or what --format asks for."""
    rows = [_fields(step, options) for step in steps]
    if options.quiet and options.format is None:
        for row in rows:
            out.line(row["ID"])
        return
    columns = ("ID", "CreatedSince" if options.human else "CreatedAt", "CreatedBy", "Size", "Comment")
    kind = _docker_lists.Kind("*formatter.historyContext", _HEADINGS, columns)
    _docker_lists.show(out, kind, [_docker_lists.Row(row) for row in rows], options.format)


def _fields(step: Step, options: HistoryOptions) -> Fields:
    whole = step.id if step.id == MISSING else f"sha256:{step.id}"
    short = step.id if step.id == MISSING else step.id[:_SHORT_ID]
    by = step.created_by.replace("\t", " ")
    if not options.no_trunc and len(by) > _COMMAND_WIDTH:
        by = by[: _COMMAND_WIDTH - 1] + "\u2026"
    return {
        "Comment": step.comment,
        "CreatedAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(step.created_ns // _SECOND_NS)),
        "CreatedBy": by,
        "CreatedSince": human.ago(step.created_ns) if step.created_ns else "N/A",
        "ID": whole if options.no_trunc else short,
        "Size": human.tight_size(step.size_bytes) if options.human else str(step.size_bytes),
    }

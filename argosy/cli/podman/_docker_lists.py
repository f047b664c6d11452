"""docker's lists: rows whose fields are all text, as a table in docker's layout, as JSON, or through a template."""

from __future__ import annotations

from argosy import jsontext
from argosy.cli.documents import html_safe
from argosy.cli.output import aligned
from argosy.errors import escaped
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from argosy.cli.output import Output
    from argosy.cli.templates import Struct

    Fields = dict[str, Any]  # text, or what JSON is to show as it is

_WIDTH, _GAP = 10, 3  # of docker's tabwriter
_TABLE = "table"


class Kind(Value):
    """A list: its Go type, what heads each field, and the fields that are shown where no others are asked for."""

    type_name: str
    headings: Mapping[str, str]
    columns: tuple[str, ...]


class Row(Value):
    """A row; `labels`, where its kind has them, are what docker's `.Label "name"` looks in."""

    fields: Fields
    labels: Mapping[str, str] | None = None


def show(out: Output, kind: Kind, rows: Sequence[Row], format_: str | None) -> None:
    """Write the rows as `format_` says: a table, JSON with one row a line, or a template."""
    text = (format_ or _TABLE).strip()
    if text == "json":
        for row in rows:
            out.line(html_safe(jsontext.encode(row.fields).decode("utf-8", "surrogateescape")))
    elif text == _TABLE:
        cells = [[escaped(str(row.fields[column])) for column in kind.columns] for row in rows]
        _table(out, [[kind.headings[column] for column in kind.columns], *cells])
    elif text.startswith(_TABLE):
        _templated_table(out, kind, rows, text.removeprefix(_TABLE).strip())
    else:
        from argosy.cli.templates import Template

        template = Template(_unescaped(text))
        for line in [template.execute(_struct(kind, row)) for row in rows]:
            out.line(line)


def _table(out: Output, lines: list[list[str]]) -> None:
    for text in aligned(lines, width=_WIDTH, gap=_GAP):
        out.line(text)


def _templated_table(out: Output, kind: Kind, rows: Sequence[Row], body: str) -> None:
    """Unlike podman, docker takes tabs alone for the ends of columns."""
    from argosy.cli.templates import Method, Struct, Template

    template = Template(_unescaped(body))
    methods = {"Label": Method(_label_heading)} if any(row.labels is not None for row in rows) else {}
    data = [Struct(kind.headings, type_name=kind.type_name, methods=methods)]
    data += [
        _struct(kind, row.replace(fields={key: escaped(str(text)) for key, text in row.fields.items()})) for row in rows
    ]
    found = [template.execute(one) for one in data]
    _table(out, [cells.split("\t") for text in found for cells in text.split("\n")])


def _struct(kind: Kind, row: Row) -> Struct:
    from argosy.cli.templates import Method, Struct

    labels = row.labels
    methods = {} if labels is None else {"Label": Method(lambda name: labels.get(name, ""))}
    return Struct(row.fields, type_name=kind.type_name, kept=row.fields, methods=methods)


def _unescaped(text: str) -> str:
    return text.replace("\\t", "\t").replace("\\n", "\n")


def _label_heading(name: str) -> str:
    return name.rpartition(".")[2].replace("-", " ").replace("_", " ")

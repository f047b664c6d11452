"""`--format`: Go's text/template over what a command has to show.

A row is a dictionary with the peers' field names; a value that is costly may be a function without arguments, called
when the template asks for it.  Asking for a field that is not there is an error, as in Go; dictionaries whose keys are
the user's own must be `Map` (or become so by `with_maps`).
"""

from __future__ import annotations

import sys

from argosy.cli.templates.executor import Executor, Heading, heading
from argosy.cli.templates.functions import FUNCTIONS
from argosy.cli.templates.lexer import TemplateError
from argosy.cli.templates.parser import Parser
from argosy.cli.templates.values import MAP_FIELDS, Map, Method, Struct, with_maps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from argosy.cli.output import Output

_DEEPEST = 2_000_000

__all__ = [
    "MAP_FIELDS",
    "Map",
    "Method",
    "Struct",
    "Template",
    "TemplateError",
    "is_json",
    "is_table",
    "render",
    "with_maps",
]


class Template:
    """A parsed template.  `name` is what messages call it: the command's name."""

    def __init__(self, text: str, name: str = "") -> None:
        with _DeepStack():
            self._parsed = Parser(text, name, FUNCTIONS)

    def execute(self, data: object, type_name: str = "") -> str:
        """The text for `data`.  Raises TemplateError, after which nothing of it should be shown."""
        with _DeepStack():
            return Executor(self._parsed, data, type_name).run()


class _DeepStack:
    """Lets Python call itself as deep as a template may: 100,000 templates within each other, as in Go.

    Calls from Python to Python take no C stack, so that the limit guards nothing here that a template can reach.
    """

    def __enter__(self) -> None:
        self._limit = sys.getrecursionlimit()
        sys.setrecursionlimit(_DEEPEST)

    def __exit__(self, *_error: object) -> None:
        sys.setrecursionlimit(self._limit)


def is_json(text: str) -> bool:
    """Whether `--format` asks for the whole result as JSON: `json`, or `{{json .}}`."""
    return text.replace(" ", "") in ("json", "{{json}}", "{{json.}}")


def is_table(text: str) -> bool:
    """Whether `--format` asks for a table with headings."""
    return text.startswith("table ")


def render(
    out: Output,
    text: str,
    rows: Iterable[Mapping[str, object]],
    *,
    headings: Mapping[str, str] | None = None,
    name: str = "",
    type_name: str = "",
    show_headings: bool = True,
    ranging: bool = False,
) -> None:
    """Write one line for each row.  `table TEMPLATE` aligns at tabs and writes headings, those of fields not in
    `headings` made from their names.  Everything is evaluated before anything is written.

    With `ranging`, a template with {{range .}} has all rows at once as its data, as in podman's lists.
    """
    table = is_table(text)
    if ranging and "{{range.}}" in "".join(text.split()):
        out.write(Template(_outside(text, _unescaped), name).execute(list(rows)) + "\n")
        return
    body = _outside(text.removeprefix("table").strip() if table else text, _spaced if table else _unescaped)
    template = Template(body, name)
    end = "" if body.endswith("\n") else "\n"
    lines = [template.execute(row, type_name) for row in rows]
    if not table:
        for line in lines:
            out.write(line + end)
        return
    if show_headings:
        lines.insert(0, template.execute(_Headings(headings or {}), type_name))
    out.table((), [cells.split("\t") for line in lines for cells in line.removesuffix("\n").split("\n")])


def _outside(template: str, change: Callable[[str], str]) -> str:
    """`template` with `change` made to what stands between its actions, in which strings have escapes of their own."""
    head, *actions = template.split("{{")
    changed = [change(head)]
    for action in actions:
        inside, braces, behind = action.partition("}}")
        changed.append(inside + braces + change(behind))
    return "{{".join(changed)


def _unescaped(text: str) -> str:
    return text.replace("\\t", "\t").replace("\\n", "\n")


def _spaced(text: str) -> str:
    """The columns of a table may be separated by blanks."""
    return _unescaped(text).replace(" ", "\t")


class _Headings(dict[str, object]):
    """Gives a heading for every field that a template asks for."""

    def __init__(self, known: Mapping[str, str]) -> None:
        super().__init__({field: Heading(text) for field, text in known.items()})

    def get(self, key: str, _default: object = None) -> object:
        return super().get(key) or Heading(heading(key))

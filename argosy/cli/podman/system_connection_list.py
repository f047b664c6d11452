"""`system connection list`: the hosts that are recorded."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output

_HEADINGS = {"Name": "Name", "URI": "URI", "Identity": "Identity", "Default": "Default"}


class ConnectionListOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    format: str | None
    quiet: bool


def run(options: ConnectionListOptions, opener: Opener, out: Output) -> int:
    """List the connections by name."""
    from argosy.cli import templates
    from argosy.cli.podman import _connections

    found = _connections.known(opener)
    rows = [
        {
            "Name": name,
            "URI": entry.uri,
            "Identity": entry.identity,
            "IsMachine": False,
            "Default": name == found.default,
        }
        for name, entry in sorted(found.entries.items())
    ]
    if options.quiet:
        for row in rows:
            out.line(str(row["Name"]))
    elif options.format and templates.is_json(options.format):
        from argosy.cli.documents import indented

        out.line(indented(rows, 4))
    elif options.format:
        templates.render(
            *(out, options.format, rows),
            headings=_HEADINGS,
            name="list",
            type_name="connection.namedDestination",
            show_headings=True,
            ranging=True,
        )
    else:
        texts = [[str(row[key]).lower() if key == "Default" else str(row[key]) for key in _HEADINGS] for row in rows]
        out.table(list(_HEADINGS.values()), texts)
    return 0


COMMAND = Command(
    path="system connection list",
    summary="List destinations of other hosts",
    description="Lists the hosts that --connection can name: those of `system connection add`, and of containers.conf.",
    options=ConnectionListOptions,
    run=run,
    max_operands=0,
    flags=(
        Flag("format", short="f", kind="string", help="Format the output using a Go template, or `json`"),
        Flag("quiet", short="q", help="Print the names only"),
    ),
    examples=("argosy system connection list", "argosy system connection list --format '{{.Name}} {{.URI}}'"),
)

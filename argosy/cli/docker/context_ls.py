"""`context ls`: the contexts that there are."""

from __future__ import annotations

import os

from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _docker_lists
from argosy.config import connections, contexts
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output

_KIND = _docker_lists.Kind(
    "*formatter.clientContextContext",
    {
        "Name": "NAME",
        "Description": "DESCRIPTION",
        "DockerEndpoint": "DOCKER ENDPOINT",
        "Error": "ERROR",
        "Current": "CURRENT",
    },
    ("Name", "Description", "DockerEndpoint", "Error"),
)
_OF_THE_ENVIRONMENT = "Current DOCKER_HOST based configuration"
_OF_CONNECTIONS = "A connection (argosy system connection)"


class ContextListOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    format: str | None
    quiet: bool


def run(options: ContextListOptions, _opener: Opener, out: Output) -> int:
    """List docker's contexts and our connections, by name; the current one has a star."""
    current, _ = contexts.current(os.environ)
    default = contexts.default(os.environ)
    found = {
        name: (_OF_CONNECTIONS, connection.uri) for name, connection in connections.read(os.environ).entries.items()
    }
    found |= {context.name: (context.description, context.host) for context in contexts.listing(os.environ)}
    found[default.name] = (_OF_THE_ENVIRONMENT, default.host)
    if options.quiet:
        for name in sorted(found):
            out.line(name)
        return 0
    table = options.format is None or options.format.strip() == "table"
    rows = [
        {
            "Current": name == current,
            "Description": description,
            "DockerEndpoint": host,
            "Error": "",
            "Name": f"{name} *" if table and name == current else name,
        }
        for name, (description, host) in sorted(found.items())
    ]
    _docker_lists.show(out, _KIND, [_docker_lists.Row(row) for row in rows], options.format)
    return 0


COMMAND = Command(
    path="context ls",
    summary="List contexts",
    description="Lists the hosts that --context can name: docker's contexts, and those of `system connection`.",
    options=ContextListOptions,
    run=run,
    max_operands=0,
    flags=(
        Flag("format", kind="string", help="Format the output using a Go template, or `json`"),
        Flag("quiet", short="q", help="Only show context names"),
    ),
    examples=("docker context ls", "docker context ls --format '{{.Name}} {{.DockerEndpoint}}'"),
)

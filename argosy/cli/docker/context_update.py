"""`context update`: change the endpoint or the description of a context."""

from __future__ import annotations

import os

from argosy.cli.docker import _contexts
from argosy.cli.flags import Command
from argosy.config import contexts
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output


class ContextUpdateOptions(Value):
    """What was asked for; what was not given stays."""

    operands: tuple[str, ...]
    description: str | None
    docker: tuple[str, ...]


def run(options: ContextUpdateOptions, _opener: Opener, out: Output) -> int:
    """Change the context; what other programs have written into it stays."""
    name = options.operands[0]
    contexts.check_name(name)
    document = dict(contexts.get(os.environ, name).document)
    if options.description is not None:
        document["Metadata"] = {**(document.get("Metadata") or {}), "Description": options.description}
    host = _contexts.endpoint(options.docker, os.environ)
    if host:
        endpoints = document["Endpoints"]
        document["Endpoints"] = {**endpoints, "docker": {**endpoints["docker"], "Host": host}}
    contexts.put(os.environ, document)
    out.line(name)
    out.error(f'Successfully updated context "{name}"')
    return 0


COMMAND = Command(
    path="context update",
    summary="Update a context",
    description="Changes the host or the description of a context.",
    usage="CONTEXT",
    options=ContextUpdateOptions,
    run=run,
    min_operands=1,
    max_operands=1,
    flags=(_contexts.DESCRIPTION, _contexts.ENDPOINT),
    examples=("docker context update build --description 'the fast one'",),
)

"""`context create`: record another host under a name."""

from __future__ import annotations

import os

from argosy.cli.docker import _contexts
from argosy.cli.flags import Command, Flag
from argosy.config import contexts
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output


class ContextCreateOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    description: str | None
    docker: tuple[str, ...]
    from_: str | None


def run(options: ContextCreateOptions, _opener: Opener, out: Output) -> int:
    """Keep a new context, with an endpoint of its own or that of another one."""
    name = options.operands[0]
    contexts.check_name(name)
    if contexts.exists(os.environ, name):
        raise ArgosyError(f'context "{name}" already exists')
    if options.from_ and options.docker:
        raise ArgosyError("cannot use --docker flag when --from is set")
    model = contexts.get(os.environ, options.from_ or contexts.DEFAULT)
    host = _contexts.endpoint(options.docker, os.environ) or model.host
    description = options.description or (model.description if options.from_ else "")
    contexts.put(os.environ, contexts.document(name, host, description))
    out.line(name)
    out.error(f'Successfully created context "{name}"')
    return 0


COMMAND = Command(
    path="context create",
    summary="Create a context",
    description=(
        "Records a host under a name, where docker's client keeps contexts too; --context NAME, or `context use`, runs "
        "commands there, through ssh."
    ),
    usage="CONTEXT",
    options=ContextCreateOptions,
    run=run,
    min_operands=1,
    max_operands=1,
    flags=(
        _contexts.DESCRIPTION,
        _contexts.ENDPOINT,
        Flag("from", kind="string", help="Create the context as a copy of another one"),
    ),
    examples=("docker context create build --docker host=ssh://me@build.example.com",),
)

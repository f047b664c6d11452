"""`context rm`: forget contexts."""

from __future__ import annotations

import os

from argosy.cli.errors import report
from argosy.cli.flags import Command, Flag
from argosy.config import contexts
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output


class ContextRemoveOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    force: bool


def run(options: ContextRemoveOptions, _opener: Opener, out: Output) -> int:
    """Remove each context; the one that is in use with --force alone."""
    status = 0
    for name in options.operands:
        try:
            _remove(name, force=options.force)
        except ArgosyError as error:
            status = report(error, out)
            continue
        out.line(name)
    return status


def _remove(name: str, *, force: bool) -> None:
    if name == contexts.DEFAULT:
        raise ArgosyError(f'context "{name}" cannot be removed')
    if not contexts.exists(os.environ, name):
        if force:
            return
        raise ArgosyError(f'context "{name}" does not exist')
    if contexts.current(os.environ)[0] == name:
        if not force:
            raise ArgosyError(f'context "{name}" is in use, set -f flag to force remove')
        contexts.use(os.environ, contexts.DEFAULT)
    contexts.remove(os.environ, name)


COMMAND = Command(
    path="context rm",
    summary="Remove one or more contexts",
    description="Forgets contexts. `system connection remove` is for connections.",
    usage="CONTEXT [CONTEXT...]",
    options=ContextRemoveOptions,
    run=run,
    min_operands=1,
    flags=(Flag("force", short="f", help="Force the removal of a context in use"),),
    examples=("docker context rm build",),
)

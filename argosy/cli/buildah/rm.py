"""`rm`: remove working containers."""

from __future__ import annotations

from argosy.cli.buildah import _containers
from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class RmOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool


def run(options: RmOptions, engine: Engine, out: Output) -> int:
    """Remove each, and print its id."""
    containers = _containers.known(engine)
    if options.all and options.operands:
        raise ArgosyError("when using the --all switch, you may not pass any containers names or IDs")
    if not options.all and not options.operands:
        raise ArgosyError(_containers.MISSING)
    names = [record.id for record in containers.all()] if options.all else options.operands
    return _containers.each(names, containers.remove, out, 'removing container "{}"')


COMMAND = Command(
    path="rm",
    summary="Remove one or more working containers",
    description="Removes working containers with all that was changed in them. The images that they came from stay.",
    usage="CONTAINER [CONTAINER...]",
    options=RmOptions,
    run=run,
    flags=(Flag("all", short="a", help="Remove all working containers"),),
    examples=("argosy rm fedora-working-container", "argosy rm --all"),
)

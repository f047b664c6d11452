"""`secret rm`: remove secrets."""

from __future__ import annotations

from argosy.cli.errors import report
from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError, NotFound
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class SecretRemoveOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    ignore: bool


def run(options: SecretRemoveOptions, engine: Engine, out: Output) -> int:
    """Remove each secret and print its id (docker: its name as it was given).  The status is that of the last error."""
    from argosy.secrets import stored

    if options.all == bool(options.operands):
        raise ArgosyError(f"`{out.program} secret rm` requires one argument, or the --all flag")
    status = 0
    for text in options.operands or engine.store.secrets.ids():
        try:
            secret_id = text if options.all else stored.find_id(engine.store, text)
            stored.remove(engine.store, secret_id)
        except NotFound as error:
            if not (options.ignore or options.all):
                status = report(error, out)
            continue
        except ArgosyError as error:
            status = report(error, out)
            continue
        out.line(text if out.program == "docker" else secret_id)
    return status


COMMAND = Command(
    path="secret rm",
    summary="Remove one or more secrets",
    description=(
        "Removes secrets and their data. Containers that run keep what they got; those that want it at their next "
        "start do not start any more."
    ),
    usage="SECRET [SECRET...]",
    options=SecretRemoveOptions,
    run=run,
    flags=(
        Flag("all", short="a", help="Remove all secrets"),
        Flag("ignore", short="i", help="Ignore errors when a specified secret is missing"),
    ),
    examples=("argosy secret rm token", "argosy secret rm --all"),
)

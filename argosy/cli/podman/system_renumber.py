"""`system renumber`: podman's locks have numbers; ours are the objects' own directories."""

from __future__ import annotations

from argosy.cli.flags import Command
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class RenumberOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]


def run(_options: RenumberOptions, engine: Engine, out: Output) -> int:
    """Say that there is nothing to do; those who wait for the event get it."""
    engine.store.events.write("system", "renumber")
    out.notice("there is nothing to renumber: each object is locked by its own directory")
    return 0


COMMAND = Command(
    path="system renumber",
    summary="Migrate lock numbers",
    description="Does nothing, and says so: podman's locks have numbers that can run out, Argosy's have none.",
    options=RenumberOptions,
    run=run,
    max_operands=0,
    examples=("argosy system renumber",),
)

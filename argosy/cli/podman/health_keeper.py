"""`__health`: the process that checks the containers of a store in time.  Commands start it; nobody else does."""

from __future__ import annotations

from argosy.cli.flags import Command
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class KeeperOptions(Value):
    """There is nothing to ask for."""

    operands: tuple[str, ...]


def run(_options: KeeperOptions, engine: Engine, _out: Output) -> int:
    """Check until the last container with a health check has ended."""
    from argosy.containers.health import duty

    return duty.main(engine.site)


COMMAND = Command(
    path="__health",
    summary="Check the containers that have a health check in time",
    options=KeeperOptions,
    run=run,
    max_operands=0,
)

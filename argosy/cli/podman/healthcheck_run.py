"""`healthcheck run`: check a container's health now."""

from __future__ import annotations

from argosy.cli.flags import Command
from argosy.errors import NotFound
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine

_UNHEALTHY = 1


class HealthcheckOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]


def run(options: HealthcheckOptions, engine: Engine, out: Output) -> int:
    """Run the check once: 0 where it succeeds, 1 and a word where it does not."""
    from argosy.cli.podman import _each
    from argosy.containers.health import results

    name = options.operands[0]
    try:
        container_id = _each.find(engine, name)
    except NotFound as error:
        error.brief = f"unable to look up {name} to perform a health check: {error.brief}"
        raise
    found = engine.containers.check_health(container_id)
    if found == results.HEALTHY:
        return 0
    out.line(found)
    return _UNHEALTHY


COMMAND = Command(
    path="healthcheck run",
    summary="Run the health check of a container",
    description=(
        "Runs the health check of a container that runs, as its user, and notes the result as the checks on their "
        "interval do. The exit status is 0 where the check succeeds, 1 where it fails, and 125 where the container "
        "does not run, has no health check, or the check takes longer than it may."
    ),
    options=HealthcheckOptions,
    run=run,
    usage="CONTAINER",
    min_operands=1,
    max_operands=1,
    examples=("argosy healthcheck run web",),
)

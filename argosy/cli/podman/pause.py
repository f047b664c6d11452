"""`pause`: stop the processes of containers where they are."""

from __future__ import annotations

from argosy.cli.flags import Command
from argosy.cli.podman import _pausing
from argosy.containers import state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


def run(options: _pausing.PausingOptions, engine: Engine, out: Output) -> int:
    """Pause each container.  With --all those that do not run are passed over."""
    return _pausing.each(options, engine, out, engine.containers.pause, state.RUNNING)


COMMAND = Command(
    path="pause",
    summary="Pause all the processes in one or more containers",
    description="Stops all processes of containers where they are, by their control groups, until `unpause`.",
    options=_pausing.PausingOptions,
    run=run,
    usage="CONTAINER [CONTAINER...]",
    flags=_pausing.flags("Pause all running containers"),
    examples=("argosy pause web", "argosy pause --all"),
)

"""`unpause`: let the processes of paused containers go on."""

from __future__ import annotations

from argosy.cli.flags import Command
from argosy.cli.podman import _pausing
from argosy.containers import state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


def run(options: _pausing.PausingOptions, engine: Engine, out: Output) -> int:
    """Resume each container.  With --all those that are not paused are passed over."""
    return _pausing.each(options, engine, out, engine.containers.unpause, state.PAUSED)


COMMAND = Command(
    path="unpause",
    summary="Unpause the processes in one or more containers",
    description="Lets the processes of containers go on that `pause` has stopped.",
    options=_pausing.PausingOptions,
    run=run,
    usage="CONTAINER [CONTAINER...]",
    flags=_pausing.flags("Unpause all paused containers"),
    examples=("argosy unpause web", "argosy unpause --all"),
)

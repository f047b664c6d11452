"""`kill`: send a signal to containers."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _each
from argosy.containers import state
from argosy.linux import signals
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class KillOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    cidfile: tuple[str, ...]
    latest: bool
    signal: str


def run(options: KillOptions, engine: Engine, out: Output) -> int:
    """Signal each container's first process.  With --all those that do not run are passed over."""
    number = signals.parse(options.signal)
    names = _each.chosen(engine, options.operands, all_=options.all, latest=options.latest, cidfiles=options.cidfile)

    def kill(container_id: str) -> bool:
        if options.all and engine.containers.view(container_id).run.status != state.RUNNING:
            return False
        engine.containers.kill(container_id, number)
        return True

    return _each.for_each(engine, names, out, kill)


COMMAND = Command(
    path="kill",
    summary="Kill one or more running containers with a specific signal",
    description="Sends a signal, SIGKILL unless another is named, to the first process of each container.",
    options=KillOptions,
    run=run,
    usage="CONTAINER [CONTAINER...]",
    flags=(
        Flag("all", short="a", help="Signal all running containers"),
        Flag("cidfile", kind="list", help="Read the container ID from the file"),
        Flag("latest", short="l", help="Act on the latest container argosy is aware of"),
        Flag("signal", short="s", kind="string", default="KILL", help="Signal to send to the container"),
    ),
    examples=("argosy kill web", "argosy kill -s HUP web"),
)

"""`pod kill`: send a signal to the containers of pods."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _each, _pods
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class PodKillOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    latest: bool
    signal: str


def run(options: PodKillOptions, engine: Engine, out: Output) -> int:
    """Signal each pod and print its id."""
    from argosy.pods import life

    number = _each.signal_number(options.signal) or 0
    names = _pods.chosen(engine, options.operands, all_=options.all, latest=options.latest)
    return _pods.for_each(engine, names, out, lambda pod_id: life.kill(engine.site, pod_id, number))


COMMAND = Command(
    path="pod kill",
    summary="Send the specified signal or SIGKILL to containers in pod",
    description="Sends a signal to the first process of each container of the pods that runs.",
    options=PodKillOptions,
    run=run,
    usage="POD [POD...]",
    flags=(
        Flag("all", short="a", help="Kill all containers in all pods"),
        Flag("latest", short="l", help="Act on the latest pod argosy is aware of"),
        Flag("signal", short="s", kind="string", default="KILL", help="Signal to send to the containers in the pod"),
    ),
    examples=("argosy pod kill web", "argosy pod kill --signal TERM web"),
)

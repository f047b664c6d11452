"""`pod restart`: stop the containers of pods, and start them again."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _pods
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class PodRestartOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    latest: bool


def run(options: PodRestartOptions, engine: Engine, out: Output) -> int:
    """Restart each pod and print its id."""
    from argosy.pods import life

    names = _pods.chosen(engine, options.operands, all_=options.all, latest=options.latest)
    return _pods.for_each(engine, names, out, lambda pod_id: life.restart(engine.site, pod_id))


COMMAND = Command(
    path="pod restart",
    summary="Restart one or more pods",
    description="Stops all containers of each pod, if they run, and starts the pod.",
    options=PodRestartOptions,
    run=run,
    usage="POD [POD...]",
    flags=(
        Flag("all", short="a", help="Restart all pods"),
        Flag("latest", short="l", help="Act on the latest pod argosy is aware of"),
    ),
    examples=("argosy pod restart web",),
)

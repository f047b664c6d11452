"""`pod pause`: stop all processes of pods where they are."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _pods
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class PodPauseOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    latest: bool


def run(options: PodPauseOptions, engine: Engine, out: Output) -> int:
    """Pause each pod and print its id."""
    from argosy.pods import life

    names = _pods.chosen(engine, options.operands, all_=options.all, latest=options.latest)
    return _pods.for_each(engine, names, out, lambda pod_id: life.pause(engine.site, pod_id))


COMMAND = Command(
    path="pod pause",
    summary="Pause one or more pods",
    description="Pauses all containers of each pod that run.",
    options=PodPauseOptions,
    run=run,
    usage="POD [POD...]",
    flags=(
        Flag("all", short="a", help="Pause all pods"),
        Flag("latest", short="l", help="Act on the latest pod argosy is aware of"),
    ),
    examples=("argosy pod pause web",),
)

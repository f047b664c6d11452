"""`pod start`: start the containers of pods."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _pods
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class PodStartOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    latest: bool
    pod_id_file: tuple[str, ...]


def run(options: PodStartOptions, engine: Engine, out: Output) -> int:
    """Start each pod and print its id."""
    from argosy.pods import life

    names = _pods.chosen(
        engine, options.operands, all_=options.all, latest=options.latest, id_files=options.pod_id_file
    )
    return _pods.for_each(engine, names, out, lambda pod_id: life.start(engine.site, pod_id))


COMMAND = Command(
    path="pod start",
    summary="Start one or more pods",
    description="Starts the infra container of each pod, then its init containers in order, then all others.",
    options=PodStartOptions,
    run=run,
    usage="POD [POD...]",
    flags=(
        Flag("all", short="a", help="Start all pods"),
        Flag("latest", short="l", help="Act on the latest pod argosy is aware of"),
        Flag("pod-id-file", kind="list", help="Read the pod ID from the file"),
    ),
    examples=("argosy pod start web", "argosy pod start --all"),
)

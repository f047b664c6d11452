"""`pod stop`: end the containers of pods, gently first."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _pods
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class PodStopOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    ignore: bool
    latest: bool
    pod_id_file: tuple[str, ...]
    time: int | None


def run(options: PodStopOptions, engine: Engine, out: Output) -> int:
    """Stop each pod and print its id; one that does not run is no error."""
    from argosy.pods import life

    names = _pods.chosen(
        engine, options.operands, all_=options.all, latest=options.latest, id_files=options.pod_id_file
    )
    return _pods.for_each(
        engine, names, out, lambda pod_id: life.stop(engine.site, pod_id, options.time), ignore=options.ignore
    )


COMMAND = Command(
    path="pod stop",
    summary="Stop one or more pods",
    description="Stops all containers of each pod as `stop` does, all at once, and its infra container behind them.",
    options=PodStopOptions,
    run=run,
    usage="POD [POD...]",
    flags=(
        Flag("all", short="a", help="Stop all pods"),
        Flag("ignore", short="i", help="Ignore errors when a specified pod is missing"),
        Flag("latest", short="l", help="Act on the latest pod argosy is aware of"),
        Flag("pod-id-file", kind="list", help="Read the pod ID from the file"),
        Flag("time", short="t", kind="int", help="Seconds to wait for the containers to stop before killing them"),
    ),
    examples=("argosy pod stop web", "argosy pod stop --time 2 --all"),
)

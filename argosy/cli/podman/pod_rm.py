"""`pod rm`: remove pods."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _pods
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.engine import Engine


class PodRmOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    force: bool
    ignore: bool
    latest: bool
    pod_id_file: tuple[str, ...]
    time: int | None


def run(options: PodRmOptions, engine: Engine, out: Output) -> int:
    """Remove each pod and print its id."""
    from argosy.errors import ArgosyError
    from argosy.pods import remove

    if options.time is not None and not options.force:
        raise ArgosyError("--force option must be specified to use the --time option")
    names = _pods.chosen(
        engine, options.operands, all_=options.all, latest=options.latest, id_files=options.pod_id_file
    )

    def remove_one(pod_id: str) -> None:
        remove.remove(engine.site, pod_id, force=options.force, timeout_s=options.time)

    ignore = options.ignore or options.force
    return _pods.for_each(engine, names, out, remove_one, ignore=ignore, missing_status=1)


COMMAND = Command(
    path="pod rm",
    summary="Remove one or more pods",
    description="Removes pods with all of their containers. Those that run are stopped first when --force is given.",
    options=PodRmOptions,
    run=run,
    usage="POD [POD...]",
    flags=(
        Flag("all", short="a", help="Remove all pods"),
        Flag("force", short="f", help="Stop containers that run, and remove a damaged pod"),
        Flag("ignore", short="i", help="Ignore errors when a specified pod is missing"),
        Flag("latest", short="l", help="Act on the latest pod argosy is aware of"),
        Flag("pod-id-file", kind="list", help="Read the pod ID from the file"),
        Flag("time", short="t", kind="int", help="Seconds to wait for the containers to stop before killing them"),
    ),
    examples=("argosy pod rm web", "argosy pod rm --force --all"),
)

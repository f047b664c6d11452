"""`pod top`: the processes of a pod."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag, OperandsError
from argosy.cli.podman import _pods
from argosy.containers import pod as pods
from argosy.containers import state
from argosy.errors import ArgosyError, NotFound
from argosy.pods import listing
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.containers.top import Table
    from argosy.engine import Engine


class PodTopOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    latest: bool


def run(options: PodTopOptions, engine: Engine, out: Output) -> int:
    """Print one line for each process of each container, with the columns that the descriptors name."""
    words = options.operands
    if not options.latest and not words:
        raise OperandsError("you must provide the name or id of a running pod", 1)
    name = _pods.newest(engine) if options.latest else words[0]
    try:
        view = listing.view(engine.site, pods.find(engine.site, name))
    except NotFound as error:
        error.brief = f"unable to look up requested container: {error.brief}"
        raise
    descriptors = tuple(name for word in words[not options.latest :] for name in word.split(",") if name)
    tables = _tables(engine, view, descriptors)
    if not tables:
        raise ArgosyError("pod top can only be used on pods with at least one running container")
    out.table(tables[0].headings, [row for table in tables for row in table.rows])
    return 0


def _tables(engine: Engine, view: listing.PodView, descriptors: tuple[str, ...]) -> list[Table]:
    """The processes of each container that runs; one look will do where they share a pid namespace."""
    running = [one for one in view.containers if one.run.status in (state.RUNNING, state.PAUSED)]
    if "pid" in view.record.share and view.infra in running:
        alone = [one for one in running if (one.options.get("pid") or {}).get("kind") != "container"]
        running = alone or running[:1]
    return [engine.containers.top(one.id, descriptors) for one in running]


COMMAND = Command(
    path="pod top",
    summary="Display the running processes of containers in a pod",
    description=(
        "Shows the processes of all running containers of a pod, read from the host's side, with the descriptors that "
        "`top` has."
    ),
    options=PodTopOptions,
    run=run,
    usage="POD [FORMAT-DESCRIPTORS]",
    flags=(Flag("latest", short="l", help="Act on the latest pod argosy is aware of"),),
    interspersed=False,
    examples=("argosy pod top web", "argosy pod top web pid,args"),
)

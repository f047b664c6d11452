"""`pod stats`: what the containers of pods use, once or again and again."""

from __future__ import annotations

from argosy import human
from argosy.cli.flags import Command, Flag
from argosy.cli.podman._pods import SHORT_ID
from argosy.containers import pod as pods
from argosy.containers import state
from argosy.errors import ArgosyError, NotFound
from argosy.pods import listing
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.containers.state import ContainerView
    from argosy.containers.stats import Sampler
    from argosy.engine import Engine

_CLEAR = b"\x1b[2J\x1b[H"
_INTERVAL_S = 5
_NOTHING, _NOTHING_OF_TWO = "--", "-- / --"
_HEADINGS = {
    "Pod": "POD",
    "CID": "CID",
    "Name": "NAME",
    "CPU": "CPU %",
    "MemUsage": "MEM USAGE/ LIMIT",
    "MemUsageBytes": "MEM USAGE/ LIMIT",
    "Mem": "MEM %",
    "NetIO": "NET IO",
    "BlockIO": "BLOCK IO",
    "PIDS": "PIDS",
}
_COLUMNS = ("Pod", "CID", "Name", "CPU", "MemUsage", "Mem", "NetIO", "BlockIO", "PIDS")
_DOCUMENT = ("CPU", "MemUsage", "MemUsageBytes", "Mem", "NetIO", "BlockIO", "PIDS", "Pod", "CID", "Name")


class PodStatsOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    format: str
    latest: bool
    no_reset: bool
    no_stream: bool


def run(options: PodStatsOptions, engine: Engine, out: Output) -> int:
    """Show what the containers use, every five seconds unless only one look was asked for."""
    from argosy.cli.podman import stats
    from argosy.containers.stats import Sampler

    if sum((options.all, options.latest, bool(options.operands))) > 1:
        raise ArgosyError("--all, --latest and arguments cannot be used together")
    sampler = Sampler(engine.site)
    while True:
        rows = [_row(view, one, sampler) for view in _chosen(options, engine) for one in view.containers]
        if not options.no_stream and not options.no_reset:
            out.write_bytes(_CLEAR)
        _show(options, rows, out)
        if options.no_stream:
            return 0
        out.flush()
        if not stats.pause(_INTERVAL_S):
            return 0


def _chosen(options: PodStatsOptions, engine: Engine) -> list[listing.PodView]:
    """The pods that were named, or the one made last, or all."""
    if not options.operands:
        views = sorted(listing.views(engine.site).views, key=lambda view: view.id)
        return sorted(views, key=lambda view: -view.record.created_at)[:1] if options.latest else views
    try:
        ids = [pods.find(engine.site, name) for name in options.operands]
    except NotFound as error:
        error.brief = f"unable to get list of pods: {error.brief}"
        raise
    return [listing.view(engine.site, pod_id) for pod_id in ids]


def _row(view: listing.PodView, one: ContainerView, sampler: Sampler) -> dict[str, str]:
    """What podman's templates are given; dashes for what does not run, or was not counted."""
    names = {"Pod": view.id[:SHORT_ID], "CID": one.id[:SHORT_ID], "Name": one.name}
    if one.run.status not in state.ACTIVE:
        lone = dict.fromkeys(("CPU", "Mem", "PIDS"), _NOTHING)
        return {**names, **lone, **dict.fromkeys(("MemUsage", "MemUsageBytes", "NetIO", "BlockIO"), _NOTHING_OF_TWO)}
    sample = sampler.sample(one)
    usage = sample.usage
    return {
        **names,
        "CPU": f"{sample.cpu:.2f}%",
        "MemUsage": _two(human.close_size(usage.memory), human.close_size(sample.memory_limit)),
        "MemUsageBytes": _two(human.binary_size(usage.memory), human.binary_size(sample.memory_limit)),
        "Mem": f"{sample.memory_percent:.2f}%",
        "NetIO": _counted(sample.net_input, sample.net_output),
        "BlockIO": _counted(usage.block_input, usage.block_output),
        "PIDS": str(usage.pids),
    }


def _counted(first: int, second: int) -> str:
    return _two(human.close_size(first), human.close_size(second)) if first or second else _NOTHING_OF_TWO


def _two(first: str, second: str) -> str:
    return f"{first} / {second}"


def _show(options: PodStatsOptions, rows: list[dict[str, str]], out: Output) -> None:
    from argosy.cli import templates

    if templates.is_json(options.format):
        from argosy.cli.documents import indented

        out.line(indented([{key: row[key] for key in _DOCUMENT} for row in rows], 5) if rows else "[]")
    elif options.format:
        templates.render(
            out, options.format, rows, headings=_HEADINGS, name="stats", type_name="*entities.PodStatsReport"
        )
    else:
        out.table([_HEADINGS[column] for column in _COLUMNS], [[row[column] for column in _COLUMNS] for row in rows])


COMMAND = Command(
    path="pod stats",
    summary="Display a live stream of resource usage statistics for the containers in one or more pods",
    description=(
        "Shows, every five seconds, what the containers of the pods use: of the processor, of memory, of the network "
        "and of block devices. It takes control groups: without root those of version 2."
    ),
    usage="[POD...]",
    options=PodStatsOptions,
    run=run,
    flags=(
        Flag("all", short="a", help="Show all pods"),
        Flag("format", kind="string", default="", help="Pretty-print statistics to JSON or using a Go template"),
        Flag("latest", short="l", help="Act on the latest pod argosy is aware of"),
        Flag("no-reset", help="Disable resetting the screen between intervals"),
        Flag("no-stream", help="Disable streaming stats and only pull the first result"),
    ),
    examples=("argosy pod stats", "argosy pod stats --no-stream --format 'table {{.Name}} {{.MemUsage}}' web"),
)

"""`stats`: what containers use, once or again and again."""

from __future__ import annotations

import time

from argosy import durations, human
from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError, NotFound
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.cli.output import Output
    from argosy.containers.state import ContainerView
    from argosy.containers.stats import Sample
    from argosy.engine import Engine

_SHORT_ID = 12
_CLEAR = b"\x1b[2J\x1b[H"
_HEADINGS = {
    "AvgCPU": "AVG CPU %",
    "AVGCPU": "AVG CPU %",
    "BlockIO": "BLOCK IO",
    "CPUPerc": "CPU %",
    "MEM": "MEM USAGE / LIMIT",
    "MemPerc": "MEM %",
    "MemUsage": "MEM USAGE / LIMIT",
    "MemUsageBytes": "MEM USAGE / LIMIT",
    "NetIO": "NET IO",
    "PIDS": "PIDS",
    "UpTime": "CPU TIME",
}
_COLUMNS = ("ID", "Name", "CPUPerc", "MemUsage", "MemPerc", "NetIO", "BlockIO", "PIDS", "UpTime", "AVGCPU")
_DOCKERS = {
    "Container": "CONTAINER",
    "ID": "CONTAINER ID",
    "Name": "NAME",
    "CPUPerc": "CPU %",
    "MemUsage": "MEM USAGE / LIMIT",
    "MemPerc": "MEM %",
    "NetIO": "NET I/O",
    "BlockIO": "BLOCK I/O",
    "PIDs": "PIDS",
}
_DOCKER_DELTA_S = 1.0


class StatsOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    format: str
    interval: int
    latest: bool
    no_reset: bool
    no_stream: bool
    no_trunc: bool


def run(options: StatsOptions, engine: Engine, out: Output) -> int:
    """Show what the containers use, every --interval seconds unless only one look was asked for."""
    from argosy.containers.stats import Sampler

    if options.interval < 1:
        raise ArgosyError("invalid interval, must be a positive number greater zero")
    if sum((options.all, options.latest, bool(options.operands))) > 1:
        raise ArgosyError("--all, --latest and containers cannot be used together")
    sampler = Sampler(engine.site)
    if out.program == "docker" and options.no_stream:  # docker's percentage is that of the last second
        for view in _chosen(options, engine):
            sampler.sample(view)
        time.sleep(_DOCKER_DELTA_S)
    while True:
        samples = [sampler.sample(view) for view in _chosen(options, engine)]
        if not options.no_stream and not options.no_reset:
            out.write_bytes(_CLEAR)
        _show(options, samples, out)
        if options.no_stream:
            return 0
        out.flush()
        if not pause(options.interval):
            return 0


def pause(interval_s: float) -> bool:
    """Wait, unless nobody reads our output any more: False then."""
    import select

    poll = select.poll()
    poll.register(1, 0)
    return not any(event & (select.POLLERR | select.POLLNVAL) for _fd, event in poll.poll(interval_s * 1000))


def _chosen(options: StatsOptions, engine: Engine) -> list[ContainerView]:
    """The containers that were named, or the one made last; else those that run, or all."""
    from argosy.cli.podman import _each
    from argosy.containers import state

    if options.latest:
        return [engine.containers.view(_each.newest(engine))]
    if options.operands:
        return [engine.containers.view(_find(engine, name)) for name in options.operands]
    views = engine.containers.list(under_way=not options.all).views
    return [view for view in views if options.all or view.run.status in state.ACTIVE]


def _find(engine: Engine, name: str) -> str:
    try:
        return engine.containers.find(name)
    except NotFound:
        why = f'no container with name or ID "{name}" found: no such container'
        raise ArgosyError(f"unable to get list of containers: unable to look up container {name}: {why}") from None


def _show(options: StatsOptions, samples: list[Sample], out: Output) -> None:
    from argosy.cli import templates

    if out.program == "docker":
        _show_docker(options, samples, out)
        return
    rows = [_row(sample, whole=options.no_trunc) for sample in samples]
    if templates.is_json(options.format):
        from argosy.cli.documents import indented

        out.line(indented([_document(row) for row in rows], 1) if rows else "[]")
    elif options.format:
        templates.render(
            out, options.format, rows, headings=_HEADINGS, name="stats", type_name="*containers.containerStats"
        )
    else:
        headings = [_HEADINGS.get(column, column.upper()) for column in _COLUMNS]
        out.table(headings, [[str(row[column]) for column in _COLUMNS] for row in rows])


def _row(sample: Sample, *, whole: bool) -> dict[str, Any]:
    """What podman's templates are given."""
    usage = sample.usage
    return {
        "ID": sample.id if whole else sample.id[:_SHORT_ID],
        "ContainerID": sample.id,
        "Name": sample.name,
        "CPU": sample.cpu,
        "CPUPerc": _percent(sample.cpu),
        "AvgCPU": sample.average_cpu,
        "AVGCPU": _percent(sample.average_cpu),
        "CPUNano": usage.cpu_ns,
        "CPUSystemNano": usage.system_ns,
        "Duration": usage.cpu_ns,
        "Up": durations.text(usage.cpu_ns / 1e9),
        "UpTime": durations.text(usage.cpu_ns / 1e9),
        "SystemNano": sample.moment_ns if usage.cpu_ns else 0,
        "PerCPU": list(usage.per_cpu_ns),
        "MemUsage": _two(human.close_size, usage.memory, sample.memory_limit),
        "MemUsageBytes": _two(human.binary_size, usage.memory, sample.memory_limit),
        "MemLimit": sample.memory_limit,
        "MemPerc": _percent(sample.memory_percent),
        "NetIO": _two(human.close_size, sample.net_input, sample.net_output),
        "NetInput": sample.net_input,
        "NetOutput": sample.net_output,
        "BlockIO": _two(human.close_size, usage.block_input, usage.block_output),
        "BlockInput": usage.block_input,
        "BlockOutput": usage.block_output,
        "PIDS": str(usage.pids),
        "PIDs": usage.pids,
    }


def _document(row: dict[str, Any]) -> dict[str, str]:
    """podman's JSON."""
    return {
        "id": row["ID"],
        "name": row["Name"],
        "cpu_time": row["UpTime"],
        "cpu_percent": row["CPUPerc"],
        "avg_cpu": row["AVGCPU"],
        "mem_usage": row["MemUsage"],
        "mem_percent": row["MemPerc"],
        "net_io": row["NetIO"],
        "block_io": row["BlockIO"],
        "pids": row["PIDS"],
    }


def _show_docker(options: StatsOptions, samples: list[Sample], out: Output) -> None:
    from argosy.cli.podman import _docker_lists

    rows = []
    for sample in samples:
        usage = sample.usage
        used = max(usage.memory - usage.memory_cache, 0)
        percent = used * 100 / sample.memory_limit if sample.memory_limit else 0.0
        identity = sample.id if options.no_trunc else sample.id[:_SHORT_ID]
        fields = {
            "BlockIO": _two(human.tight_size, usage.block_input, usage.block_output),
            "CPUPerc": _percent(sample.cpu),
            "Container": identity,
            "ID": identity,
            "MemPerc": _percent(percent),
            "MemUsage": _two(human.binary_size, used, sample.memory_limit),
            "Name": sample.name,
            "NetIO": _two(human.tight_size, sample.net_input, sample.net_output),
            "PIDs": str(usage.pids),
        }
        rows.append(_docker_lists.Row(fields))
    columns = ("ID", "Name", "CPUPerc", "MemUsage", "MemPerc", "NetIO", "BlockIO", "PIDs")
    _docker_lists.show(out, _docker_lists.Kind("*formatter.statsContext", _DOCKERS, columns), rows, options.format)


def _percent(value: float) -> str:
    return f"{value:.2f}%"


def _two(shown: Any, first: int, second: int) -> str:
    return f"{shown(first)} / {shown(second)}"


COMMAND = Command(
    path="stats",
    summary="Display a live stream of container resource usage statistics",
    description=(
        "Shows, every few seconds, how much of the processor, of memory, of the network and of block devices "
        "containers use, and how many processes they have. It takes control groups: without root those of version 2."
    ),
    usage="[CONTAINER...]",
    options=StatsOptions,
    run=run,
    flags=(
        Flag("all", short="a", help="Show all containers, not running ones alone"),
        Flag(
            "format", kind="string", default="", help="Pretty-print container statistics to JSON or using a Go template"
        ),
        Flag("interval", short="i", kind="int", default=5, help="Time in seconds between stats reports"),
        Flag("latest", short="l", help="Act on the latest container argosy is aware of"),
        Flag("no-reset", help="Disable resetting the screen between intervals"),
        Flag("no-stream", help="Disable streaming stats and only pull the first result"),
        Flag("no-trunc", help="Do not truncate output"),
    ),
    examples=("argosy stats", "argosy stats --no-stream --format 'table {{.Name}} {{.MemUsage}}' web"),
)

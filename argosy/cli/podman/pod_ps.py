"""`pod ps`: the pods of the store."""

from __future__ import annotations

import time

from argosy import human
from argosy.cli.flags import Command, Flag
from argosy.cli.podman._pods import SHORT_ID
from argosy.errors import ArgosyError
from argosy.pods import listing
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from argosy.cli.output import Output
    from argosy.engine import Engine
    from argosy.pods.listing import PodView

_SORTS: dict[str, Callable[[PodView], Any]] = {
    "created": lambda view: -view.record.created_at,
    "id": lambda view: view.id,
    "name": lambda view: view.name,
    "number": lambda view: len(view.containers),
    "status": lambda view: view.status,
}
# Heading of each column, by the field of a row.
HEADINGS = {
    "Id": "POD ID",
    "Name": "NAME",
    "Status": "STATUS",
    "Created": "CREATED",
    "InfraID": "INFRA ID",
    "ContainerIds": "IDS",
    "ContainerNames": "NAMES",
    "ContainerStatuses": "STATUS",
    "Cgroup": "CGROUP",
    "Namespace": "NAMESPACES",
    "NumberOfContainers": "# OF CONTAINERS",
}


class PodPsOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    ctr_ids: bool
    ctr_names: bool
    ctr_status: bool
    filter: tuple[str, ...]
    format: str | None
    latest: bool
    no_trunc: bool
    noheading: bool
    ns: bool
    quiet: bool
    sort: str


def run(options: PodPsOptions, engine: Engine, out: Output) -> int:
    """List the pods that all filters accept."""
    if options.sort not in _SORTS:
        raise ArgosyError("invalid option for --sort, options are: id, names, or number")
    if options.quiet and options.format:
        raise ArgosyError("quiet and format cannot be used together")
    views = _views(options, engine, out)
    if options.quiet:
        for view in views:
            out.line(view.id)
    elif options.format is None:
        fields = _columns(options)
        rows = [_row(view, options, engine) for view in views]
        headings = [] if options.noheading else [HEADINGS[field] for field in fields]
        out.table(headings, [[str(_called(row[field])) for field in fields] for row in rows])
    else:
        _formatted(options, views, engine, out)
    return 0


def _views(options: PodPsOptions, engine: Engine, out: Output) -> list[PodView]:
    found = listing.views(engine.site)
    for pod_id, why in found.damaged:
        out.error(f"Error: pod {pod_id}: {why}\nargosy pod rm --force {pod_id[:SHORT_ID]}")
    views = list(found.views)
    if options.filter:
        from argosy.pods.filters import Filters

        chosen = Filters(engine.site, options.filter)
        views = [view for view in views if chosen.accepts(view)]
    if options.latest:
        views = views[:1]
    return sorted(views, key=_SORTS[options.sort])


def _columns(options: PodPsOptions) -> list[str]:
    found = ["Id", "Name", "Status", "Created", "InfraID"]
    if options.ctr_ids:
        found.append("ContainerIds")
    if options.ctr_names:
        found.append("ContainerNames")
    if options.ctr_status:
        found.append("ContainerStatuses")
    if options.ns:
        found += ["Cgroup", "Namespace"]
    return found if options.ctr_ids or options.ctr_names or options.ctr_status else [*found, "NumberOfContainers"]


def _row(view: PodView, options: PodPsOptions, engine: Engine) -> dict[str, Any]:
    """A pod as the table and templates show it: podman's ListPodReporter."""
    from argosy.cli.templates.values import Map

    length = None if options.no_trunc else SHORT_ID
    return {
        "Cgroup": lambda: cgroup(engine, view),
        "ContainerIds": ",".join(one.id[:length] for one in view.containers),
        "ContainerNames": ",".join(one.name for one in view.containers),
        "ContainerStatuses": ",".join(one.run.status for one in view.containers),
        "Containers": [_container(one.id, one.name, one.run.status) for one in view.containers],
        "Created": human.ago(int(view.record.created_at * 1e9), time.time_ns()),
        "ID": view.id[:length],
        "Id": view.id[:length],
        "InfraID": view.record.infra_id[:length],
        "InfraId": view.record.infra_id[:length],
        "Labels": Map(view.record.options.labels),
        "Name": view.name,
        "Namespace": "",
        "Networks": lambda: ",".join(networks(engine, view)),
        "NumberOfContainers": len(view.containers),
        "Status": view.status,
    }


def _called(cell: Any) -> Any:
    return cell() if callable(cell) else cell


def cgroup(engine: Engine, view: PodView) -> str:
    """The control group that the pod's lies in."""
    from argosy.containers import podgroup

    return podgroup.shown(engine.site, view.record)[0]


def networks(engine: Engine, view: PodView) -> list[str]:
    """The networks of the pod."""
    from argosy.containers import networks

    return networks.shown(engine.site, view.infra) if view.infra is not None else []


def _container(container_id: str, name: str, status: str) -> dict[str, str]:
    return {"Id": container_id, "Names": name, "Status": status}


def _document(view: PodView, engine: Engine) -> dict[str, Any]:
    """A pod in the form of podman's `--format json`."""
    from argosy.images import timestamps

    return {
        "Cgroup": cgroup(engine, view),
        "Containers": [_container(one.id, one.name, one.run.status) for one in view.containers],
        "Created": timestamps.show(int(view.record.created_at * 1e9)),
        "Id": view.id,
        "InfraId": view.record.infra_id,
        "Name": view.name,
        "Namespace": "",
        "Networks": networks(engine, view),
        "Status": view.status,
        "Labels": dict(view.record.options.labels),
    }


def _formatted(options: PodPsOptions, views: list[PodView], engine: Engine, out: Output) -> None:
    from argosy.cli import templates

    text = options.format or ""
    if templates.is_json(text):
        from argosy.cli import documents

        out.line(documents.indented([_document(view, engine) for view in views], 2))
        return
    templates.render(
        out,
        text,
        [_row(view, options, engine) for view in views],
        headings=HEADINGS,
        name="ps",
        type_name="pods.ListPodReporter",
        show_headings=not options.noheading,
        ranging=True,
    )


COMMAND = Command(
    path="pod ps",
    summary="List pods",
    description=(
        "Lists all pods, newest first. Filters: ctr-ids, ctr-names, ctr-number, ctr-status, id, label, name, network, "
        "status, until."
    ),
    options=PodPsOptions,
    run=run,
    max_operands=0,
    flags=(
        Flag("ctr-ids", help="Display the container IDs"),
        Flag("ctr-names", help="Display the container names"),
        Flag("ctr-status", help="Display the container statuses"),
        Flag("filter", short="f", kind="csv", help="Filter output based on conditions given"),
        Flag("format", kind="string", help="Pretty-print pods to JSON or using a Go template"),
        Flag("latest", short="l", help="Act on the latest pod argosy is aware of"),
        Flag("no-trunc", help="Do not truncate the IDs"),
        Flag("noheading", help="Do not print headers"),
        Flag("ns", help="Display namespace information of the pod", aliases=("namespace",)),
        Flag("quiet", short="q", help="Print the full IDs of the pods only"),
        Flag("sort", kind="string", default="created", help="Sort output by: created, id, name, status, number"),
    ),
    examples=("argosy pod ps", 'argosy pod ps --filter status=running --format "{{.Name}} {{.Status}}"'),
)

"""`ps`: list the containers of the store."""

from __future__ import annotations

import time

from argosy.cli import human
from argosy.cli.flags import Command, Flag, UsageError
from argosy.containers import state
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from argosy.cli.output import Output
    from argosy.containers.sizes import Sizes
    from argosy.containers.state import ContainerView
    from argosy.engine import Engine

_SHORT_ID = 12
_COMMAND_WIDTH = 17
_NO_TIME = -62135596800  # Go's zero time, in seconds since the epoch
_COLUMNS = ("CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES")
# The columns of --ns: heading, field, the kernel's name.
_NAMESPACES = (
    ("CGROUPNS", "Cgroup", "cgroup"),
    ("IPC", "IPC", "ipc"),
    ("MNT", "MNT", "mnt"),
    ("NET", "NET", "net"),
    ("PIDNS", "PIDNS", "pid"),
    ("USERNS", "User", "user"),
    ("UTS", "UTS", "uts"),
)
_HEADINGS = {
    "CreatedHuman": "CREATED",
    "ID": "CONTAINER ID",
    "Pod": "POD ID",
    "PodName": "PODNAME",
    **{field: heading for heading, field, _ in _NAMESPACES},
}
_SORTS: dict[str, Callable[[ContainerView], Any]] = {
    "command": lambda view: " ".join(view.command),
    "created": lambda view: view.created_at,
    "id": lambda view: view.id,
    "image": lambda view: view.image,
    "names": lambda view: view.name,
    "runningfor": lambda view: view.run.started_at,
    "size": lambda view: view.created_at,  # then by what `Row` finds out
    "status": lambda view: view.run.status,
}


class PsOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    all: bool
    filter: tuple[str, ...]
    format: str | None
    last: int
    latest: bool
    no_trunc: bool
    noheading: bool
    ns: bool
    quiet: bool
    size: bool
    sort: str
    sync: bool


class Row:
    """A container with the ways to show it."""

    __slots__ = ("_engine", "_now_ns", "_options", "_sizes", "view")

    def __init__(self, view: ContainerView, options: PsOptions, engine: Engine, now_ns: int) -> None:
        self.view = view
        self._options = options
        self._engine = engine
        self._now_ns = now_ns
        self._sizes: Sizes | None = None

    @property
    def id(self) -> str:
        return self.view.id if self._options.no_trunc else self.view.id[:_SHORT_ID]

    @property
    def command(self) -> str:
        text = " ".join(self.view.command)
        return text if self._options.no_trunc or len(text) <= _COMMAND_WIDTH else f"{text[:_COMMAND_WIDTH]}..."

    @property
    def created(self) -> str:
        return human.ago(int(self.view.created_at * 1e9), self._now_ns)

    @property
    def status(self) -> str:
        run = self.view.run
        if run.status == state.RUNNING:
            return f"Up {human.ago(int(run.started_at * 1e9), self._now_ns)}"
        if run.status == state.EXITED:
            return f"Exited ({run.exit_code}) {human.ago(int(run.finished_at * 1e9), self._now_ns)}"
        return run.status.capitalize()

    @property
    def sizes(self) -> Sizes:
        """Looked up when it is first asked for: every file of the container is visited."""
        if self._sizes is None:
            view = self.view
            self._sizes = self._engine.containers.sizes(view.id, view.record["image"]["manifest_digest"])
        return self._sizes

    @property
    def size(self) -> str:
        found = self.sizes
        written, together = (human.size(count).replace(" ", "") for count in (found.rw_bytes, found.root_bytes))
        return f"{written} (virtual {together})"

    def namespace(self, kind: str) -> str:
        """The number of a namespace; "" when the container does not run."""
        from argosy.linux import namespaces

        try:
            return str(namespaces.inode(kind, self.view.run.pid)) if self.view.run.pid else ""
        except FileNotFoundError:
            return ""  # it has just ended


def run(options: PsOptions, engine: Engine, out: Output) -> int:
    """List the containers that run, or all, that all filters accept."""
    _check(options)
    found = _views(options, engine, out)
    now_ns = time.time_ns()
    rows = [Row(view, options, engine, now_ns) for view in found]
    if options.sort == "size":
        rows.sort(key=lambda row: row.sizes.rw_bytes)
    if options.format is not None and options.format.strip() != "table":
        return _formatted(options, rows, out)
    if options.quiet:
        for row in rows:
            out.line(row.id)
        return 0
    out.table(() if options.noheading else _headings(options), [_cells(row, options) for row in rows])
    return 0


def _check(options: PsOptions) -> None:
    if options.last >= 0 and options.latest:
        raise ArgosyError("last and latest are mutually exclusive")
    if options.quiet and (options.size or options.ns):
        raise ArgosyError("quiet conflicts with size and namespace")
    if options.size and options.ns:
        raise ArgosyError("size and namespace options conflict")
    if options.sort not in _SORTS:
        choices = ", ".join(_SORTS)
        raise UsageError(
            f'invalid argument "{options.sort}" for "--sort" flag: "{options.sort}" is not a valid value.  '
            f'Choose from: "{choices}"'
        )


def _views(options: PsOptions, engine: Engine, out: Output) -> list[ContainerView]:
    """The chosen containers in the order to show them; those that cannot be read are told about."""
    last = 1 if options.latest else options.last
    keys = {text.partition("=")[0] for text in options.filter}
    everything = options.all or last > 0 or "status" in keys
    found = engine.containers.list(under_way=not everything)
    for container_id, why in found.damaged:
        out.error(f"Error: container {container_id}: {why}")
    views = list(found.views)
    if not everything:
        views = [view for view in views if view.run.status == state.RUNNING]
    if options.filter:
        from argosy.containers.filters import Filters

        chosen = Filters(engine.site, engine.load_registries, options.filter)
        views = [view for view in views if chosen.accepts(view)]
    if last > 0:
        views = views[:last]  # the newest come first
    views.reverse()
    views.sort(key=_SORTS[options.sort])
    return views


def _headings(options: PsOptions) -> list[str]:
    if options.ns:
        return ["CONTAINER ID", "NAMES", "PID", *(heading for heading, _, _ in _NAMESPACES)]
    return [*_COLUMNS, *(["SIZE"] if options.size else [])]


def _cells(row: Row, options: PsOptions) -> list[str]:
    view = row.view
    if options.ns:
        return [row.id, view.name, str(view.run.pid), *(row.namespace(kind) for _, _, kind in _NAMESPACES)]
    cells = [row.id, view.image, row.command, row.created, row.status, "", view.name]
    return [*cells, row.size] if options.size else cells


def _formatted(options: PsOptions, rows: list[Row], out: Output) -> int:
    from argosy.cli import templates

    text = options.format or ""
    if templates.is_json(text):
        from argosy.cli import documents

        out.line(documents.indented([_document(row, options) for row in rows], 2))
        return 0
    templates.render(
        out,
        text,
        [_fields(row) for row in rows],
        headings=_HEADINGS,
        name="ps",
        type_name="containers.psReporter",
        show_headings=not options.noheading,
    )
    return 0


def _places(view: ContainerView) -> list[str]:
    """Where something is mounted that was asked for: tmpfs and the host's directories first, then volumes."""
    volumes = [use["destination"] for use in view.record.get("volumes", ())]
    return [m["target"] for m in view.options.get("mounts", ()) if m["target"] not in volumes] + volumes


def _seconds(moment: float) -> int:
    return int(moment) if moment else _NO_TIME


def _document(row: Row, options: PsOptions) -> dict[str, Any]:
    """A container in the form of podman's `--format json`."""
    view, run = row.view, row.view.run
    names = {field.capitalize(): row.namespace(kind) for _, field, kind in _NAMESPACES} if options.ns else {}
    sizes = row.sizes if options.size else None
    return {
        "AutoRemove": bool(view.options.get("remove")),
        "Command": list(view.command),
        "CreatedAt": row.created,
        "Exited": run.status == state.EXITED,
        "ExitedAt": _seconds(run.finished_at),
        "ExitCode": run.exit_code,
        "Id": view.id,
        "Image": view.image,
        "ImageID": view.image_id.partition(":")[2],
        "IsInfra": False,
        "Labels": dict(view.labels) or None,
        "Mounts": _places(view),
        "Names": [view.name],
        "Namespaces": {key: value for key, value in names.items() if value},
        "Networks": [],
        "Pid": run.pid,
        "Pod": "",
        "PodName": "",
        "Ports": None,
        "Size": {"rootFsSize": sizes.root_bytes, "rwSize": sizes.rw_bytes} if sizes else None,
        "StartedAt": _seconds(run.started_at),
        "State": run.status,
        "Status": row.status,
        "Created": int(view.created_at),
    }


def _fields(row: Row) -> dict[str, object]:
    """A row as templates see it: podman's psReporter."""
    from argosy.cli import documents
    from argosy.cli.templates import Map
    from argosy.images import timestamps

    view, run = row.view, row.view.run
    moment = documents.Moment(timestamps.show(int(view.created_at * 1e9)))
    image_id = view.image_id.partition(":")[2]
    numbers = {field: _number_of(row, kind) for _, field, kind in _NAMESPACES}
    return {
        "AutoRemove": bool(view.options.get("remove")),
        "Command": row.command,
        "Created": moment,
        "CreatedAt": moment,
        "CreatedHuman": row.created,
        "Exited": run.status == state.EXITED,
        "ExitedAt": _seconds(run.finished_at),
        "ExitCode": run.exit_code,
        "ID": row.id,
        "Image": view.image,
        "ImageID": image_id if len(row.id) > _SHORT_ID else image_id[:_SHORT_ID],
        "IsInfra": False,
        "Labels": Map(view.labels),
        "Mounts": _places(view),
        "Names": view.name,
        "Networks": "",
        "Pid": run.pid,
        "Pod": "",
        "PodName": "",
        "Ports": "",
        "RunningFor": row.created,
        "Size": lambda: row.size,
        "StartedAt": _seconds(run.started_at),
        "State": row.status,
        "Status": row.status,
        **numbers,
        "Namespaces": numbers,
    }


def _number_of(row: Row, kind: str) -> Callable[[], str]:
    return lambda: row.namespace(kind)


COMMAND = Command(
    path="ps",
    summary="List containers",
    description=(
        "Lists the containers that run, or with --all every one, oldest first. Filters: ancestor, before, exited, id, "
        "label, name, network, since, status, until, volume."
    ),
    options=PsOptions,
    run=run,
    max_operands=0,
    flags=(
        Flag("all", short="a", help="Show all the containers, default is only running containers"),
        Flag("filter", short="f", kind="csv", help="Filter output based on conditions given"),
        Flag("format", kind="string", help="Pretty-print containers to JSON or using a Go template"),
        Flag("last", short="n", kind="int", default=-1, help="Print the n last created containers (all states)"),
        Flag("latest", short="l", help="Act on the latest container argosy is aware of"),
        Flag("no-trunc", help="Display the extended information"),
        Flag("noheading", help="Do not print headers"),
        Flag("ns", help="Display namespace information"),
        Flag("quiet", short="q", help="Print the numeric IDs of the containers only"),
        Flag("size", short="s", help="Display the total file sizes"),
        Flag(
            "sort",
            kind="string",
            default="created",
            help="Sort output by: command, created, id, image, names, runningfor, size, status",
        ),
        Flag("sync", help="Sync container state with the processes that are there, which is always done"),
    ),
    examples=(
        "argosy ps -a",
        'argosy ps -a --format "{{.ID}}  {{.Image}}  {{.Labels}}  {{.Mounts}}"',
        "argosy ps --filter label=role=web --sort names",
    ),
)

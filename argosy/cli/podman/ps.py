"""`ps`: list the containers of the store."""

from __future__ import annotations

import time

from argosy import human
from argosy.cli.flags import Command, Flag, UsageError
from argosy.containers import state
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from argosy.cli.output import Output
    from argosy.containers.sizes import Sizes
    from argosy.containers.state import ContainerView
    from argosy.engine import Engine

SHORT_ID = 12
_COMMAND_WIDTH = 17
_LONGEST_SLEEP_S = 1 << 31  # the system call takes no more than some 290 years
_CLEAR = b"\x1b[H\x1b[2J"
_COLUMNS = ("CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES")
# The columns of --ns: heading, field, the kernel's name.
NAMESPACES = (
    ("CGROUPNS", "Cgroup", "cgroup"),
    ("IPC", "IPC", "ipc"),
    ("MNT", "MNT", "mnt"),
    ("NET", "NET", "net"),
    ("PIDNS", "PIDNS", "pid"),
    ("USERNS", "User", "user"),
    ("UTS", "UTS", "uts"),
)
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
    external: bool
    filter: tuple[str, ...]
    format: str | None
    last: int
    latest: bool
    no_trunc: bool
    noheading: bool
    ns: bool
    pod: bool
    quiet: bool
    size: bool
    sort: str
    sync: bool
    watch: int


class Row:
    """A container with the ways to show it."""

    __slots__ = ("_engine", "_options", "_sizes", "now_ns", "view")

    def __init__(self, view: ContainerView, options: PsOptions, engine: Engine, now_ns: int) -> None:
        self.view = view
        self._options = options
        self._engine = engine
        self.now_ns = now_ns
        self._sizes: Sizes | None = None

    @property
    def id(self) -> str:
        return self.view.id if self._options.no_trunc else self.view.id[:SHORT_ID]

    @property
    def command(self) -> str:
        text = " ".join(self.view.command)
        return text if self._options.no_trunc or len(text) <= _COMMAND_WIDTH else f"{text[:_COMMAND_WIDTH]}..."

    @property
    def created(self) -> str:
        return human.ago(int(self.view.created_at * 1e9), self.now_ns)

    @property
    def status(self) -> str:
        return status(self.view, self.now_ns) + (f" ({self.health})" if self.health else "")

    @property
    def health(self) -> str:
        """The result of its health check, "" where it has none."""
        if not self.view.options.get("health"):
            return ""
        return self._engine.containers.health(self.view)

    @property
    def finished_at(self) -> float:
        """When it ended last; looked up, since a run that is under way does not tell."""
        return self._engine.containers.last_finished(self.view)

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
        written, together = map(human.tight_size, (found.rw_bytes, found.root_bytes))
        return f"{written} (virtual {together})"

    @property
    def pod_id(self) -> str:
        pod = self.view.options.get("pod", "")
        return str(pod if self._options.no_trunc else pod[:SHORT_ID])

    @property
    def pod_name(self) -> str:
        if not self.view.options.get("pod"):
            return ""
        from argosy.containers import pod

        return pod.name_of(self._engine.site, self.view.options["pod"])

    @property
    def port_options(self) -> Mapping[str, Any]:
        """The options that say which ports lead to it: those of the infra container where it shares its network."""
        if not self.view.options.get("pod"):
            return self.view.options
        from argosy.containers import pod

        return pod.network_options(self._engine.site, self.view.options)

    @property
    def ports(self) -> str:
        found = self.port_options
        if not found.get("ports"):
            return ""
        from argosy.containers import ports

        return ", ".join(
            f"{address}:{outside}->{inside}/{protocol}" for inside, protocol, address, outside in ports.published(found)
        )

    @property
    def networks(self) -> list[str]:
        """The names of the networks that it is on."""
        from argosy.containers import networks

        return networks.shown(self._engine.site, self.view)

    def namespace(self, kind: str) -> str:
        """The number of a namespace; "" when the container does not run."""
        from argosy.linux import namespaces

        try:
            return str(namespaces.inode(kind, self.view.run.pid)) if self.view.run.pid else ""
        except FileNotFoundError:
            return ""  # it has just ended


def status(view: ContainerView, now_ns: int) -> str:
    """What a container does, and for how long: the column STATUS."""
    run = view.run
    if run.status == state.RUNNING:
        return f"Up {human.ago(int(run.started_at * 1e9), now_ns)}"
    if run.status == state.EXITED:
        return f"Exited ({run.exit_code}) {human.ago(int(run.finished_at * 1e9), now_ns)}"
    return run.status.capitalize()


def run(options: PsOptions, engine: Engine, out: Output) -> int:
    """List the containers that run, or all, that all filters accept; with --watch again and again."""
    _check(options)
    while True:
        if options.watch and out.is_terminal:
            out.write_bytes(_CLEAR)
        _show(options, engine, out)
        if not options.watch:
            return 0
        out.flush()
        time.sleep(min(options.watch, _LONGEST_SLEEP_S))


def _show(options: PsOptions, engine: Engine, out: Output) -> None:
    found = _views(options, engine, out)
    engine.containers.keep_checked(found)
    now_ns = time.time_ns()
    rows = [Row(view, options, engine, now_ns) for view in found]
    if options.sort == "size":
        rows.sort(key=lambda row: row.sizes.rw_bytes)
    if options.quiet and options.format is None:
        for row in rows:
            out.line(row.id)
    elif out.program == "docker":
        from argosy.cli.podman import _ps_docker

        _ps_docker.show(rows[::-1] if options.sort == "created" else rows, options, out)
    elif options.format is not None and options.format.strip() != "table":
        _formatted(options, rows, out)
    else:
        out.table(() if options.noheading else _headings(options), [_cells(row, options) for row in rows])


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
        named = why if container_id in why else f"container {container_id}: {why}"
        out.error(f"Error: {named}\nargosy container rm --force {container_id[:12]}")
    views = list(found.views)
    if not everything:
        shown = (state.RUNNING, state.PAUSED) if out.program == "docker" else (state.RUNNING,)
        views = [view for view in views if view.run.status in shown]
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
        return ["CONTAINER ID", "NAMES", "PID", *(heading for heading, _, _ in NAMESPACES)]
    return [*_COLUMNS, *(["POD ID", "PODNAME"] if options.pod else []), *(["SIZE"] if options.size else [])]


def _cells(row: Row, options: PsOptions) -> list[str]:
    view = row.view
    if options.ns:
        return [row.id, view.name, str(view.run.pid), *(row.namespace(kind) for _, _, kind in NAMESPACES)]
    cells = [row.id, view.image, row.command, row.created, row.status, row.ports, view.name]
    if options.pod:
        cells += [row.pod_id, row.pod_name]
    return [*cells, row.size] if options.size else cells


def _formatted(options: PsOptions, rows: list[Row], out: Output) -> None:
    from argosy.cli import templates
    from argosy.cli.podman import _ps_documents as shapes

    text = options.format or ""
    if templates.is_json(text):
        from argosy.cli import documents

        found = [shapes.document(row, size=options.size, namespaces=options.ns) for row in rows]
        out.line(documents.indented(found, 2))
        return
    templates.render(
        out,
        text,
        [shapes.fields(row) for row in rows],
        headings=shapes.HEADINGS,
        name="ps",
        type_name="containers.psReporter",
        show_headings=not options.noheading,
        ranging=True,
    )


COMMAND = Command(
    path="ps",
    summary="List containers",
    description=(
        "Lists the containers that run, or with --all every one, oldest first. Filters: ancestor, before, exited, "
        "health, id, label, name, network, pod, since, status, until, volume."
    ),
    options=PsOptions,
    run=run,
    max_operands=0,
    flags=(
        Flag("all", short="a", help="Show all the containers, default is only running containers"),
        Flag("external", help="Show containers in storage not controlled by argosy"),
        Flag("filter", short="f", kind="csv", help="Filter output based on conditions given"),
        Flag("format", kind="string", help="Pretty-print containers to JSON or using a Go template"),
        Flag("last", short="n", kind="int", default=-1, help="Print the n last created containers (all states)"),
        Flag("latest", short="l", help="Act on the latest container argosy is aware of"),
        Flag("no-trunc", help="Display the extended information"),
        Flag("noheading", help="Do not print headers"),
        Flag("ns", help="Display namespace information", aliases=("namespace",)),
        Flag("pod", short="p", help="Print the ID and name of the pod the containers are associated with"),
        Flag("quiet", short="q", help="Print the numeric IDs of the containers only"),
        Flag("size", short="s", help="Display the total file sizes"),
        Flag(
            "sort",
            kind="string",
            default="created",
            help="Sort output by: command, created, id, image, names, runningfor, size, status",
        ),
        Flag("sync", help="Sync container state with the processes that are there, which is always done"),
        Flag("watch", short="w", kind="uint", default=0, help="Watch the ps output on an interval in seconds"),
    ),
    examples=(
        "argosy ps -a",
        'argosy ps -a --format "{{.ID}}  {{.Image}}  {{.Labels}}  {{.Mounts}}"',
        "argosy ps --filter label=role=web --sort names",
    ),
)

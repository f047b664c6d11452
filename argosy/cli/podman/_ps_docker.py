"""`docker ps`: docker's columns, and the fields of docker's templates."""

from __future__ import annotations

from argosy import human
from argosy.cli.flags import quoted
from argosy.cli.podman import _docker_lists as lists
from argosy.cli.podman import ps
from argosy.cli.podman._images_docker import familiar
from argosy.containers import state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.cli.podman.ps import PsOptions, Row
    from argosy.containers.state import ContainerView

TYPE_NAME = "*formatter.ContainerContext"
_COLUMNS = ("ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names")
HEADINGS = {
    "Command": "COMMAND",
    "CreatedAt": "CREATED AT",
    "ID": "CONTAINER ID",
    "Image": "IMAGE",
    "Labels": "LABELS",
    "LocalVolumes": "LOCAL VOLUMES",
    "Mounts": "MOUNTS",
    "Names": "NAMES",
    "Networks": "NETWORKS",
    "Ports": "PORTS",
    "RunningFor": "CREATED",
    "Size": "SIZE",
    "State": "STATE",
    "Status": "STATUS",
}
_WORDS_WIDTH = 20
_MOUNT_WIDTH = 15


def show(rows: list[Row], options: PsOptions, out: Output) -> None:
    """Print the rows as docker does: a table, or what --format asks for."""
    columns = (*_COLUMNS, *(["Size"] if options.size else []))
    kind = lists.Kind(TYPE_NAME, HEADINGS, columns)
    lists.show(out, kind, [lists.Row(_fields(row, options), row.view.labels) for row in rows], options.format)


def _fields(row: Row, options: PsOptions) -> dict[str, str]:
    """What `{{json .}}` shows; docker's values are all text."""
    view = row.view
    return {
        "Command": command(view, full=options.no_trunc),
        "CreatedAt": human.moment(int(view.created_at * 1e9)),
        "ID": row.id,
        "Image": shown_image(view.image),
        "Labels": ",".join(f"{key}={value}" for key, value in sorted(view.labels.items())),
        "LocalVolumes": str(len(view.record.get("volumes", ()))),
        "Mounts": ",".join(_mounts(view, full=options.no_trunc)),
        "Names": view.name,
        "Networks": (view.options.get("network") or {}).get("kind", "bridge"),
        "Ports": row.ports,
        "RunningFor": row.created,
        "Size": row.size if options.size else "0B",
        "State": "exited" if view.run.status == state.EXITED else view.run.status,
        "Status": status(view, row.now_ns) + _health(row),
    }


def _mounts(view: ContainerView, *, full: bool) -> list[str]:
    """What is mounted: the directories of the host by their paths, and the volumes by their names, cut short."""
    volumes = {use["destination"]: use["name"] for use in view.record.get("volumes", ())}
    mounts = view.options.get("mounts", ())
    found = [m["source"] for m in mounts if m["target"] not in volumes and m.get("source")] + list(volumes.values())
    return (
        found
        if full
        else [name if len(name) <= _MOUNT_WIDTH else name[: _MOUNT_WIDTH - 1] + "\u2026" for name in found]
    )


def shown_image(name: str) -> str:
    """An image's name as docker shows it: without what goes without saying."""
    return familiar(name).removesuffix(":latest")


def command(view: ContainerView, *, full: bool) -> str:
    """Entrypoint and arguments in quotes, cut to twenty characters."""
    options, config = view.options, view.record["image_config"]
    entrypoint = options.get("entrypoint")
    command = options.get("command") or (config.get("cmd") if entrypoint is None else ()) or ()
    first, *rest = (*(config.get("entrypoint", ()) if entrypoint is None else entrypoint), *command) or ("",)
    words = " ".join((first, *(f"'{word}'" if " " in word else word for word in rest)))
    if not full and len(words) > _WORDS_WIDTH:
        words = words[: _WORDS_WIDTH - 1] + "\u2026"
    return quoted(words)


def _health(row: Row) -> str:
    """What docker adds for a container that runs."""
    found = row.health if row.view.run.status == state.RUNNING else ""
    return f" ({'health: starting' if found == 'starting' else found})" if found else ""


def status(view: ContainerView, now_ns: int) -> str:
    """The column STATUS: podman's, but for one word, and a paused container is up."""
    if view.run.status == state.PAUSED:
        return f"Up {human.duration(now_ns / 1e9 - view.run.started_at)} (Paused)"
    shown = ps.status(view, now_ns)
    return shown.removesuffix(" ago") if view.run.status == state.RUNNING else shown

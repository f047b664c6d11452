"""`docker ps`: docker's columns, and the fields of docker's templates."""

from __future__ import annotations

from argosy import jsontext
from argosy.cli import human
from argosy.cli.flags import quoted
from argosy.cli.output import aligned
from argosy.cli.podman import _ps_documents as shapes
from argosy.containers import state
from argosy.errors import escaped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.cli.podman.ps import PsOptions, Row

_COLUMNS = ("CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES")
_HEADINGS = {"ID": "CONTAINER ID", "RunningFor": "CREATED", "CreatedAt": "CREATED AT", "LocalVolumes": "LOCAL VOLUMES"}
_WIDTH, _GAP = 10, 3  # of docker's tabwriter
_WORDS_WIDTH = 20
_OFFICIAL = "docker.io/library/"


def show(rows: list[Row], options: PsOptions, out: Output) -> None:
    """Print the rows as docker does: a table, or what --format asks for."""
    text = (options.format or "table").strip()
    found = [_fields(row, options) for row in rows]
    if text == "json":
        for fields in found:
            out.line(jsontext.encode(fields).decode("utf-8", "surrogateescape"))
    elif text == "table":
        keys = ["ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names", *(["Size"] if options.size else [])]
        lines = [[escaped(fields[key]) for key in keys] for fields in found]
        headings = [*_COLUMNS, *(["SIZE"] if options.size else [])]
        for line in aligned([headings, *lines], width=_WIDTH, gap=_GAP):
            out.line(line)
    else:
        from argosy.cli import templates

        templates.render(out, text, found, headings=_HEADINGS, type_name="*formatter.ContainerContext")


def _fields(row: Row, options: PsOptions) -> dict[str, str]:
    """What `{{json .}}` shows; docker's values are all text."""
    view = row.view
    places = shapes.places(view)
    return {
        "Command": _command(row, full=options.no_trunc),
        "CreatedAt": human.moment(int(view.created_at * 1e9)),
        "ID": row.id,
        "Image": view.image.removeprefix(_OFFICIAL).removesuffix(":latest"),
        "Labels": ",".join(f"{key}={value}" for key, value in sorted(view.labels.items())),
        "LocalVolumes": str(len(view.record.get("volumes", ()))),
        "Mounts": ",".join(places),
        "Names": view.name,
        "Networks": (view.options.get("network") or {}).get("kind", "bridge"),
        "Ports": row.ports,
        "RunningFor": row.created,
        "Size": row.size if options.size else "0B",
        "State": "exited" if view.run.status == state.EXITED else view.run.status,
        "Status": _status(row),
    }


def _command(row: Row, *, full: bool) -> str:
    """Entrypoint and arguments in quotes, cut to twenty characters."""
    options, config = row.view.options, row.view.record["image_config"]
    entrypoint = options.get("entrypoint")
    command = options.get("command") or (config.get("cmd") if entrypoint is None else ()) or ()
    words = " ".join((*(config.get("entrypoint", ()) if entrypoint is None else entrypoint), *command))
    if not full and len(words) > _WORDS_WIDTH:
        words = words[: _WORDS_WIDTH - 1] + "\u2026"
    return quoted(words)


def _status(row: Row) -> str:
    run = row.view.run
    if run.status == state.RUNNING:
        return f"Up {human.ago(int(run.started_at * 1e9), row.now_ns).removesuffix(' ago')}"
    return row.status

"""`docker volume ls`: docker's columns, and the fields of docker's templates."""

from __future__ import annotations

from argosy.cli.podman import _docker_lists, inspect
from argosy.cli.podman._docker_lists import Row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from argosy.cli.output import Output
    from argosy.engine import Engine

_HEADINGS = {
    "Driver": "DRIVER",
    "Labels": "LABELS",
    "Links": "LINKS",
    "Mountpoint": "MOUNTPOINT",
    "Name": "VOLUME NAME",
    "Scope": "SCOPE",
    "Size": "SIZE",
}
KIND = _docker_lists.Kind("*formatter.volumeContext", _HEADINGS, ("Driver", "Name"))
UNKNOWN = dict.fromkeys(("Availability", "Group", "Links", "Size", "Status"), "N/A")


def show(engine: Engine, names: Iterable[str], format_: str | None, out: Output) -> None:
    """Print the volumes as docker does: a table, or what --format asks for."""
    rows = []
    for name in names:
        volume = inspect.volume(engine, name)
        labels = volume["Labels"] or {}
        fields = {
            **UNKNOWN,
            "Driver": volume["Driver"],
            "Labels": ",".join(f"{key}={value}" for key, value in sorted(labels.items())),
            "Mountpoint": volume["Mountpoint"],
            "Name": volume["Name"],
            "Scope": volume["Scope"],
        }
        rows.append(Row(dict(sorted(fields.items())), labels))
    _docker_lists.show(out, KIND, rows, format_)

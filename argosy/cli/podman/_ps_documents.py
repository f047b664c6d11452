"""What `ps --format` shows of a container: podman's JSON document, and the fields of podman's templates."""

from __future__ import annotations

from argosy.cli import documents
from argosy.cli.podman.ps import NAMESPACES, SHORT_ID, status
from argosy.cli.templates.values import Map, NilMap
from argosy.containers import state
from argosy.images import timestamps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from argosy.cli.podman.ps import Row
    from argosy.containers.state import ContainerView

_NO_TIME = -62135596800  # Go's zero time, in seconds since the epoch
HEADINGS = {
    "CreatedHuman": "CREATED",
    "ID": "CONTAINER ID",
    "Pod": "POD ID",
    "PodName": "PODNAME",
    **{field: heading for heading, field, _ in NAMESPACES},
}


def places(view: ContainerView) -> list[str]:
    """Where something is mounted that was asked for: tmpfs and the host's directories first, then volumes."""
    volumes = [use["destination"] for use in view.record.get("volumes", ())]
    return [m["target"] for m in view.options.get("mounts", ()) if m["target"] not in volumes] + volumes


def _seconds(moment: float) -> int:
    return int(moment) if moment else _NO_TIME


def document(row: Row, *, size: bool, namespaces: bool) -> dict[str, Any]:
    """A container in the form of podman's `--format json`."""
    view, run = row.view, row.view.run
    names = {field.capitalize(): row.namespace(kind) for _, field, kind in NAMESPACES} if namespaces else {}
    sizes = row.sizes if size else None
    return {
        "AutoRemove": bool(view.options.get("remove")),
        "Command": list(view.command) or None,
        "CreatedAt": row.created,
        "Exited": run.status == state.EXITED,
        "ExitedAt": _seconds(row.finished_at),
        "ExitCode": run.exit_code,
        "Id": view.id,
        "Image": view.image,
        "ImageID": view.image_id.partition(":")[2],
        "IsInfra": bool(view.options.get("infra")),
        "Labels": dict(view.labels) or None,
        "Mounts": places(view),
        "Names": [view.name],
        "Namespaces": {key: value for key, value in names.items() if value},
        "Networks": row.networks,
        "Pid": run.pid,
        "Pod": view.options.get("pod", ""),
        "PodName": row.pod_name,
        "Ports": _ports(row.port_options),
        "Size": {"rootFsSize": sizes.root_bytes, "rwSize": sizes.rw_bytes} if sizes else None,
        "StartedAt": _seconds(run.started_at),
        "State": run.status,
        "Status": row.status,
        "Created": int(view.created_at),
    }


def fields(row: Row) -> dict[str, object]:
    """A row as templates see it: podman's psReporter."""
    view, run = row.view, row.view.run
    moment = documents.Moment(timestamps.show(int(view.created_at * 1e9)))
    image_id = view.image_id.partition(":")[2]
    numbers = {field: _number_of(row, kind) for _, field, kind in NAMESPACES}
    return {
        "AutoRemove": bool(view.options.get("remove")),
        "Command": row.command,
        "Created": moment,
        "CreatedAt": str(moment),
        "CreatedHuman": row.created,
        "Exited": run.status == state.EXITED,
        "ExitedAt": _seconds(row.finished_at),
        "ExitCode": run.exit_code,
        "ID": row.id,
        "Image": view.image,
        "ImageID": image_id if len(row.id) > SHORT_ID else image_id[:SHORT_ID],
        "IsInfra": bool(view.options.get("infra")),
        "Labels": Map(view.labels) if view.labels else NilMap(),
        "Mounts": places(view),
        "Names": view.name,
        "Networks": lambda: ",".join(row.networks),
        "Pid": run.pid,
        "Pod": row.pod_id,
        "PodName": row.pod_name,
        "Ports": row.ports,
        "RunningFor": row.created,
        "Size": lambda: row.size,
        "StartedAt": _seconds(run.started_at),
        "State": status(view, row.now_ns),
        "Status": row.status,
        **numbers,
        **{heading: numbers[field] for heading, field, _ in NAMESPACES},
        "Namespaces": numbers,
    }


def _ports(options: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The mappings as they were asked for; None where there are none."""
    return [
        {
            "host_ip": mapping.get("host_ip", ""),
            "container_port": mapping["container_port"],
            "host_port": mapping["host_port"],
            "range": mapping.get("range", 1),
            "protocol": mapping.get("protocol", "tcp"),
        }
        for mapping in options.get("ports", ())
    ] or None


def _number_of(row: Row, kind: str) -> Callable[[], str]:
    return lambda: row.namespace(kind)

"""`update`: another health check for a container that is there already."""

from __future__ import annotations

from argosy.containers import record as records
from argosy.containers import state, update
from argosy.containers.health import watch
from argosy.errors import ArgosyError
from argosy.spec import health
from argosy.spec.options import HealthCheck

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site


def change(site: Site, container_id: str, given: Mapping[str, Any]) -> None:
    """Give the container's check what flags say (see `spec.health.parse`), in force at once.  Raises BadOption."""
    record = records.read_record(site.store, container_id)
    update.update(site, container_id, {"health": _changed(record, given)})
    if state.derive(site, container_id).status in (state.RUNNING, state.PAUSED):
        watch.renewed(site, records.read_record(site.store, container_id))


def _changed(record: ContainerRecord, given: Mapping[str, Any]) -> HealthCheck | None:
    before = record.options.health
    if before is not None and not before.is_active:
        before = None  # what it had before --no-healthcheck is not known any more
    if before is None and "cmd" not in given and not given.get("disabled"):
        raise ArgosyError(f"container {record.id} has no defined healthcheck", hint="give it one by --health-cmd")
    wanted = (before or HealthCheck()).replace(**health.parse(given))
    return health.settled(wanted.replace(startup=health.parse_startup(given, wanted.startup)), None)

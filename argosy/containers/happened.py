"""What happened to containers, for the log of events."""

from __future__ import annotations

from argosy.containers import record as records
from argosy.errors import ArgosyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site


def tell(site: Site, record: ContainerRecord, *statuses: str, exit_code: int | None = None, network: str = "") -> None:
    """Note that the container went through `statuses`: podman's words."""
    log = site.store.events
    if not log.path:
        return
    fields = {
        "ID": record.id,
        "Image": record.image.name,
        "Name": records.current_name(site.store, record),
        **({"ContainerExitCode": exit_code} if exit_code else {}),
        **({"Network": network} if network else {}),
    }
    attributes = {**record.image_config.labels, **record.options.labels}
    log.write("network" if network else "container", *statuses, attributes=attributes, **fields)


def tell_health(site: Site, record: ContainerRecord, status: str, failing_streak: int, output: str) -> None:
    """Note the result of a health check; `output` is what it wrote, where that is wanted here."""
    log = site.store.events
    if not log.path:
        return
    fields = {
        "ID": record.id,
        "Image": record.image.name,
        "Name": records.current_name(site.store, record),
        "HealthStatus": status,
        **({"HealthFailingStreak": failing_streak} if failing_streak else {}),
        **({"HealthLog": output} if output else {}),
    }
    attributes = {**record.image_config.labels, **record.options.labels}
    log.write("container", "health_status", attributes=attributes, **fields)


def tell_of(site: Site, container_id: str, *statuses: str, exit_code: int | None = None) -> None:
    """As `tell`, for who has not read the record.  A container that is gone or damaged is passed over."""
    if site.store.events.path:
        try:
            record = records.read_record(site.store, container_id)
        except ArgosyError:
            return
        tell(site, record, *statuses, exit_code=exit_code)

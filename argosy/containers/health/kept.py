"""health.json: what is known of a container's health, beside its record.

Replaced in one step and not made durable: after a power cut the container does not run, and what was known is worth
little.  A damaged file is as good as none.
"""

from __future__ import annotations

import os

from argosy import jsontext
from argosy.containers import happened
from argosy.containers import record as records
from argosy.containers.health.results import Results
from argosy.errors import ArgosyError
from argosy.linux import files, locks
from argosy.records import shelf

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site
    from argosy.spec.options import HealthCheck

FILE = "health.json"


def directory(site: Site) -> str:
    """Where the containers that are to be checked are named."""
    return f"{site.store.run}/health"


def mark(site: Site, container_id: str) -> str:
    """The file that names a container there.  It is locked while the container's results are changed."""
    return f"{directory(site)}/{container_id}"


def read(site: Site, container_id: str) -> Results:
    """What is known of the container's health."""
    try:
        return records.read_value(site.store, container_id, FILE, Results) or Results()
    except ArgosyError:
        return Results()


def status(site: Site, container_id: str, options: Mapping[str, Any]) -> str:
    """The state for lists, of a container with these options in JSON form; "" where it has no check, or never ran."""
    test = (options.get("health") or {}).get("test")
    if not test or test[0] == "NONE":
        return ""
    return read(site, container_id).status if is_there(site, container_id) else ""


def is_there(site: Site, container_id: str) -> bool:
    """Whether anything is known: the container has run since it has a check."""
    return os.path.exists(_path(site, container_id))


def change(site: Site, container_id: str, work: Callable[[Results], Results]) -> tuple[Results, Results]:
    """Have `work` make new results of those that are there: both.

    Raises OSError when they cannot be written, FileNotFoundError when the container is gone.
    """
    files.make_directories(directory(site))
    lock = locks.acquire(mark(site, container_id), create=True)
    assert lock is not None
    with lock:
        before = read(site, container_id)
        found = work(before)
        write(site, container_id, found)
    return before, found


def write(site: Site, container_id: str, found: Results) -> None:
    """Replace the file; the caller holds the lock."""
    files.write_atomic(_path(site, container_id), shelf.seal(jsontext.encode(found.to_json())))


def _path(site: Site, container_id: str) -> str:
    return f"{site.state_directory(container_id)}/{FILE}"


def tell(site: Site, record: ContainerRecord, check: HealthCheck, found: Results) -> None:
    """Note the check among the events, and where --health-log-destination says.  What cannot be written is lost."""
    output = found.log[-1].output if check.log_destination == "events_logger" else ""
    if site.conf.healthcheck_events:
        happened.tell_health(site, record, found.status, found.failing_streak, output)
    if check.log_destination.startswith("/"):
        from argosy.containers.health import documents

        text = jsontext.encode(documents.results(found))
        try:
            files.write_atomic(f"{check.log_destination}/{record.id}-healthcheck.log", text, mode=0o600)
        except OSError:
            return

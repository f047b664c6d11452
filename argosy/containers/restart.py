"""Restarting a container: stop, then start, and nothing in between that would take a container made with --rm away."""

from __future__ import annotations

from argosy.containers import create, start, stop
from argosy.containers import record as records
from argosy.errors import NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.containers.site import Site


def restart(site: Site, container_id: str, timeout_s: float | None = None) -> None:
    """Stop a container as `stop.stop` does, if it runs, and start it.  One made with --rm is gone when that fails.

    The note that it is being restarted names this process, so that it means nothing any more when we are killed.
    """
    record = records.read_record(site.store, container_id)
    if not record.options.remove:
        stop.stop(site, container_id, timeout_s)
        start.start(site, container_id)
        return
    records.write_value(site.store, container_id, records.RESTARTING, create.myself())
    try:
        stop.stop(site, container_id, timeout_s)
        start.start(site, container_id)
    except BaseException:
        _remove(site, container_id)
        raise
    records.unlink(site.store, container_id, records.RESTARTING)


def _remove(site: Site, container_id: str) -> None:
    from argosy.containers import remove

    records.unlink(site.store, container_id, records.RESTARTING)
    try:
        remove.remove(site, container_id, force=True, volumes=True)
    except NotFound:
        return

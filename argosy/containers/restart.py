"""Restarting a container: stop, then start, and nothing in between that would take a container made with --rm away."""

from __future__ import annotations

import os

from argosy.containers import happened, start, state, stop
from argosy.containers import record as records
from argosy.errors import ArgosyError, NotFound
from argosy.linux import files, locks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.containers.site import Site


def restart(site: Site, container_id: str, timeout_s: float | None = None, signal: int | None = None) -> None:
    """Stop a container as `stop.stop` does, if it runs, and start it.  One made with --rm is gone when that fails.

    What keeps that one is a lock of its own, which only others that restart it wait for, and which ends with us.
    """
    record = records.read_record(site.store, container_id)
    if state.derive(site, container_id).status == state.PAUSED:
        from argosy.containers import pause

        pause.resume(site, container_id)
    happened.tell(site, record, "restart")
    if not record.options.remove:
        stop.stop(site, container_id, timeout_s, signal)
        start.start(site, container_id)
        return
    path = f"{site.state_directory(container_id)}/{records.RESTARTING}"
    try:
        lock = locks.acquire(path, create=True)
    except FileNotFoundError:
        raise NotFound("container", container_id) from None
    assert lock is not None
    with lock:
        if os.fstat(lock.fd).st_size:
            raise ArgosyError(f"an update of container {container_id[:12]} was interrupted", hint="argosy auto-update")
        try:
            stop.stop(site, container_id, timeout_s, signal)
            start.start(site, container_id)
        except BaseException:
            _remove(site, container_id)
            raise
        files.unlink_missing(path)


def _remove(site: Site, container_id: str) -> None:
    from argosy.containers import remove

    try:
        remove.remove(site, container_id, force=True, volumes=True)
    except NotFound:
        return

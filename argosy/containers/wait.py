"""Waiting for a container to end."""

from __future__ import annotations

import os
import select
import time

from argosy.containers import state
from argosy.errors import NotFound
from argosy.runtime import exits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from argosy.containers.site import Site

_POLL_S = 0.25
_LONGEST_S = 2_000_000.0
_REMOVING = "removing"
HEALTH = ("healthy", "unhealthy")
_CONMON_GRACE_S = 5.0  # between the end of a process and conmon's record of it


def wait(site: Site, container_id: str, *, interval_s: float = _POLL_S) -> int:
    """The exit code of the run that is under way, or of the last one; a container never run is waited for.

    A container that is removed meanwhile gives what its exit record says.  Raises NotFound when there is none.
    """
    while True:
        try:
            run = state.derive(site, container_id)
        except NotFound:
            return _of_removed(site, container_id)
        if not os.path.isdir(site.state_directory(container_id)):
            return _of_removed(site, container_id)
        if run.status == state.EXITED:
            return run.exit_code
        if run.pid:
            process_ended(run.pid, None)
            conmon_done(site, container_id)
        else:
            time.sleep(interval_s)


def wait_for(site: Site, container_id: str, statuses: Sequence[str], *, interval_s: float = _POLL_S) -> int:
    """Wait until the container is in one of `statuses`: the exit code if it has ended by then, else -1.

    Of what is passed through between two looks nothing is seen.  Raises NotFound when it is gone, unless that is what
    was waited for.
    """
    if tuple(statuses) == (state.EXITED,):
        return wait(site, container_id, interval_s=interval_s)
    of_health = any(status in HEALTH for status in statuses)
    while True:
        try:
            run = state.derive(site, container_id)
            if not os.path.isdir(site.state_directory(container_id)):
                raise NotFound("container", container_id)
        except NotFound:
            if _REMOVING in statuses:
                return -1
            raise
        if run.status in statuses or (of_health and run.pid and _health(site, container_id) in statuses):
            return run.exit_code if run.status == state.EXITED else -1
        time.sleep(interval_s)


def _health(site: Site, container_id: str) -> str:
    """What its health check says, "" where it has none; the keeper, which may have been killed, is called again."""
    from argosy.containers import record as records
    from argosy.containers.health import kept, watch

    options = records.read_record(site.store, container_id).options
    if options.health is None:
        return ""
    watch.ensure(site, [(container_id, options.to_json())])
    return kept.read(site, container_id).status if options.health.is_active else ""


def _of_removed(site: Site, container_id: str) -> int:
    found = exits.read(site.store.run, container_id)
    if found is None:
        raise NotFound("container", container_id)
    return found.code


def process_ended(pid: int, timeout_s: float | None) -> bool:
    """Wait until a process has ended; False when the time is up.  A process that is gone has ended.

    A time of more than three weeks, which the kernel does not count, has no end.
    """
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        if timeout_s is None or timeout_s > _LONGEST_S:
            return bool(poll.poll())
        return bool(poll.poll(max(0, round(timeout_s * 1000))))
    finally:
        os.close(descriptor)


def conmon_done(site: Site, container_id: str) -> None:
    """Wait, for a few seconds at most, until conmon has recorded the end of a process that has ended.

    Without conmon there is no record, and nothing to wait for; nor while the process lives.
    """
    limit = time.monotonic() + _CONMON_GRACE_S
    while time.monotonic() < limit:
        try:
            run = state.derive(site, container_id)
        except NotFound:
            return
        if run.status != state.STOPPING:
            return
        time.sleep(0.002)

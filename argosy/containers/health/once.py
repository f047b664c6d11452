"""`healthcheck run`: one check, now."""

from __future__ import annotations

import select
import time

from argosy import durations
from argosy.containers import record as records
from argosy.containers import state
from argosy.containers.health import kept, results, watch
from argosy.containers.health.probes import Check
from argosy.errors import ArgosyError, NotFound
from argosy.linux import files
from argosy.runtime.probe import Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.containers.site import Site
    from argosy.runtime.probe import Probe


_END_S = 1.0  # after which what does not end is killed once more


def run(site: Site, container_id: str) -> str:
    """Check the container, note the result, and do what is to be done: "healthy", "unhealthy", or "starting" of a
    startup check that has failed.

    Raises ArgosyError when it does not run, has no check, or the check took too long.
    """
    record = records.read_record(site.store, container_id)
    run = state.derive(site, container_id)
    if run.status != state.RUNNING:
        raise ArgosyError(f"container {container_id} is not running")
    check = record.options.health
    if check is None or not check.is_active:
        raise ArgosyError(f"container {container_id} has no defined healthcheck")
    starting_up = results.is_starting_up(check, kept.read(site, container_id))
    work = Check(record, check, starting_up=starting_up, started_at=run.started_at)
    outcome = _outcome(site, work)
    try:
        action, _found, saved = work.conclude(site, work.entry(outcome))
    except FileNotFoundError:
        files.unlink_missing(kept.mark(site, container_id))
        raise NotFound("container", container_id) from None
    if not results.is_scheduled(check):
        files.unlink_missing(kept.mark(site, container_id))
    else:
        watch.ensure(site, [(container_id, record.options.to_json())])
    _act(site, container_id, action)
    if outcome is None:
        raise ArgosyError(f"healthcheck command exceeded timeout of {durations.text(work.timeout_ns / 1e9)}")
    if not saved:
        raise ArgosyError("the result of the health check cannot be written down", hint="is the disk full?")
    if outcome.failure or outcome.code:
        return results.STARTING if starting_up else results.UNHEALTHY
    return results.HEALTHY


def _outcome(site: Site, work: Check) -> Outcome | None:
    """How the program ended; None when its time was up."""
    try:
        probe = work.begin(site)
    except ArgosyError as error:
        if state.derive(site, work.record.id).status != state.RUNNING:
            raise ArgosyError(f"container {work.record.id} is not running") from error
        return Outcome(1, b"", str(error))
    try:
        in_time = _await(probe, work.timeout_ns / 1e9)
    except BaseException:
        probe.kill()
        raise
    while not in_time:
        probe.kill()
        if _await(probe, _END_S):
            break
    outcome = probe.end()
    return outcome if in_time else None


def _await(probe: Probe, timeout_s: float) -> bool:
    """Take what it writes until it has ended; False when the time is up."""
    deadline = time.monotonic() + timeout_s
    poll = select.poll()
    poll.register(probe.pidfd, select.POLLIN)
    poll.register(probe.output_fd, select.POLLIN)
    while (left := deadline - time.monotonic()) > 0:
        ready = {fd for fd, _ in poll.poll(min(left * 1000 + 1, 1 << 30))}
        if probe.pidfd in ready:
            return True
        if ready and not probe.read():
            poll.unregister(probe.output_fd)
    return False


def _act(site: Site, container_id: str, action: str) -> None:
    if action == "kill":
        from argosy.containers import stop
        from argosy.linux import signals

        stop.kill(site, container_id, signals.SIGKILL)
    elif action == "stop":
        from argosy.containers import stop

        stop.stop(site, container_id)
    elif action == "restart":
        from argosy.containers import restart

        restart.restart(site, container_id)

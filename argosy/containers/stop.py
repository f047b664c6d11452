"""Stopping and signalling containers."""

from __future__ import annotations

from argosy.containers import cleanup, happened, state, wait
from argosy.containers import record as records
from argosy.errors import ArgosyError, NotFound
from argosy.linux import files, process, signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site

_KILL_GRACE_S = 10.0


def stop(site: Site, container_id: str, timeout_s: float | None = None, signal: int | None = None) -> bool:
    """Signal the container, give it `timeout_s` seconds, kill it, and clean up.  False when it did not run.

    `timeout_s` None takes the container's own time-out or the configuration's; a negative one waits without end.
    `signal` None is the container's own, the image's, or SIGTERM.
    That the user asked is durable before the signal goes out, so that no restart policy acts against it.  The
    container's lock is not held while waiting.
    """
    record = records.read_record(site.store, container_id)
    if state.derive(site, container_id).status == state.PAUSED:
        raise ArgosyError(
            f"container {container_id} is running or paused, refusing to clean up: container state improper",
            hint=f"it is paused: argosy unpause {container_id[:12]}",
        )
    if state.derive(site, container_id).status == state.INITIALIZED:
        from argosy.containers import initialize

        return initialize.undo(site, container_id)
    run = _request(site, record)
    if run.status not in state.ACTIVE:
        _settle(site, container_id)
        return False
    if timeout_s is None:
        own = record.options.stop_timeout_s
        timeout_s = site.conf.stop_timeout if own is None else own
    if run.pid:
        _end(record, run.pid, timeout_s, signal)
    wait.conmon_done(site, container_id)
    happened.tell(site, record, "stop")
    _settle(site, container_id)
    return True


def _request(site: Site, record: ContainerRecord) -> state.Run:
    """Note durably that the user wants no further run, and give the one there is.

    The clean-up of a run that ends puts the note into last.json; where that is done, and a restart policy waits for the
    time of its next run, it goes there at once.  A full disk keeps nobody from stopping what no policy would start.
    """
    restarts = record.options.restart.name != "no"
    with site.store.containers.lock(record.id):
        run = state.derive(site, record.id)
        try:
            if not run.settled or run.status in state.ACTIVE:
                files.write_atomic(f"{site.state_directory(record.id)}/{records.STOP_REQUESTED}", b"", durable=True)
            elif restarts and run.status == state.EXITED and not run.stopped_by_user:
                last = run.replace(stopped_by_user=True).ended()
                records.write_value(site.store, record.id, records.LAST, last, durable=True)
        except OSError:
            if restarts:
                raise
    return run


def _end(record: ContainerRecord, pid: int, timeout_s: float, signal: int | None) -> None:
    started = process.start_time(pid)
    if started is None:
        return
    own = record.options.stop_signal or record.image_config.stop_signal or "TERM"
    process.signal_process(pid, started, signals.parse(own) if signal is None else signal)
    if wait.process_ended(pid, None if timeout_s < 0 else timeout_s):
        return
    process.signal_process(pid, started)
    if not wait.process_ended(pid, _KILL_GRACE_S):
        raise ArgosyError(
            f"container {record.id[:12]} does not end",
            details=f"process {pid} is still there {_KILL_GRACE_S:.0f} s after SIGKILL",
            hint=f"see /proc/{pid}/stack and /proc/{pid}/wchan",
        )


def _settle(site: Site, container_id: str) -> None:
    """Clean up after the end, as conmon's exit command does; whoever comes second finds nothing to do."""
    try:
        cleanup.cleanup(site, container_id)
    except NotFound:
        return


def kill(site: Site, container_id: str, signal: int) -> None:
    """Send a signal to the container's first process.  Raises ArgosyError when it does not run."""
    run = state.derive(site, container_id)
    if run.status != state.RUNNING:
        raise ArgosyError(
            f"can only kill running containers. {container_id} is in state {run.status}: container state improper"
        )
    started = process.start_time(run.pid)
    if started is not None:
        process.signal_process(run.pid, started, signal)
        happened.tell_of(site, container_id, "kill")

"""Clean-up: what conmon's exit command does, and what every command does that finds an ended or interrupted run.

Every step may find its work done already, and a failed step does not keep the others from theirs: two cleaners, or one
that was killed half-way and one that comes after, end in the same state.  How the run ended is written down before
anything is taken away.
"""

from __future__ import annotations

import os
import time

from argosy.containers import happened, state
from argosy.containers import record as records
from argosy.errors import ArgosyError, NotFound
from argosy.linux import files, locks
from argosy.runtime import exits
from argosy.storage import rootfs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site

_FIRST_BACK_OFF_S = 0.1
_LONGEST_BACK_OFF_S = 60.0
_STEADY_RUN_S = 10.0  # a run this long resets the back-off


def cleanup(site: Site, container_id: str) -> None:
    """Settle an ended run, remove the container if it was made with --rm, restart it if its policy says so.

    The exit command of conmon.  Idempotent; a container that runs (again) or is gone already is left alone.  Sleeps
    the back-off between two restarts without holding the container's lock.
    """
    while True:
        try:
            lock = site.store.containers.lock(container_id)
        except NotFound:
            return
        with lock:
            before = state.derive(site, container_id)
            ended = before.status == state.EXITED and not before.settled
            settle(site, container_id, before)
            record = records.read_record(site.store, container_id)
            if record.options.health is not None:
                _keep_others_checked(site)
            if record.options.remove and ended and not is_restarted(site, container_id):
                discard(site, record, volumes=True)
                break
            if not ended or not restarts(record, before):
                break
        time.sleep(back_off_s(before))
        if not _restart(site, container_id, before):
            return
    if record.options.pod:
        from argosy.containers import pod

        pod.ended(site, record)


def _keep_others_checked(site: Site) -> None:
    from argosy.containers.health import watch

    watch.resume(site)


def discard(site: Site, record: ContainerRecord, *, volumes: bool) -> None:
    """Take a container out of the store, and with `volumes` its anonymous ones; first what is left of its last run.

    The caller holds its lock.  Nothing is written down, for which the disk may have no room.  Whether there is work is
    told by the files alone: a start whose command was killed may look interrupted now, and in the next moment the
    runtime completes it.
    """
    files.unlink_missing(mount_mark(site, record.id))
    if _is_clean(site, record.id):
        rootfs.unmount(site.state_directory(record.id))
    else:
        take_down(site, record.id)
    happened.tell(site, record, "remove")
    site.store.containers.remove(record.id, name=record.name)
    anonymous = {use.name for use in record.volumes if use.anonymous} if volumes else ()
    if anonymous:
        from argosy.volumes import named as named_volumes

        for name in _unused(site, anonymous):
            named_volumes.remove_unused(site.store, name)
    if record.options.remove_image and record.image.id:
        from argosy.containers import used_image

        used_image.remove(site, record)


def _unused(site: Site, anonymous: Iterable[str]) -> list[str]:
    """Those of the anonymous volumes that no container has, by --volumes-from or by their names.

    A name has 64 random digits: where it is in a record, it means the volume.  With a record that cannot be read,
    nobody knows, and they stay.
    """
    unused = {name.encode(): name for name in anonymous}
    for container_id in site.store.containers.ids():
        try:
            text = site.store.containers.read(container_id, records.RECORD)
        except NotFound:
            continue
        except ArgosyError:
            return []
        unused = {key: name for key, name in unused.items() if key not in text}
    return list(unused.values())


def is_restarted(site: Site, container_id: str) -> bool:
    """Whether somebody who lives has stopped the container to start it again, or one who was killed to update it."""
    path = f"{site.state_directory(container_id)}/{records.RESTARTING}"
    try:
        lock = locks.acquire(path, shared=True, wait=False)
    except FileNotFoundError:
        return False
    if lock is None:
        return True
    with lock:
        return os.fstat(lock.fd).st_size > 0


def restarts(record: ContainerRecord, run: state.Run) -> bool:
    """Whether the restart policy asks for another run after this one."""
    policy = record.options.restart
    if run.stopped_by_user or policy.name == "no":
        return False
    if policy.name == "on-failure":
        return run.exit_code != 0 and (policy.max_retries == 0 or run.restart_count < policy.max_retries)
    return True


def back_off_s(run: state.Run) -> float:
    """How long to wait before the next restart: doubled each time, as docker does, but not after a steady run."""
    if run.finished_at - run.started_at >= _STEADY_RUN_S:
        return _FIRST_BACK_OFF_S
    return float(min(_FIRST_BACK_OFF_S * 2 ** min(run.restart_count, 16), _LONGEST_BACK_OFF_S))


def _restart(site: Site, container_id: str, before: state.Run) -> bool:
    """Start the container again unless somebody else started, stopped or removed it meanwhile.

    A start that fails leaves an ended run behind, and counts as one: True asks the caller to look again.
    """
    from argosy.containers import start

    try:
        start.start(site, container_id, restart_of=before)
    except NotFound:
        return False
    except ArgosyError:
        return state.derive(site, container_id).status == state.EXITED
    return False


def _is_clean(site: Site, container_id: str) -> bool:
    """Whether no run has left anything.

    The run directory is the first thing that a start makes, and the last that `take_down` takes away.
    """
    marker = f"{site.state_directory(container_id)}/{records.STARTED}"
    return not (os.path.lexists(site.run_directory(container_id)) or os.path.lexists(marker))


def settle(site: Site, container_id: str, run: state.Run) -> None:
    """Take down what an ended or interrupted run left: runtime state, network, mounts, run directory.

    The caller holds the container's lock, and has found `run` with it in hand, so that a run directory without a
    started marker is an interrupted start.  A container that runs, or is just ending, is left alone.

    Raises ArgosyError when something could not be taken down; all the rest was.
    """
    if run.settled or run.status in state.ACTIVE:
        return
    concluded = _conclude(site, container_id, run)
    if run.status == state.EXITED and not run.unbegun:
        happened.tell_of(site, container_id, "died", "cleanup", exit_code=run.exit_code)
    take_down(site, container_id)
    if concluded:
        for file in (records.STARTED, records.STOP_REQUESTED):
            records.unlink(site.store, container_id, file)


def _conclude(site: Site, container_id: str, run: state.Run) -> bool:
    """Write down how the run ended; whether that is done, and the marker of the run may go.

    A run that never began has no end: its marker goes at once.  On a full disk a marker stays: with conmon's exit
    record it says the same.
    """
    directory = site.state_directory(container_id)
    if run.unbegun:
        records.unlink(site.store, container_id, records.STARTED)
    elif os.path.exists(f"{directory}/{records.STARTED}"):
        return _write_last(site, container_id, run.ended())
    if not os.path.exists(f"{directory}/{records.LAST}"):
        now = time.time()
        _write_last(site, container_id, records.LastRun(125, now, now, error="its start was interrupted"))
    return True


def _write_last(site: Site, container_id: str, last: records.LastRun) -> bool:
    try:
        records.write_value(site.store, container_id, records.LAST, last)
    except OSError as error:
        if error.errno not in (28, 122):  # ENOSPC, EDQUOT
            raise
        return False
    return True


def take_down(site: Site, container_id: str) -> None:
    """Undo everything that `prepare` and conmon set up, however far they came.  The caller holds the lock.

    What still runs is ended.  The run directory goes last, and stays where anything else does: it is the sign of work
    to do.
    """
    from argosy.containers import prepare

    steps: tuple[Callable[[], object], ...] = (
        lambda: _end_processes(site, container_id),
        lambda: prepare.undo(site, container_id),
        lambda: rootfs.unmount(
            site.state_directory(container_id), root=not os.path.lexists(mount_mark(site, container_id))
        ),
        lambda: _release_volumes(site, container_id),
    )
    failures = []
    for step in steps:
        try:
            step()
        except (ArgosyError, OSError) as error:
            failures.append(str(error))
    if failures:
        raise ArgosyError(f"cannot clean up container {container_id[:12]}", details="\n".join(failures))
    files.remove_tree(site.run_directory(container_id))


def mount_mark(site: Site, container_id: str) -> str:
    """What is there while somebody looks into the container's root: see `containers.mounted`."""
    return f"{site.store.run}/mounted/{container_id}"


def _release_volumes(site: Site, container_id: str) -> None:
    if os.path.isdir(f"{site.store.run}/volumes"):
        from argosy.volumes import mounting

        mounting.release(site.store, container_id)


def _end_processes(site: Site, container_id: str) -> None:
    """End what runs or starts the container: also a conmon that waits for a start which will not come.

    One that has recorded the container's end is left alone: it ends by itself, and we may be its exit command.
    """
    if exits.read(site.store.run, container_id) is None:
        from argosy.containers import traces

        traces.end_work_on(site, container_id)

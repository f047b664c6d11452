"""What killed commands, and a run directory that was wiped, have left of containers: named, and with `repair` gone.

Damaged files in the store are `storage.check`'s business.  Here it is mounts, processes, network namespaces, control
groups, the runtime's records and run directories that belong to no run, and the files of those that do.  What is in
use, or locked, is left alone.
"""

from __future__ import annotations

import os
from functools import partial

from argosy.containers import cleanup, prepare, rename, state, step, traces, wait
from argosy.containers import record as records
from argosy.errors import ArgosyError, NotFound
from argosy.linux import files, mounts, process, procfs
from argosy.network import attach as network
from argosy.network import request
from argosy.runtime import conmon
from argosy.storage.check import REPAIR, Finding, entries
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from argosy.containers.site import Site

_RUNS = (*state.ACTIVE, state.INITIALIZED)
_LOST = "its container does not exist"
_OVER = "its container does not run"


class _Left(Value):
    """Something that is left, or wrong; `remedy` puts it right, None when only the user can."""

    kind: str
    name: str
    path: str
    problem: str
    remedy: Callable[[], object] | None = None


def check(site: Site, *, repair: bool = False) -> list[Finding]:
    """Look at every container, and at everything in the run directory."""
    findings = [_finding(left, repair=repair) for left in _interrupted_updates(site)]
    for container_id in filter(site.store.containers.exists, site.store.containers.ids()):
        findings += _container(site, container_id, repair=repair)
    findings += [_finding(left, repair=repair) for left in _wrong_names(site)]
    for look in (_run_directories, _namespaces, _networks, _runtime_records, _processes, _temporary_files):
        findings += [_finding(left, repair=repair) for left in look(site)]
    return findings


def _finding(left: _Left, *, repair: bool) -> Finding:
    if not repair or left.remedy is None:
        hint = REPAIR if left.remedy else f"argosy stop {left.name}, then argosy start {left.name}"
        return Finding(left.kind, left.name, left.path, left.problem, hint=hint)
    try:
        left.remedy()
    except (ArgosyError, OSError) as error:
        return Finding(left.kind, left.name, left.path, f"{left.problem}; it cannot be taken down: {error}")
    return Finding(left.kind, left.name, left.path, left.problem, "cleaned up")


def _container(site: Site, container_id: str, *, repair: bool) -> list[Finding]:
    try:
        lock = site.store.containers.lock(container_id, wait=False)
    except NotFound:
        return []
    if lock is None:
        return []
    with lock:
        return [_finding(left, repair=repair) for left in _left_of(site, container_id)]


def _interrupted_updates(site: Site) -> Iterator[_Left]:
    """Before all else: what is wrong with the two containers follows from it."""
    from argosy.containers import successor

    for container_id in successor.interrupted(site):
        path, remedy = site.state_directory(container_id), partial(successor.recover, site, container_id)
        yield _Left("container", container_id[:12], path, "an update of it was interrupted", remedy)


def _wrong_names(site: Site) -> Iterator[_Left]:
    """Containers that are called otherwise than they are found: a `rename` was killed."""
    for name, container_id in site.store.containers.names().items():
        record = _record(site, container_id)
        if record is None:
            continue
        try:
            called = records.current_name(site.store, record)
        except ArgosyError:
            called = ""  # damaged: `storage.check` says so
        if called not in ("", name):
            path = f"{site.state_directory(container_id)}/{records.CHANGES}"
            problem = f"it is found as {name}, and called {called}"
            yield _Left("container", container_id[:12], path, problem, partial(rename.rename, site, container_id, name))


def _left_of(site: Site, container_id: str) -> Iterator[_Left]:
    """What is wrong with a container that nobody works on; the caller holds its lock."""
    run = state.derive(site, container_id)
    if run.status in _RUNS:
        yield from _wrong_files(site, container_id, run)
        return
    directory = site.run_directory(container_id)
    merged = f"{site.state_directory(container_id)}/merged"
    report = partial(_Left, "container", container_id[:12])
    take_down = partial(cleanup.take_down, site, container_id)
    record = _record(site, container_id)
    if record is not None and is_over(record, run) and not cleanup.is_restarted(site, container_id):
        remedy = partial(cleanup.discard, site, record, volumes=True)
        yield report(directory, "it was made with --rm, and is over", remedy)
    elif not run.settled:
        cut = run.unbegun or run.status == state.CREATED
        problem = "its start was interrupted" if cut else "it has ended and was not cleaned up"
        yield report(directory, problem, partial(cleanup.settle, site, container_id, run))
    elif mounts.is_mount_point(merged) and not os.path.lexists(cleanup.mount_mark(site, container_id)):
        yield report(merged, "it is mounted although it does not run", take_down)
    elif os.path.lexists(f"{site.state_directory(container_id)}/mounts"):
        path = f"{site.state_directory(container_id)}/mounts"
        yield report(path, "what it mounted is left although it does not run", take_down)
    else:
        for group in prepare.group_directories(site, container_id):
            yield report(group, "it has a control group although it does not run", take_down)
        yield from _wrong_end(site, container_id)


def _wrong_end(site: Site, container_id: str) -> Iterator[_Left]:
    """A last.json that is damaged or, of a container that was started once (it has a log), gone.

    An upper directory says nothing: a container that was mounted or copied to has one too.
    """
    directory = site.state_directory(container_id)
    problem = _problem(partial(records.read_value, site.store, container_id, records.LAST, records.LastRun))
    if problem and (os.path.lexists(f"{directory}/{records.LAST}") or os.path.lexists(f"{directory}/ctr.log")):
        unknown = records.LastRun(state.UNKNOWN_EXIT, 0.0, 0.0)
        remedy = partial(records.write_value, site.store, container_id, records.LAST, unknown)
        yield _Left("container", container_id[:12], f"{directory}/{records.LAST}", problem, remedy)


def _wrong_files(site: Site, container_id: str, run: state.Run) -> Iterator[_Left]:
    """The files of a container that runs, where they are damaged or gone; what they said is found out again."""
    directory = site.run_directory(container_id)
    if not os.path.isdir(directory):
        return  # wiped: there is nothing to compare, and the next start makes all of it
    report = partial(_Left, "container", container_id[:12])
    marker = f"{site.state_directory(container_id)}/{records.STARTED}"
    if problem := _problem(partial(records.read_value, site.store, container_id, records.STARTED, records.Started)):
        found = traces.started(site, container_id) or records.Started("", 0, 0, 0, 0, 0.0)
        yield report(marker, problem, partial(records.write_value, site.store, container_id, records.STARTED, found))
    if problem := _problem(partial(prepare.read_plan, directory)):
        yield report(f"{directory}/{records.PREPARED}", problem, partial(prepare.write_plan_again, site, container_id))
    if problem := _problem(partial(network.read, directory)):
        yield report(f"{directory}/{request.STATE_FILE}", problem)
    if problem := _problem(partial(records.read_bundle, directory)):
        yield report(f"{directory}/{records.BUNDLE}", problem)
    for name, pid in (("pidfile", run.pid), ("conmon.pid", run.conmon_pid)):
        path = f"{directory}/{name}"
        if pid and conmon.read_pid(path) != pid:
            yield report(path, f"it does not name the process {pid}", partial(files.write_atomic, path, b"%d" % pid))


def _problem(read: Callable[[], object]) -> str:
    """What is wrong with the file that `read` reads, "" when nothing is."""
    try:
        found = read()
    except FileNotFoundError:
        found = None
    except ArgosyError as error:
        return error.brief
    return "" if found is not None else "the file is missing"


def _record(site: Site, container_id: str) -> records.ContainerRecord | None:
    try:
        return records.read_record(site.store, container_id)
    except ArgosyError:
        return None  # `storage.check` says what is wrong with it


def is_over(record: records.ContainerRecord, run: state.Run) -> bool:
    """Whether a container made with --rm has ended, or lost the command that was to start it.

    The caller holds its lock.
    """
    if not record.options.remove or run.status == state.EXITED:
        return record.options.remove and not run.unbegun
    return run.status == state.CREATED and record.starter is not None and not state.is_there(record.starter)


def make_way(site: Site, container_id: str) -> bool:
    """Remove a container made with --rm that is over, or just ending; whether it is gone."""
    record = _record(site, container_id)
    if record is not None and record.options.infra:
        return _without_pod(site, record)
    if record is None or not record.options.remove:
        return record is None and not site.store.containers.exists(container_id)
    try:
        wait.conmon_done(site, container_id)
        with site.store.containers.lock(container_id):
            if not is_over(record, state.derive(site, container_id)) or cleanup.is_restarted(site, container_id):
                return False
            cleanup.discard(site, record, volumes=True)
    except NotFound:
        pass  # its own clean-up was quicker
    return True


def is_being_made(record: records.ContainerRecord) -> bool:
    """Whether the command that made the container, to do something with it at once, still runs."""
    return record.starter is not None and state.is_there(record.starter)


def _without_pod(site: Site, record: records.ContainerRecord) -> bool:
    """Remove the infra container that a killed `pod create` left without a pod; whether it is gone."""
    if site.store.pods.exists(record.options.pod) or is_being_made(record):
        return False
    try:
        with site.store.containers.lock(record.id):
            cleanup.discard(site, record, volumes=True)
    except NotFound:
        pass
    return True


def _idle(site: Site, name: str) -> bool:
    """Whether no container of this id runs, nor is being worked on; the uplink is nobody's, and all its users'."""
    if name == "uplink":
        from argosy.network import uplink

        return not uplink.is_used(site.store.run)
    try:
        lock = site.store.containers.lock(name, wait=False)
    except ArgosyError:
        return not step.is_attended(site.run_directory(name))  # there is none: a step of a build may have the id
    if lock is None:
        return False
    with lock:
        return state.derive(site, name).status not in _RUNS and not os.path.isdir(site.run_directory(name))


def _run_directories(site: Site) -> Iterator[_Left]:
    """A container is made before its run directory, and removed after it."""
    for name in entries(f"{site.store.run}/containers"):
        if not site.store.containers.exists(name) and not step.is_attended(site.run_directory(name)):
            yield _Left("run directory", name, site.run_directory(name), _LOST, partial(cleanup.take_down, site, name))


def _namespaces(site: Site) -> Iterator[_Left]:
    run = site.store.run
    for name in entries(f"{run}/netns"):
        if name != "uplink" and _idle(site, name):
            remedy = partial(network.teardown, run, name, site.run_directory(name))
            yield _Left("network namespace", name, f"{run}/netns/{name}", _OVER, remedy)


def _networks(site: Site) -> Iterator[_Left]:
    from argosy.containers import check_networks

    for left in check_networks.leftovers(site):
        yield _Left(*left)


def _runtime_records(site: Site) -> Iterator[_Left]:
    directory = f"{site.store.run}/runtime"
    for name in entries(directory):
        if not name.startswith(".") and _idle(site, name):
            yield _Left("runtime record", name, f"{directory}/{name}", _OVER, partial(prepare.undo, site, name))


def _processes(site: Site) -> Iterator[_Left]:
    """What monitors or connects a container of this run directory that does not run."""
    run = site.store.run
    for pid, words in procfs.command_lines():
        bundle = traces.bundle_of(words)
        paths = [word for word in words if word.startswith(f"{run}/netns/")]
        paths += [bundle] if bundle.startswith(f"{run}/containers/") else []
        started = process.start_time(pid)
        if started is not None and paths and _idle(site, paths[0].removeprefix(run).split("/")[2]):
            yield _Left("process", str(pid), paths[0], _OVER, partial(process.signal_process, pid, started))


def _temporary_files(site: Site) -> Iterator[_Left]:
    """Half-written files of caches: whoever writes one just now can do without."""
    for directory in (f"{site.store.run}/cache", f"{site.store.run}/cache/seccomp"):
        for name in entries(directory):
            if files.is_leftover(name):
                path = f"{directory}/{name}"
                yield _Left(
                    "temporary file", name, path, "left by a killed command", partial(files.unlink_missing, path)
                )

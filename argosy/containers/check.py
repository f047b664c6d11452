"""What killed commands, and a run directory that was wiped, have left of containers: named, and with `repair` gone.

Damaged files are `storage.check`'s business.  Here it is mounts, processes, network namespaces, control groups, the
runtime's records and run directories that belong to no run.  What is in use, or locked, is left alone.
"""

from __future__ import annotations

import os
from functools import partial

from argosy.containers import cleanup, prepare, state, traces
from argosy.containers import record as records
from argosy.errors import ArgosyError, NotFound
from argosy.linux import files, mounts, process
from argosy.network import attach as network
from argosy.storage.check import REPAIR, Finding, entries
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from argosy.containers.site import Site

_RUNS = (state.RUNNING, state.STOPPING)
_LOST = "its container does not exist"
_OVER = "its container does not run"


class _Left(Value):
    """Something that is left; `remedy` takes it away."""

    kind: str
    name: str
    path: str
    problem: str
    remedy: Callable[[], object]


def check(site: Site, *, repair: bool = False) -> list[Finding]:
    """Look at every container, and at everything in the run directory."""
    findings: list[Finding] = []
    for container_id in filter(site.store.containers.exists, site.store.containers.ids()):
        findings += _container(site, container_id, repair=repair)
    for look in (_run_directories, _namespaces, _runtime_records, _processes, _temporary_files):
        findings += [_finding(left, repair=repair) for left in look(site)]
    return findings


def _finding(left: _Left, *, repair: bool) -> Finding:
    if not repair:
        return Finding(left.kind, left.name, left.path, left.problem, hint=REPAIR)
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


def _left_of(site: Site, container_id: str) -> Iterator[_Left]:
    """What is left of a container that does not run; the caller holds its lock."""
    run = state.derive(site, container_id)
    if run.status in _RUNS:
        return
    directory = site.run_directory(container_id)
    merged = f"{site.state_directory(container_id)}/merged"
    report = partial(_Left, "container", container_id[:12])
    take_down = partial(cleanup.take_down, site, container_id)
    record = _record(site, container_id)
    if record is not None and abandoned(record, run):
        yield report(directory, "it was made with --rm, and will never be started", partial(_discard, site, record))
    elif record is not None and record.options.remove and run.status == state.EXITED and not run.unbegun:
        yield report(directory, "it was made with --rm, and has ended", partial(_discard, site, record))
    elif not run.settled:
        cut = run.unbegun or run.status == state.CREATED
        problem = "its start was interrupted" if cut else "it has ended and was not cleaned up"
        yield report(directory, problem, partial(cleanup.settle, site, container_id))
    elif mounts.is_mount_point(merged):
        yield report(merged, "it is mounted although it does not run", take_down)
    else:
        for group in prepare.group_directories(site, container_id):
            yield report(group, "it has a control group although it does not run", take_down)


def _record(site: Site, container_id: str) -> records.ContainerRecord | None:
    try:
        return records.read_record(site.store, container_id)
    except ArgosyError:
        return None  # `storage.check` says what is wrong with it


def _discard(site: Site, record: records.ContainerRecord) -> None:
    cleanup.settle(site, record.id, forget=True)
    cleanup.discard(site, record, volumes=True)


def abandoned(record: records.ContainerRecord, run: state.Run) -> bool:
    """Whether the container was to be run at once and then removed, by a command that has died before it did so.

    The caller holds its lock.
    """
    starter = record.starter
    if not record.options.remove or starter is None or run.status != state.CREATED:
        return False
    return starter.boot_id != state.boot_id() or not process.alive(starter.pid, starter.start_time)


def discard_abandoned(site: Site, container_id: str) -> bool:
    """Remove the container if it is abandoned; whether it is gone.  Raises NotFound when it was gone before."""
    lock = site.store.containers.lock(container_id, wait=False)
    if lock is None:
        return False
    with lock:
        record = _record(site, container_id)
        if record is None or not abandoned(record, state.derive(site, container_id)):
            return False
        _discard(site, record)
        return True


def _idle(site: Site, name: str) -> bool:
    """Whether no container of this id runs, nor is being worked on."""
    try:
        lock = site.store.containers.lock(name, wait=False)
    except ArgosyError:
        return True  # there is none
    if lock is None:
        return False
    with lock:
        return state.derive(site, name).status not in _RUNS and not os.path.isdir(site.run_directory(name))


def _run_directories(site: Site) -> Iterator[_Left]:
    """A container is made before its run directory, and removed after it."""
    for name in entries(f"{site.store.run}/containers"):
        if not site.store.containers.exists(name):
            yield _Left("run directory", name, site.run_directory(name), _LOST, partial(cleanup.take_down, site, name))


def _namespaces(site: Site) -> Iterator[_Left]:
    run = site.store.run
    for name in entries(f"{run}/netns"):
        if _idle(site, name):
            remedy = partial(network.teardown, run, name, site.run_directory(name))
            yield _Left("network namespace", name, f"{run}/netns/{name}", _OVER, remedy)


def _runtime_records(site: Site) -> Iterator[_Left]:
    directory = f"{site.store.run}/runtime"
    for name in entries(directory):
        if not name.startswith(".") and _idle(site, name):
            yield _Left("runtime record", name, f"{directory}/{name}", _OVER, partial(prepare.undo, site, name))


def _processes(site: Site) -> Iterator[_Left]:
    """What monitors or connects a container of this run directory that does not run."""
    run = site.store.run
    for pid, words in process.command_lines():
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

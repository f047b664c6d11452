"""The state of a container, derived from its files and from the processes that are there.

Nothing is stored that could go stale: a container runs when the process named in started.json lives, has exited when
conmon wrote an exit record or that process is gone, and was created when neither is there.  While the runtime's fifo
is there its program has not begun: whoever sees that with the container's lock in hand has found an interrupted start.
"""

from __future__ import annotations

import os

from argosy import jsontext
from argosy.containers import record as records
from argosy.errors import ArgosyError, Invalid, NotFound
from argosy.linux import process
from argosy.runtime import exits
from argosy.values import Value, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from argosy.containers.record import LastRun, Started, Starter
    from argosy.containers.site import Site

CREATED = "created"
INITIALIZED = "initialized"  # the runtime has made it, and its program waits for `start`
RUNNING = "running"
PAUSED = "paused"
STOPPING = "stopping"
EXITED = "exited"

ACTIVE = (RUNNING, PAUSED, STOPPING)  # what cannot be started or taken down

UNKNOWN_EXIT = 255  # the process went while nobody could see how: the machine went down, or conmon was killed

_boot_id = ""


class Run(Value):
    """Where a container is in its life.

    `pid` is 0 unless a process lives.  `exit_code` means something when the status is "exited".  `settled` is False
    while an ended or interrupted run still has mounts, a network or a run directory: cleanup has work to do.
    `unbegun`: started.json is there, but its program has not begun; all else is about the run before.
    """

    status: str
    pid: int = 0
    conmon_pid: int = 0
    exit_code: int = 0
    started_at: float = 0.0
    finished_at: float = 0.0
    restart_count: int = 0
    oom_killed: bool = False
    stopped_by_user: bool = False
    error: str = ""
    settled: bool = True
    unbegun: bool = False

    def ended(self) -> LastRun:
        """What last.json says of a run that has ended."""
        return records.LastRun(
            exit_code=self.exit_code,
            started_at=self.started_at,
            finished_at=self.finished_at,
            restart_count=self.restart_count,
            stopped_by_user=self.stopped_by_user,
            oom_killed=self.oom_killed,
        )


class ContainerView(Value):
    """What lists show of a container: the essence of its record, and its run.

    `options` is the record's ContainerOptions in JSON form, `record` all of the record; times are seconds since the
    epoch.
    """

    id: str
    name: str
    image: str
    image_id: str
    command: tuple[str, ...]
    created_at: float
    labels: Mapping[str, str]
    options: Mapping[str, Any]
    record: Mapping[str, Any]
    run: Run


def boot_id() -> str:
    """The identity of the running kernel."""
    global _boot_id
    if not _boot_id:
        with open("/proc/sys/kernel/random/boot_id") as file:
            _boot_id = file.read().strip()
    return _boot_id


def derive(site: Site, container_id: str) -> Run:
    """The container's run, from its files and processes alone; takes no lock.

    A started.json that is damaged or lost, and a damaged last.json (a power cut leaves such), are replaced by what else
    is known.
    """
    started = _read_started(site, container_id)
    unbegun = started is not None and os.path.exists(unbegun_mark(site, container_id))
    if started is not None and not unbegun:
        return _of_started(site, container_id, started)
    if started is not None and _is_initialized(site, container_id, started):
        return Run(status=INITIALIZED, pid=started.pid, conmon_pid=started.conmon_pid, unbegun=True)
    settled = started is None and not os.path.isdir(site.run_directory(container_id))
    run = _of_last(_read_last(site, container_id), settled=settled)
    return run.replace(unbegun=True) if unbegun else run


def _is_initialized(site: Site, container_id: str, started: Started) -> bool:
    """Whether somebody asked for just that; else an unbegun start is one that was interrupted."""
    marked = os.path.exists(f"{site.run_directory(container_id)}/{records.INITIALIZED}")
    return marked and started.boot_id == boot_id() and process.alive(started.pid, started.start_time)


def last_finished(site: Site, container_id: str, run: Run) -> float:
    """When the container ended last, be it the run before the one that is under way; 0.0 when it never did."""
    if run.status == EXITED:
        return run.finished_at
    last = _read_last(site, container_id)
    return last.finished_at if last is not None else 0.0


def unbegun_mark(site: Site, container_id: str) -> str:
    """Where the runtime's fifo is from `create` to `start`."""
    return f"{site.store.run}/runtime/{container_id}/exec.fifo"


def _read_started(site: Site, container_id: str) -> Started | None:
    try:
        found = records.read_value(site.store, container_id, records.STARTED, records.Started)
        if found is not None or not os.path.isdir(site.run_directory(container_id)):
            return found
    except Invalid:
        found = records.Started("", 0, 0, 0, 0, 0.0)  # whatever ran has ended, unless there are traces of it
    from argosy.containers import traces

    return traces.started(site, container_id) or found


def _read_last(site: Site, container_id: str) -> LastRun | None:
    try:
        return records.read_value(site.store, container_id, records.LAST, records.LastRun)
    except Invalid:
        return records.LastRun(UNKNOWN_EXIT, 0.0, 0.0)


def _of_last(last: LastRun | None, *, settled: bool) -> Run:
    if last is None:
        return Run(status=CREATED, settled=settled)
    return Run(
        status=CREATED if last.error else EXITED,
        exit_code=last.exit_code,
        started_at=last.started_at,
        finished_at=last.finished_at,
        restart_count=last.restart_count,
        oom_killed=last.oom_killed,
        stopped_by_user=last.stopped_by_user,
        error=last.error,
        settled=settled,
    )


def _of_started(site: Site, container_id: str, started: Started) -> Run:
    same_boot = started.boot_id == boot_id()
    directory = site.state_directory(container_id)
    exit_record = exits.read(site.store.run, container_id)
    stopped = os.path.exists(f"{directory}/{records.STOP_REQUESTED}")
    if same_boot and exit_record is None:
        alive = process.alive(started.pid, started.start_time)
        # As its exit command we know that it has recorded all that it could.
        conmon = started.conmon_pid != os.getppid() and process.alive(started.conmon_pid, started.conmon_start_time)
        if alive or conmon:
            return Run(
                status=STOPPING if not alive else PAUSED if _is_paused(site, container_id) else RUNNING,
                pid=started.pid if alive else 0,
                conmon_pid=started.conmon_pid if conmon else 0,
                started_at=started.started_at,
                restart_count=started.restart_count,
                stopped_by_user=stopped,
            )
        exit_record = exits.read(site.store.run, container_id)  # written between our two looks
    return Run(
        status=EXITED,
        exit_code=UNKNOWN_EXIT if exit_record is None or exit_record.code < 0 else exit_record.code,
        started_at=started.started_at,
        finished_at=started.started_at if exit_record is None else exit_record.finished_at,
        restart_count=started.restart_count,
        oom_killed=os.path.exists(f"{site.run_directory(container_id)}/oom"),
        stopped_by_user=stopped,
        settled=False,
    )


def _is_paused(site: Site, container_id: str) -> bool:
    return os.path.exists(f"{site.run_directory(container_id)}/{records.PAUSED}")


def is_there(starter: Starter) -> bool:
    """Whether the process that made a container to start it still lives."""
    return starter.boot_id == boot_id() and process.alive(starter.pid, starter.start_time)


def view(site: Site, container_id: str) -> ContainerView:
    """The container as lists show it.  Raises NotFound, or Invalid when its record is damaged."""
    text = records.read_text(site.store, container_id)
    raw = jsontext.decode(text, f"container record {container_id[:12]}")
    try:
        options = raw["options"]
        changes = records.read_value(site.store, container_id, records.CHANGES, records.Changes)
        if changes is not None and changes.options:
            options.update(plain(changes.options))
        if changes is not None and changes.ports is not None:
            options["ports"] = [mapping.to_json() for mapping in changes.ports]
        return ContainerView(
            id=raw["id"],
            name=changes.name if changes is not None and changes.name else raw["name"],
            image=raw["image"]["name"],
            image_id=raw["image"]["id"],
            command=_command(options, raw["image_config"]),
            created_at=float(raw["created_at"]),
            labels={**raw["image_config"].get("labels", {}), **options.get("labels", {})},
            options=options,
            record=raw,
            run=derive(site, container_id),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        why = f"a field is missing or of the wrong type: {error}"
        raise Invalid("container record", container_id[:12], why) from error


def _command(options: Mapping[str, Any], config: Mapping[str, Any]) -> tuple[str, ...]:
    """The words after the entrypoint, as the peers' `ps` shows them (the entrypoint where there are none)."""
    entrypoint = options.get("entrypoint")
    command = options.get("command")
    if command is None:
        command = () if entrypoint is not None else config.get("cmd") or ()
    if options.get("infra"):
        return tuple(command)
    if entrypoint is None:
        entrypoint = config.get("entrypoint") or ()
    return tuple(command) or tuple(entrypoint)


class Listing(Value):
    """All containers, newest first, and for each that could not be read its id and the error."""

    views: tuple[ContainerView, ...]
    damaged: tuple[tuple[str, str], ...] = ()


def views(site: Site, *, under_way: bool = False) -> Listing:
    """Every container of the store.  A container that vanishes meanwhile is left out; a damaged one is reported.

    With `under_way` those that do not run may be left out unread.
    """
    found, damaged = [], []
    for container_id in site.store.containers.ids():
        if under_way and not os.path.exists(f"{site.state_directory(container_id)}/{records.STARTED}"):
            continue
        try:
            found.append(view(site, container_id))
        except NotFound:
            continue
        except (ArgosyError, OSError) as error:
            damaged.append((container_id, str(error)))
    found.sort(key=lambda item: item.created_at, reverse=True)
    return Listing(tuple(found), tuple(damaged))

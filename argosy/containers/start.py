"""Starting a container: prepare, create through conmon, attach where asked, start.

The container's lock is held from the first look at its state until `runtime start` has returned.  Whoever finds a run
directory without a started marker while the lock is free has found an interrupted start.
"""

from __future__ import annotations

import os
import time

from argosy.containers import cleanup, happened, own_files, prepare, state
from argosy.containers import groups as cgroups
from argosy.containers import record as records
from argosy.errors import ArgosyError
from argosy.linux import files, process
from argosy.runtime import conmon, exit_command, exits
from argosy.undo import Undo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from socket import socket

    from argosy.containers.prepare import Prepared
    from argosy.containers.record import ContainerRecord
    from argosy.containers.site import Site
    from argosy.linux import locks
    from argosy.runtime.attach import Attachment

    Amend = Callable[[conmon.ConmonRequest], conmon.ConmonRequest]

# conmon has one format of files, whatever it is called.
_LOG_DRIVERS = {"json-file": "k8s-file"}
_ENDINGS = 2  # of runs that end while this waits


def start(
    site: Site,
    container_id: str,
    *,
    connect: bool = False,
    restart_of: state.Run | None = None,
    preserve_fds: int = 0,
    attended: bool = False,
) -> Attachment | None:
    """Start a container.  With `connect` its streams are connected before its program begins, and handed back.

    A container that runs already is left as it is (None, unless `connect`); for one that is just ending this waits.
    `restart_of` is the ended run that a restart policy follows up: nothing happens when that is no longer the last one,
    or the user asked for a stop meanwhile.  `preserve_fds` of our descriptors, from 3 on, are handed to it.  What it
    requires is started first.  `attended`: this process stays until the container ends, and takes it away if it was
    made with --rm.

    Raises NotFound, or what kept the container from starting; then nothing of it is left, and last.json says why.
    """
    record = records.read_record(site.store, container_id)
    if record.options.requires or record.options.pod:
        _start_others(site, record, again=restart_of is not None)
    lock, run = _lock_when_ended(site, container_id)
    with lock:
        if run.status == state.PAUSED:
            raise ArgosyError(
                "cannot start a paused container, try unpause instead", hint=f"argosy unpause {container_id[:12]}"
            )
        if run.status == state.RUNNING:
            return _already_runs(site, record, connect=connect)
        if restart_of is not None and not _follows(run, restart_of):
            return None
        if run.status == state.INITIALIZED:
            return _begin(site, record, connect=connect)
        cleanup.settle(site, container_id, run)
        count = 0 if restart_of is None else restart_of.restart_count + 1
        began = time.time()
        try:
            with Undo() as undo:
                door = _listen(site, record, undo)
                attachment, pid = _bring_up(
                    site,
                    record,
                    undo,
                    connect=connect,
                    restart_count=count,
                    preserve_fds=preserve_fds,
                    attended=attended,
                )
                undo.commit()
        except ArgosyError as error:
            _note_failure(site, record, error, began, count)
            raise
        if record.options.health is not None:
            _have_checked(site, record)
    if door is not None:
        _await_readiness(record, door, pid)
    return attachment


def _start_others(site: Site, record: ContainerRecord, *, again: bool) -> None:
    """Start what the container requires, unless it only runs `again`, and what holds its pod together."""
    if record.options.requires and not again:
        from argosy.containers import dependencies

        dependencies.start(site, record)
    if record.options.pod:
        from argosy.containers import pod

        pod.make_ready(site, record)


def _begin(site: Site, record: ContainerRecord, *, connect: bool) -> Attachment | None:
    from argosy.containers import initialize

    return initialize.begin(site, record, connect=connect)


def _lock_when_ended(site: Site, container_id: str) -> tuple[locks.Lock, state.Run]:
    """The container's lock, and its run: one that is just ending is recorded first, for which conmon is given time."""
    for _ in range(_ENDINGS):
        lock = site.store.containers.lock(container_id)
        try:
            run = state.derive(site, container_id)
        except BaseException:
            lock.release()
            raise
        if run.status != state.STOPPING:
            return lock, run
        lock.release()
        from argosy.containers import wait

        wait.conmon_done(site, container_id)
    raise ArgosyError(
        f"container {container_id[:12]} does not come to its end",
        details=f"conmon, process {run.conmon_pid}, has not recorded it",
        hint=f"argosy rm --force {container_id[:12]}",
    )


def _follows(run: state.Run, before: state.Run) -> bool:
    """Whether the container has not been touched since the run ended that a restart follows up."""
    return run.finished_at == before.finished_at and not run.stopped_by_user


def _bring_up(
    site: Site,
    record: ContainerRecord,
    undo: Undo,
    *,
    connect: bool,
    restart_count: int,
    preserve_fds: int,
    attended: bool,
    only_create: bool = False,
    amend: Amend | None = None,
) -> tuple[Attachment | None, int]:
    """Make the container, and unless `only_create` let its program run."""
    exits.remove(site.store.run, record.id)
    records.unlink(site.store, record.id, records.STOP_REQUESTED)
    if "path" in record.options.log_options:
        from argosy.containers import log_file

        log_file.check(record.options.log_options["path"])
    meanwhile = _load_attach if connect else None
    prepared, asked, created = _make(site, record, meanwhile, preserve_fds, amend, attended=attended)
    if prepared.entrance:
        from argosy.containers import entrance

        entrance.leave(site.run_directory(record.id), prepared.entrance, keep=not prepared.runtime.is_crun)
    if asked.ended_stdin:
        conmon.end_stdin(asked.bundle)
    attachment = None
    if connect:
        attachment = _attach(site, record.id)
        undo.push(attachment.close)
    marker = records.Started(
        boot_id=state.boot_id(),
        pid=created.pid,
        start_time=process.start_time(created.pid) or 0,
        conmon_pid=created.conmon_pid,
        conmon_start_time=process.start_time(created.conmon_pid) or 0,
        started_at=time.time(),
        restart_count=restart_count,
    )
    records.write_value(site.store, record.id, records.STARTED, marker)
    undo.push(records.unlink, site.store, record.id, records.STARTED)
    if record.options.pidfile:
        _write_pidfile(record.options.pidfile, created.pid)
    if record.options.conmon_pidfile:
        _write_pidfile(record.options.conmon_pidfile, created.conmon_pid, "--conmon-pidfile")
    if only_create:
        return attachment, created.pid
    prepared.runtime.start(record.id, prepared.program)
    happened.tell(site, record, "init", "start", *(("attach",) if attachment is not None else ()))
    if "NOTIFY_SOCKET" in os.environ and record.options.sdnotify != "ignore":
        from argosy.runtime import sdnotify

        sdnotify.report(os.environ["NOTIFY_SOCKET"], created.conmon_pid, ready=record.options.sdnotify == "conmon")
    return attachment, created.pid


def _make(
    site: Site,
    record: ContainerRecord,
    meanwhile: Callable[[], object] | None,
    preserve_fds: int,
    amend: Amend | None,
    *,
    attended: bool,
) -> tuple[Prepared, conmon.ConmonRequest, conmon.Started]:
    """Prepare the container, and let the runtime create it; `meanwhile` is called as that begins.

    `amend` changes what conmon is asked to do, when all is prepared.
    """
    place = site if site.namespace.initial else _nested(site, record)
    groups = cgroups.detect(place)
    hastened = cgroups.hasten(groups)
    try:
        prepared = prepare.prepare(place, record, groups)
        asked = request(site, record, prepared, attended=attended).replace(preserve_fds=preserve_fds)
        asked = asked if amend is None else amend(asked)
        try:
            return prepared, asked, _create(site, record, asked, meanwhile)
        finally:
            for fd in prepared.held:
                os.close(fd)  # conmon has its own by now
    finally:
        if hastened:
            process.wait(hastened)


def _have_checked(site: Site, record: ContainerRecord) -> None:
    from argosy.containers.health import watch

    watch.begun(site, record)


def _already_runs(site: Site, record: ContainerRecord, *, connect: bool) -> Attachment | None:
    if record.options.health is not None:
        from argosy.containers.health import watch

        watch.ensure(site, [(record.id, record.options.to_json())])
    return _attach(site, record.id) if connect else None


def create_only(site: Site, record: ContainerRecord, amend: Amend | None = None) -> None:
    """Make the container, whose program does not run yet, or which `amend` has restored.

    The caller holds its lock, and has settled the run before.

    Raises as `start`, and leaves nothing then.
    """
    began = time.time()
    try:
        with Undo() as undo:
            undo.push(cleanup.take_down, site, record.id)
            _bring_up(
                *(site, record, undo),
                connect=False,
                restart_count=0,
                preserve_fds=0,
                attended=False,
                only_create=True,
                amend=amend,
            )
            undo.commit()
    except ArgosyError as error:
        _note_failure(site, record, error, began, 0)
        raise


def _nested(site: Site, record: ContainerRecord) -> Site:
    """The site for a container that may be in a container of somebody's."""
    from argosy.containers import nested

    return nested.adapted(site, record.options)


def _listen(site: Site, record: ContainerRecord, undo: Undo) -> socket | None:
    """The socket on which a container that is a service says that it is ready; None where it is none, or nobody asks.

    The run directory is there from here on.
    """
    undo.push(cleanup.take_down, site, record.id)
    if not own_files.notify_socket(record):
        return None
    from argosy.runtime import sdnotify

    directory = site.run_directory(record.id)
    files.make_directories(directory)
    door = sdnotify.listen(directory)
    undo.push(door.close)
    return door


def _await_readiness(record: ContainerRecord, door: socket, pid: int) -> None:
    """Pass on what the container says to the service manager.  The caller holds no lock: this may take a while."""
    from argosy.runtime import sdnotify

    with door:
        sdnotify.forward(door, own_files.notify_socket(record), pid)


def _log_tag(site: Site, record: ContainerRecord) -> str:
    """The tag of its entries in the journal; conmon does not start with a tag for another driver."""
    tag = record.options.log_options.get("tag", site.conf.log_tag)
    if "{{" not in tag:
        return tag
    from argosy.containers import logtag

    return logtag.expand(site, record.id, tag)


def _write_pidfile(path: str, pid: int, flag: str = "--pidfile") -> None:
    try:
        files.write_named(path, str(pid).encode())
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ArgosyError(f"cannot write the pid file {path}: {reason}", hint=f"see {flag}") from error


def _attach(site: Site, container_id: str) -> Attachment:
    from argosy.runtime import attach

    return attach.connect(site.run_directory(container_id))


def _load_attach() -> None:
    """Import what `_attach` needs, while the runtime makes the container."""
    import argosy.runtime.attach  # noqa: F401


def _create(
    site: Site, record: ContainerRecord, asked: conmon.ConmonRequest, meanwhile: Callable[[], object] | None
) -> conmon.Started:
    try:
        return conmon.start(asked, meanwhile=meanwhile)
    except ArgosyError as error:
        from argosy.containers import mountpoints

        raise mountpoints.explained(error, site, record.id) from error


def _note_failure(site: Site, record: ContainerRecord, error: ArgosyError, began: float, restart_count: int) -> None:
    """Write down why the container did not start, as its last run."""
    last = records.LastRun(
        exit_code=error.exit_code if error.exit_code in (126, 127) else 125,
        started_at=began,
        finished_at=time.time(),
        restart_count=restart_count,
        error=str(error),
    )
    try:
        records.write_value(site.store, record.id, records.LAST, last)
    except OSError as failure:
        error.add_note(f"and its last.json could not be written: {failure}")


def _exit_command(site: Site, record: ContainerRecord, *, attended: bool) -> tuple[str, ...]:
    if attended and record.options.remove:
        own_words = len(process.self_argv())
        return exit_command.argv(site.again, own_words, os.getpid(), record.id, site.state_directory(record.id))
    return (*site.again, "container", "cleanup", record.id)


def request(site: Site, record: ContainerRecord, prepared: Prepared, *, attended: bool = False) -> conmon.ConmonRequest:
    """What conmon is asked to do for a prepared container."""
    options = record.options
    directory = site.run_directory(record.id)
    driver = records.log_driver(site, record)
    return conmon.ConmonRequest(
        program=prepared.conmon,
        id=record.id,
        name=record.name,
        bundle=directory,
        runtime=prepared.runtime,
        pidfile=f"{directory}/pidfile",
        conmon_pidfile=f"{directory}/conmon.pid",
        exit_dir=exits.directory(site.store.run),
        command=prepared.program,
        tty=options.tty,
        stdin=options.interactive,
        ended_stdin=record.id_map is not None and not options.interactive and driver != "passthrough",
        log_driver=_LOG_DRIVERS.get(driver, driver),
        log_path=records.log_path(site, record),
        log_size_max=records.log_size_max(site, record),
        log_tag=_log_tag(site, record) if driver == "journald" else "",
        exit_command=_exit_command(site, record, attended=attended),
        cgroup_paths=prepared.conmon_cgroups,
        scope=prepared.conmon_scope,
        companions=prepared.companions,
        held=prepared.held,
        no_new_keyring=not site.conf.keyring,
        no_pivot=site.conf.no_pivot_root,
        env=site.conf.conmon_env_vars,
        timeout_s=options.timeout_s,
    )
